"""Checks whom rules inhibit: each pattern names a rule, and no rule inhibits itself by way of others."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from citybrain.catalogue.messages import hint
from rules.grammar.entry import Entry
from rules.model import Inhibition, Rule


def inhibited(inhibition: Inhibition | None, by: str, names: list[str]) -> list[str]:
    """The rules among `names` that the rule `by` inhibits; a pattern never means the rule that has it."""
    patterns = inhibition.rules if inhibition else ()
    return [name for name in names if name != by and any(fnmatchcase(name, pattern) for pattern in patterns)]


def check(rules: Mapping[str, tuple[Entry, Rule]]) -> None:
    """Report patterns that name no rule, and cycles; `rules` by name."""
    names = list(rules)
    follows = {name: inhibited(rule.inhibits, name, names) for name, (_, rule) in rules.items()}
    for name, (entry, rule) in rules.items():
        for position, pattern in enumerate(rule.inhibits.rules if rule.inhibits else ()):
            if not any(other != name and fnmatchcase(other, pattern) for other in names):
                advice = hint(pattern, [other for other in names if other != name])
                entry.report(("inhibits", "rules", position), f"{pattern} names no other rule{advice}")
    reported: set[str] = set()
    for name in names:
        way = _cycle(name, follows)
        if way and reported.isdisjoint(way):
            reported.update(way)
            message = f"the rules inhibit each other in a circle: {' > '.join(way)}; nobody would be told"
            rules[name][0].report(("inhibits", "rules"), message)


def _cycle(start: str, follows: Mapping[str, list[str]]) -> list[str]:
    """The shortest way from a rule back to it, else nothing."""
    before: dict[str, str] = {}
    queue = [start]
    for name in queue:
        for other in follows[name]:
            if other == start:
                way = [name]
                while way[-1] != start:
                    way.append(before[way[-1]])
                return [*reversed(way), start]
            if other not in before:
                before[other] = name
                queue.append(other)
    return []
