"""Readings as the columns that conditions read, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from citybrain.quality import DOUBTFUL, Flag
from rules.calendars import hour_ranges
from rules.conditions import Call, Value
from rules.engine.clock import day_of, local, minute_of
from rules.engine.facts import Facts
from rules.engine.plan import BEHIND_US, Group, LimitColumn, Plan, Program
from rules.engine.state import NEVER, State
from rules.engine.windows import NEWEST, Fresh
from rules.model import HOUR_US

Array = npt.NDArray[Any]

FLAGS = {
    "is_stuck": Flag.STUCK,
    "is_step": Flag.STEP,
    "is_out_of_range": Flag.OUT_OF_RANGE,
    "is_ahead": Flag.AHEAD,
}


@dataclass(frozen=True)
class Readings:
    """What was just stored, in order of arrival.

    `columns` are those of a query's rows; `missing` marks subjects that have no row, which counts as clear.

    series i4, time i8 (us), value f8, quality i2 (flags), message i8 (ascending, equal within one message).
    """

    series: Array
    time: Array
    value: Array
    quality: Array
    message: Array
    columns: Mapping[str, Value] = field(default_factory=dict)
    missing: Array | None = None

    def __len__(self) -> int:
        return len(self.series)


class Arrivals:
    """What has arrived by when: the newest good reading and the windows of any series, as of each moment of a batch."""

    def __init__(self, state: State, readings: Readings, good: Array) -> None:
        self.state = state
        # Readings of one message and one time arrive together.
        new = (readings.message[1:] != readings.message[:-1]) | (readings.time[1:] != readings.time[:-1])
        self.moment = np.r_[0, np.cumsum(new)] if len(readings) else np.empty(0, "i8")
        self._moments = len(readings) + 1
        rows = np.flatnonzero(good)
        rows = rows[np.argsort(readings.series[rows], kind="stable")]
        self.series, self.time, self.value = readings.series[rows], readings.time[rows], readings.value[rows]
        self._keys = self.series.astype("i8") * self._moments + self.moment[rows]
        # How many of its series' good readings have come with each good reading, itself included.
        first = np.searchsorted(self.series, self.series)
        self.count = np.zeros(len(readings), "i8")
        self.count[rows] = np.arange(len(rows)) - first + 1
        kept = state.windows.kept(self.series)
        self.fresh: Fresh | None = None
        if kept.any():
            self.fresh = state.windows.write(self.series[kept], self.time[kept], self.value[kept])

    def latest(self) -> tuple[Array, Array, Array]:
        """The newest good reading of each series of the batch: series, time (us), value."""
        last = np.flatnonzero(np.r_[self.series[1:] != self.series[:-1], True]) if len(self.series) else slice(0)
        return self.series[last], self.time[last], self.value[last]

    def newest(self, series: Array, moment: Array) -> tuple[Array, Array]:
        """Time (us, NEVER: none) and value of the newest good reading of each of `series` (-1: none) at each moment."""
        known = np.maximum(series, 0)
        time = np.where(series >= 0, self.state.newest_time[known], NEVER)
        value = self.state.newest_value[known]
        if len(self.series):
            at = np.searchsorted(self._keys, series.astype("i8") * self._moments + moment, side="right") - 1
            here = (at >= 0) & (self.series[np.maximum(at, 0)] == series)
            time = np.where(here, self.time[np.maximum(at, 0)], time)
            value = np.where(here, self.value[np.maximum(at, 0)], value)
        return time, value

    def arrived(self, series: Array, moment: Array) -> Array:
        """How many good readings of the batch had come of each of `series` at each moment."""
        key = series.astype("i8") * self._moments
        until = np.searchsorted(self._keys, key + moment, side="right")
        since = np.searchsorted(self._keys, key, side="left")
        count: Array = until - since
        return count


class View:
    """Readings of one group, in order of arrival, as columns."""

    def __init__(self, plan: Plan, facts: Facts, arrivals: Arrivals, group: Group, readings: Readings, rows: Array):
        self.plan = plan
        self.facts = facts
        self.arrivals = arrivals
        self.group = group
        self.readings = readings
        self.order = rows
        self.series = readings.series[rows]
        self.time = readings.time[rows]
        self.value = readings.value[rows]
        self.quality = readings.quality[rows]
        self.moment = arrivals.moment[rows]
        self.position = plan.rank_by_series[self.series]
        self._cache: dict[object, Value] = {}

    def __len__(self) -> int:
        return len(self.order)

    def take(self, chosen: Array) -> View:
        """Some of the readings."""
        return View(self.plan, self.facts, self.arrivals, self.group, self.readings, self.order[chosen])

    def at(self, order: int) -> View:
        """The reading at a place in the order of arrival."""
        return self.take(np.searchsorted(self.order, np.array([order])))

    def column(self, program: Program, name: str) -> Value:
        """A column of the program's conditions by name, or by the text of a call."""
        key: object = name
        if name in program.limits or name in program.aliases or name in program.calls:
            key = (program.rule.name, program.position, name)
            if name in program.calls and program.calls[name].column == "value":
                key = name
        found = self._cache.get(key)
        if found is None:
            found = self._cache[key] = self._make(program, name)
        return found

    def active(self, calendar: str) -> Array:
        """Whether a calendar is on, by reading."""
        found = self._cache.get(("calendar", calendar))
        if found is None:
            found = self._cache["calendar", calendar] = Value(self._calendar(calendar))
        return found.data

    def _make(self, program: Program, name: str) -> Value:
        if name in self.readings.columns:
            data, null = self.readings.columns[name]
            return Value(data[self.order], None if null is None else null[self.order])
        if name == "value":
            return Value(self.value != 0) if self.group.boolean else Value(self.value)
        if name in program.limits:
            return self._limit(program.limits[name])
        if name in program.aliases:
            return self._alias(program, name)
        if name in program.calls:
            return self._call(program, program.calls[name])
        if name in FLAGS:
            return Value((self.quality & int(FLAGS[name])) != 0)
        if name in self.plan.rule_set.calendars:
            return Value(self.active(name))
        data, null = self.group.column(name)
        if len(data) == 1 and len(self.group.series) != 1:
            return Value(data, null)
        return Value(data[self.position], None if null is None else null[self.position])

    def _limit(self, limit: LimitColumn) -> Value:
        if limit.fixed is not None:
            data, null = limit.fixed
            return Value(data[self.position], None if null is None else null[self.position])
        day = self._cache.setdefault("day", Value(day_of(local(self.time, self.plan.zone)))).data
        found = np.full(len(self), np.nan)
        for entry, applies, number in reversed(limit.entries):
            holds = applies[self.position]
            if entry.start is not None:
                holds = holds & (day >= entry.start.toordinal())
            if entry.end is not None:
                holds = holds & (day <= entry.end.toordinal())
            value = number[self.position] if entry.plan is None else self._planned(entry.plan, entry.use, day)
            found = np.where(holds, value, found)
        null = np.isnan(found)
        return Value(found, null if null.any() else None)

    def _planned(self, name: str, use: Any, day: Array) -> Array:
        """A plan's number for each reading's region and day."""
        regions = [self.plan.series[one].region for one in self.series.tolist()]
        known: dict[tuple[str, int], float] = {}
        for key in set(zip(regions, day.tolist(), strict=True)):
            number = self.facts.indicator(name, key[0], use, date.fromordinal(key[1]))
            known[key] = np.nan if number is None else number
        return np.array([known[key] for key in zip(regions, day.tolist(), strict=True)])

    def _alias(self, program: Program, name: str) -> Value:
        alias = program.aliases[name]
        series = alias.series[self.position]
        time, value = self.arrivals.newest(series, self.moment)
        with np.errstate(over="ignore"):
            null = (time == NEVER) | (self.time - time > alias.max_age_us[self.position])
        return Value(value != 0 if alias.boolean else value, null if null.any() else None)

    def _call(self, program: Program, call: Call) -> Value:
        if call.column == "value":
            series, now = self.series, Value(self.value)
        else:
            series = program.aliases[call.column].series[self.position]
            now = self.column(program, call.column)
        if call.function == "usual":
            usual = self.facts.usual(series, self.time, call.span_us)
            return Value(usual, np.isnan(usual))
        data, null = self._window(call, series, now)
        return Value(np.where(null, 0.0, data), null if null.any() else None)

    def _window(self, call: Call, series: Array, now: Value) -> tuple[Array, Array]:
        """A span function over the windows of `series`, one a reading."""
        windows, time, span = self.arrivals.state.windows, self.time, call.span_us
        counts = call.function in ("sum", "count")
        data = np.zeros(len(self))
        null = np.ones(len(self), bool)
        rows = np.flatnonzero((series >= 0) & windows.kept(np.maximum(series, 0)))
        if not len(rows):
            return data, null
        if len(rows) < len(self):
            series, time = series[rows], time[rows]
        rings = windows.of(series)
        # All that has come of the judged series itself is no later than this reading; of another it may be.
        own = call.column == "value" and not self.any_doubtful
        if own:
            high = end = rings.head + self.arrivals.count[self.order[rows]]
        else:
            end = rings.head + self.arrivals.arrived(series, self.moment[rows])
            high = rings.search(rings.floor, end, time, end)
        # delta and rate look at a reading that is exactly the span old, too.
        edge = time - span - (1 if call.function in ("delta", "rate") else 0)
        expected = np.minimum((time - 1 - edge) // self.plan.step_by_series[series], NEWEST)
        low = np.maximum(rings.search(rings.floor, high, edge, high - 1 - expected), high - NEWEST)
        some = low < high
        oldest = rings.times(np.where(some, low, 0))
        known = counts | (some & (oldest <= time - span // 2))
        if not own:
            # A reading far behind the other metric's newest would need what is no longer kept.
            newest = rings.times(np.maximum(end - 1, 0))
            known &= (end == rings.floor) | (time >= newest - max(span, BEHIND_US))
        null[rows] = ~known
        if call.function == "count":
            data[rows] = high - low
            return data, null
        at = np.flatnonzero(some)
        if not len(at):
            return data, null
        if len(at) < len(rows):
            rows, low, high, oldest, time = (part[at] for part in (rows, low, high, oldest, time))
            rings = rings.take(at)
        if call.function in ("min", "max"):
            data[rows] = rings.extremes(call.function, low, high)
        elif call.function in ("sum", "avg"):
            total = rings.sums(low, high)
            data[rows] = total if call.function == "sum" else total / (high - low)
        else:
            data[rows] = now.data[rows] - rings.values(low)
            if now.null is not None:
                null |= now.null
            if call.function == "rate":
                data[rows] /= np.maximum(time - oldest, 1) / HOUR_US
        return data, null

    @cached_property
    def any_doubtful(self) -> bool:
        """Whether a reading here is doubtful, so that it may come out of order."""
        return bool((self.quality & int(DOUBTFUL)).any())

    def _calendar(self, name: str) -> Array:
        calendar = self.plan.rule_set.calendars[name]
        clock = self._cache.setdefault("local", Value(local(self.time, self.plan.zone))).data
        on = np.ones(len(self), bool)
        if calendar.seasons or calendar.dates:
            day = day_of(clock)
            region = np.array([self.plan.series[one].region for one in self.series.tolist()], object)
            for one in set(region.tolist()):
                mine = region == one
                holds = self.plan.days(name, one)
                for ordinal in np.unique(day[mine]).tolist():
                    on[mine & (day == ordinal)] = holds(date.fromordinal(ordinal))
        if calendar.hours:
            minute = minute_of(clock)
            on &= np.logical_or.reduce([(minute >= start) & (minute < end) for start, end in hour_ranges(calendar)])
        return on
