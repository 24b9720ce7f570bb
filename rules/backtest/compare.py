"""What is different between the alerts of two versions of a rule. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rules.backtest.alerts import Alert
from rules.engine.state import Key

Pair = tuple[tuple[Alert, ...], tuple[Alert, ...]]  # alerts here, and alerts there, that overlap in time


@dataclass(frozen=True)
class Difference:
    """Alerts of one rule: `same` in both, only in one, or in both with other times or severities."""

    same: tuple[Alert, ...]
    only_here: tuple[Alert, ...]
    only_there: tuple[Alert, ...]
    changed: tuple[Pair, ...]


def compare(here: Iterable[Alert], there: Iterable[Alert]) -> Difference:
    """Compare alerts of one rule; those of a subject belong together that overlap in time, also several with one."""
    same: list[Alert] = []
    only_here: list[Alert] = []
    only_there: list[Alert] = []
    changed: list[Pair] = []
    for ours, theirs in _overlapping(here, there):
        if not theirs:
            only_here += ours
        elif not ours:
            only_there += theirs
        elif [one.course for one in ours] == [one.course for one in theirs]:
            same += ours
        else:
            changed.append((ours, theirs))
    return Difference(tuple(same), tuple(only_here), tuple(only_there), tuple(changed))


def _overlapping(here: Iterable[Alert], there: Iterable[Alert]) -> Iterator[Pair]:
    by_subject: dict[Key, list[tuple[Alert, bool]]] = defaultdict(list)
    for alerts, ours in ((here, True), (there, False)):
        for alert in alerts:
            by_subject[Key(alert.rule, alert.subject)].append((alert, ours))
    for key in sorted(by_subject):
        group: list[tuple[Alert, bool]] = []
        end_us: int | None = 0
        for alert, ours in sorted(by_subject[key], key=lambda pair: (pair[0].raised_us, not pair[1])):
            if group and end_us is not None and alert.raised_us >= end_us:
                yield _pair(group)
                group, end_us = [], 0
            group.append((alert, ours))
            end_us = None if end_us is None or alert.cleared_us is None else max(end_us, alert.cleared_us)
        yield _pair(group)


def _pair(group: Iterable[tuple[Alert, bool]]) -> Pair:
    members = list(group)
    return tuple(one for one, ours in members if ours), tuple(one for one, ours in members if not ours)
