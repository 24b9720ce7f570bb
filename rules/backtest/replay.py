"""Replays stored readings through the engine: what stream rules say of a history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from citybrain.store.connection import Connection
from rules.backtest.alerts import Alerts
from rules.backtest.history import History, Slice, extent
from rules.engine import needs
from rules.engine.clock import date_at, start_of_day
from rules.engine.directory import Series
from rules.engine.evaluate import GRACE_US, apply, evaluate, tick
from rules.engine.holds import CLEARING, PENDING
from rules.engine.plan import compile_rules
from rules.engine.state import Delta, State
from rules.engine.view import Readings
from rules.habits import StoredFacts
from rules.model import DAY_US, RuleSet
from rules.plans.model import Plan as CityPlan
from rules.transition import Transition

Column = npt.NDArray[Any]
Progress = Callable[[float], None]  # told the share that is done, from 0 to 1

SECOND_US = 1_000_000  # microseconds
LEAST_WARM_UP_US = DAY_US  # microseconds of readings before the span that the engine sees at least
ENDLESS_US = 400 * DAY_US  # microseconds; the engine's hold of intervals where there is no interval
NEVER_US = np.iinfo("i8").max


@dataclass(frozen=True)
class Version:
    """Rules as they are to be judged, with the number of each one's version and the plans that they go by."""

    rules: RuleSet
    plans: Mapping[str, CityPlan]
    versions: Mapping[str, int]


