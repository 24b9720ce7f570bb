"""Rules that somebody tries out: what is wrong with a text, what its tests say, what it would have raised.

All of it runs in a process of its own, `python -m rules.trial`, so that a text that asks for too much can be stopped
and delays nobody. No SQL that comes with a text is ever run.
"""
