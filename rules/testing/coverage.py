"""What of a rule no test shows at work."""

from __future__ import annotations

from collections.abc import Sequence

from rules.model import Rule, RuleSet
from rules.testing.probes import Probe, probes
from rules.testing.run import Engine, Result, play


def gaps(rule: Rule, rule_set: RuleSet, results: Sequence[Result], engine: Engine) -> list[str]:
    """Steps never raised or never cleared, entries of limits never used, branches never taken, in words."""
    if not results:
        return ["no test"]
    histories = [result for result in results if result.mistake is None]
    return [
        probe.gap
        for probe in probes(rule, rule_set)
        if not any(_shows(probe, rule_set, result, engine) for result in histories)
    ]


def _shows(probe: Probe, rule_set: RuleSet, result: Result, engine: Engine) -> bool:
    """Whether the probe speaks in a test; what the end of a season clears shows no condition."""
    alone = RuleSet({probe.rule.name: probe.rule}, rule_set.calendars, rule_set.vocabulary)
    fired = play(engine(alone, result.history), result.history, "whole")
    return any(transition.kind == probe.kind and transition.reason is None for transition in fired)