class Judge:
    """The engine over one version of the stream rules, from an empty state.

    A live process looks at the clock between batches: a hold of a metric that reports on change is met by it, and a
    season ends by it. Here the clock moves with the readings, and is looked at wherever it could matter: batches are
    cut before an arrival by which a hold has run out.
    """

    def __init__(self, version: Version, directory: list[Series], zone: ZoneInfo, alerts: Alerts) -> None:
        self.plan = compile_rules(version.rules, directory, zone, version.versions)
        self.facts = StoredFacts(version.plans)
        self.state = State(self.plan)
        self.alerts = alerts
        self._timed = np.zeros(len(self.plan.group_by_series), bool)  # by series
        self._shared = self._timed.copy()
        for name, judged in self.plan.judged.items():
            rule = self.plan.rule_set.rules[name]
            timed = [one for one in judged if self.plan.series[one].reports_change]
            self._timed[timed] = True
            self._shared[timed] |= rule.subject != "series" or rule.together is not None
        self._seasonal = bool(self.plan.terms["season"].any())
        self._next_midnight = NEVER_US

    @property
    def judged(self) -> frozenset[int]:
        """The series that the rules judge."""
        return frozenset().union(*self.plan.judged.values())

    @property
    def read(self) -> frozenset[int]:
        """The series that are needed to judge: those, and others that are read through `with`."""
        others = [alias.series for program in self.plan.programs for alias in program.aliases.values()]
        found = np.unique(np.concatenate(others)) if others else np.empty(0, "i4")
        return self.judged | set(found[found >= 0].tolist())

    @property
    def holding(self) -> frozenset[int]:
        """The series that report on change: their value holds until the next reading."""
        return frozenset(one for one in self.read if self.plan.series[one].reports_change)

    @property
    def warm_up_us(self) -> int:
        """How much of the past decides what the rules say: the longest span, age or hold, and a day at least."""
        terms = self.plan.terms
        interval = np.array([one.interval_us for group in self.plan.groups for one in group.members], "f8")
        longest = interval[np.isfinite(interval)].max(initial=0)
        held = [terms[name][terms[name] < ENDLESS_US].max(initial=0) for name in ("for_us", "keep_us")]
        samples = [terms[name].max(initial=0) * longest for name in ("for_n", "for_among", "keep_n")]
        ages = [
            age[np.isfinite(age)].max(initial=0)
            for program in self.plan.programs
            for age in (alias.max_age_us for alias in program.aliases.values())
        ]
        back = max(int(self.plan.keep_by_series.max(initial=0)), *map(int, ages), 0)
        return max(back + int(max(*held, *samples)), LEAST_WARM_UP_US)

    def extent(self, connection: Connection) -> tuple[datetime, datetime] | None:
        """The times of the oldest and the newest reading of the series that the rules judge; None: there is none."""
        return extent(connection, self.judged)

    def judge(self, connection: Connection, found: Slice) -> None:
        """Judge a slice of history."""
        readings, clock = found.readings, found.clock
        self.facts.fetch(connection, needs.habits(self.plan, readings))
        cuts = np.append(self._cuts(readings, clock), len(readings))
        start = 0
        while start < len(readings):
            cut = int(cuts[np.searchsorted(cuts, start, side="right")])
            start = self._part(readings, clock, start, cut)

    def finish(self, until_us: int) -> None:
        """Let the timers run out that do so before the end."""
        self._take(tick(self.plan, self.facts, self.state, until_us))

    def _cuts(self, readings: Readings, clock: Column) -> Column:
        """Where the clock must be looked at: before readings that come after a hold may have run out by it.

        Where an alert has several series, also before and after all that may begin a hold: what comes first decides.
        """
        series = readings.series
        delayed = self._timed[series] & (clock - readings.time > GRACE_US)
        shared = self._shared[series]
        before = np.searchsorted(clock, clock[delayed | shared], side="left")
        after = np.searchsorted(clock, clock[shared], side="right")
        return np.unique(np.concatenate([before, after]))

    def _part(self, readings: Readings, clock: Column, start: int, cut: int) -> int:
        """Judge the readings from `start` on, to `cut` at most; where the next part starts."""
        now = int(clock[start])
        if now >= min(self._next_midnight, self._due()):
            self._take(tick(self.plan, self.facts, self.state, now))
        if self._seasonal:
            self._next_midnight = start_of_day(date_at(now, self.plan.zone) + timedelta(days=1), self.plan.zone)
        end = min(cut, int(np.searchsorted(clock, min(self._next_midnight, max(self._due(), now + 1)))))
        part = _part(readings, start, end)
        self._take(evaluate(self.plan, self.facts, self.state, part, int(clock[end - 1])))
        return end

    def _due(self) -> int:
        """When the clock will have met the first hold that is running."""
        if not self._timed.any():
            return NEVER_US
        busy = np.flatnonzero(self.state.busy)
        rows, terms = self.state.rows[busy], self.plan.terms[busy]
        up = terms["change"] & (rows["code"] == PENDING) & (terms["for_n"] == 0)
        down = terms["change"] & (rows["code"] == CLEARING) & (terms["keep_n"] == 0)
        due = np.concatenate([(rows["since"] + terms["for_us"])[up], (rows["since"] + terms["keep_us"])[down]])
        return int(due.min()) + GRACE_US if len(due) else NEVER_US

    def _take(self, made: tuple[Delta, list[Transition]]) -> None:
        delta, transitions = made
        apply(self.state, delta)
        self.alerts.take(transitions)


def replay(
    connection: Connection,
    judges: list[Judge],
    since_us: int,
    until_us: int,
    progress: Progress,
    *,
    late: bool = False,
) -> int:
    """Have all judges judge what the store has of a span, beginning as long before as they need.

    Args:
        connection: to the store.
        judges: with their alerts, which know the span.
        since_us: start of the span, whole seconds in us since 1970.
        until_us: its end, exclusive.
        progress: is told the share that is done.
        late: as if late readings had come in time.

    Returns:
        How many readings of the span there are.
    """
    series = {one: judge.plan.series[one] for judge in judges for one in judge.read}
    history = History(connection, series.values(), late=late)
    begin_us = since_us - max((judge.warm_up_us for judge in judges), default=0)
    begin_us -= begin_us % SECOND_US
    holding = frozenset[int]().union(*(judge.holding for judge in judges))
    count = 0
    for found in history.slices(begin_us, until_us, holding):
        count += int((found.readings.time >= since_us).sum())
        for judge in judges:
            judge.judge(connection, found)
        progress((found.until_us - begin_us) / (until_us - begin_us))
    for judge in judges:
        judge.finish(until_us)
    return count


def _part(readings: Readings, start: int, end: int) -> Readings:
    return Readings(
        readings.series[start:end],
        readings.time[start:end],
        readings.value[start:end],
        readings.quality[start:end],
        readings.message[start:end],
    )
