"""Latches to alerts: a step that enough series of a subject hold, the most severe step, its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import groupby

from rules.engine.directory import Series
from rules.engine.plan import Plan, Program
from rules.engine.state import Key, Open, State
from rules.model import Rule, SubjectKind
from rules.transition import PAST_US, Cell, Kind, Transition

Values = Callable[["Change"], Mapping[str, Cell]]

MOST_SEVERE = 1


@dataclass(frozen=True, slots=True)
class Change:
    """A latch that was set or released by the reading at `order`, or by a timer before it; `time_us` is event time."""

    pair: int
    program: Program
    series: int
    order: int
    time_us: int
    latched: bool
    timer: bool = False
    reason: str | None = None


class Settlement:
    """Works latch changes off in order of arrival; what it finds is in `alerts`, `latched` and `transitions`."""

    def __init__(self, plan: Plan, state: State, now_us: int, values: Values) -> None:
        self.plan = plan
        self.state = state
        self.now_us = now_us
        self.values = values
        self.alerts: dict[Key, Open | None] = {}
        self.latched: dict[Key, tuple[int, ...]] = {}
        self.transitions: list[Transition] = []

    def settle(self, changes: list[Change]) -> None:
        """At most one transition for each alert and reading, and one for each that its neighbours' alerts change."""
        changes = sorted(changes, key=lambda c: (_instant(c), c.program.rule.name, self._subject(c), c.pair))
        for _, group in groupby(changes, key=lambda c: (_instant(c), c.program.rule.name, self._subject(c))):
            self._change(list(group))

    def review(self, key: Key, reason: str, time_us: int) -> None:
        """Bring an alert in line with its latches after the rules or the series have changed, for a reason."""
        rule = self.plan.rule_set.rules.get(key.rule) if key.rule in self.plan.judged else None
        before = self._alert(key)
        after = self._severity(rule, key) if rule is not None else None
        if (before.severity if before else None) != after:
            kind = rule.subject if rule is not None else before.subject_kind if before else "series"
            self._say(key, kind, self.plan.versions.get(key.rule, 0), before, after, time_us, reason)
            series = self._any_series(key)
            if series is not None:
                self.transitions[-1] = _placed(self.transitions[-1], series)

    def _any_series(self, key: Key) -> Series | None:
        """Any of the series of a subject that its rule judges; None: there is none any more."""
        rule = self.plan.rule_set.rules.get(key.rule)
        for number in sorted(self.plan.judged.get(key.rule, ())):
            series = self.plan.series[number]
            if rule is not None and series.subject(rule.subject) == key.subject:
                return series
        return None

    def _change(self, changes: list[Change]) -> None:
        first = changes[0]
        rule = first.program.rule
        key = Key(rule.name, self._subject(first))
        counts = list(self._counts(key, rule))
        for change in changes:
            counts[change.program.position] += 1 if change.latched else -1
        self.latched[key] = tuple(counts)
        was_open = self._alert(key) is not None
        deciding = _deciding(changes)
        self._update(rule, key, deciding, deciding.reason)
        if rule.together and was_open != (self._alert(key) is not None):
            for neighbour in self.plan.neighbours[rule.name].of(key.subject):
                other = Key(rule.name, neighbour)
                if self._alert(other) is not None:
                    self._update(rule, other, deciding, None)

    def _update(self, rule: Rule, key: Key, change: Change, reason: str | None) -> None:
        """Bring one alert to the severity that its steps and neighbours ask for."""
        before, after = self._alert(key), self._severity(rule, key)
        if (before.severity if before else None) == after:
            return
        past_us = float(self.plan.news_by_series[change.series])
        self._say(key, rule.subject, change.program.version, before, after, change.time_us, reason, past_us)
        if self._subject(change) == key.subject:
            series = self.plan.series[change.series]
            self.transitions[-1] = replace(
                _placed(self.transitions[-1], series),
                step=change.program.step.severity,
                series=change.series,
                values=self.values(change) if reason is None else {},
            )

    def _say(
        self,
        key: Key,
        subject_kind: SubjectKind,
        version: int,
        before: Open | None,
        after: int | None,
        time_us: int,
        reason: str | None,
        past_us: float = PAST_US,
    ) -> None:
        """One transition of an alert; its time is never before that of the one before."""
        if before is not None:
            time_us = max(time_us, before.time_us)
        past = self.now_us - time_us > past_us
        kind: Kind
        if after is None:
            kind = "cleared"
            self.alerts[key] = None
        else:
            kind = "raised" if before is None else "escalated" if after < before.severity else "downgraded"
            self.alerts[key] = Open(after, time_us, past if before is None else before.past, subject_kind)
        severity = after if after is not None else before.severity if before else 0
        self.transitions.append(
            Transition(
                rule=key.rule,
                version=version,
                subject=key.subject,
                subject_kind=subject_kind,
                kind=kind,
                time_us=int(time_us),
                severity=severity,
                before=before.severity if before else None,
                reason=reason,
                past=past,
            )
        )

    def _severity(self, rule: Rule, key: Key) -> int | None:
        """The most severe step that holds, made more severe by neighbours; None: no step holds."""
        counts = self._counts(key, rule)
        holding = [step.severity for step, n in zip(rule.steps, counts, strict=True) if n >= rule.at_least]
        if not holding:
            return None
        severity = min(holding)
        if rule.together:
            near = sum(
                self._holds(rule, Key(rule.name, name)) for name in self.plan.neighbours[rule.name].of(key.subject)
            )
            if near + 1 >= rule.together.count:
                severity = max(MOST_SEVERE, severity - rule.together.raise_by)
        return severity

    def _holds(self, rule: Rule, key: Key) -> bool:
        return any(n >= rule.at_least for n in self._counts(key, rule))

    def _counts(self, key: Key, rule: Rule) -> tuple[int, ...]:
        return self.latched.get(key) or self.state.latched.get(key) or (0,) * len(rule.steps)

    def _alert(self, key: Key) -> Open | None:
        return self.alerts[key] if key in self.alerts else self.state.alerts.get(key)

    def _subject(self, change: Change) -> str:
        return self.plan.series[change.series].subject(change.program.rule.subject)


def _placed(transition: Transition, series: Series) -> Transition:
    """A transition with where its subject is."""
    return replace(transition, region=series.region, domain=series.domain, site=series.site, device=series.device)


def _instant(change: Change) -> tuple[int, bool, int]:
    """Where a change stands in the order of arrival; a timer is an arrival of its own, before the reading's."""
    return change.order, not change.timer, change.time_us if change.timer else 0


def _deciding(changes: list[Change]) -> Change:
    """The most severe of the changes of one reading."""
    return min(changes, key=lambda change: change.program.step.severity)
