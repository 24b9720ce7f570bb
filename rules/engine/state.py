"""What the engine remembers between batches, and what a batch changes of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rules.engine.holds import PAIR, RAISED
from rules.engine.plan import Plan
from rules.engine.windows import Fresh, Windows
from rules.model import SubjectKind

Array = npt.NDArray[Any]

NEVER = np.iinfo(np.int64).min


class Key(NamedTuple):
    """Whose alert it is."""

    rule: str
    subject: str


class Open(NamedTuple):
    """An open alert. `time_us` is that of its newest transition; `past`: nobody was told, the news was old."""

    severity: int
    time_us: int
    past: bool = False
    subject_kind: SubjectKind = "series"


@dataclass(frozen=True)
class Delta:
    """What a batch changes; `apply` brings it into force after the commit.

    `pairs` (each once) get `rows`. `alerts`: None closes one. `latched`: by alert, how many series hold each step.
    `newest` is series, time (us) and value. `current`: alerts that were past and have had a current reading since.
    `unknown` counts readings that a condition could not judge, by position of the program.
    """

    pairs: Array
    rows: Array
    alerts: Mapping[Key, Open | None] = field(default_factory=dict)
    latched: Mapping[Key, tuple[int, ...]] = field(default_factory=dict)
    newest: tuple[Array, Array, Array] | None = None
    fresh: Fresh | None = None
    current: tuple[Key, ...] = ()
    unknown: Mapping[int, int] = field(default_factory=dict)
    judged: Array | None = None  # series of the good readings


class State:
    """Flat arrays, by pair and by series."""

    def __init__(self, plan: Plan) -> None:
        size = len(plan.group_by_series)
        self.rows = np.zeros(plan.pairs, PAIR)
        self.busy = np.zeros(plan.pairs, bool)
        self.busy_by_program = np.zeros(len(plan.programs), "i8")
        self.busy_by_series = np.zeros(size, "i4")
        self.newest_time = np.full(size, NEVER)
        self.newest_value = np.full(size, np.nan)
        self.windows = Windows(plan.keep_by_series)
        self.alerts: dict[Key, Open] = {}
        self.latched: dict[Key, tuple[int, ...]] = {}
        self.past: set[Key] = set()
        self.judged_by_series = np.zeros(size, "i8")
        self.unknown_by_program = np.zeros(len(plan.programs), "i8")
        self._plan = plan

    def restore(self, pairs: Array, rows: Array, alerts: Mapping[Key, Open]) -> None:
        """Take up what was saved: rows of pairs that are not idle, and the open alerts."""
        self._put(pairs, rows)
        self.alerts = dict(alerts)
        self.past = {key for key, alert in alerts.items() if alert.past}
        latched: dict[Key, list[int]] = defaultdict(list)
        for pair in pairs[rows["code"] >= RAISED].tolist():
            program, series = self._plan.owner(pair)
            key = Key(program.rule.name, self._plan.series[series].subject(program.rule.subject))
            counts = latched[key] or [0] * len(program.rule.steps)
            counts[program.position] += 1
            latched[key] = counts
        self.latched = {key: tuple(counts) for key, counts in latched.items()}

    def apply(self, delta: Delta) -> None:
        """Move on, after the commit."""
        self._put(delta.pairs, delta.rows)
        for key, alert in delta.alerts.items():
            self.past.discard(key)
            if alert is None:
                self.alerts.pop(key, None)
            else:
                self.alerts[key] = alert
                if alert.past:
                    self.past.add(key)
        for key, counts in delta.latched.items():
            if any(counts):
                self.latched[key] = counts
            else:
                self.latched.pop(key, None)
        if delta.newest is not None:
            series, time, value = delta.newest
            self.newest_time[series] = time
            self.newest_value[series] = value
        if delta.fresh is not None:
            self.windows.advance(delta.fresh)
        for program, count in delta.unknown.items():
            self.unknown_by_program[program] += count
        if delta.judged is not None:
            self.judged_by_series += np.bincount(delta.judged, minlength=len(self.judged_by_series))

    def correct(self, series: Array, time: Array, value: Array) -> None:
        """Take note of values that later ones have replaced: nothing is judged again, but what looks back sees them."""
        for one, at, number in zip(series.tolist(), time.tolist(), value.tolist(), strict=True):
            if one >= len(self.newest_time):
                continue
            if self.newest_time[one] == at:
                self.newest_value[one] = number
            if self.windows.keep_us[one] > 0:
                self.windows.correct(one, at, number)

    def counts(self) -> tuple[dict[str, int], dict[str, int]]:
        """By rule: readings of series that it judges, and those that it could not tell, since the last call."""
        judged: dict[str, int] = defaultdict(int)
        unknown: dict[str, int] = defaultdict(int)
        for program in self._plan.programs:
            series = program.group.series if program.member is None else program.group.series[program.member]
            judged[program.rule.name] += int(self.judged_by_series[series].sum())
            unknown[program.rule.name] += int(self.unknown_by_program[program.number])
        self.judged_by_series[:] = 0
        self.unknown_by_program[:] = 0
        return judged, unknown

    def _put(self, pairs: Array, rows: Array) -> None:
        if not len(pairs):
            return
        busy = (rows["code"] != 0) | (rows["bits"] != 0)
        changed = busy != self.busy[pairs]
        self.rows[pairs] = rows
        self.busy[pairs] = busy
        if not changed.any():
            return
        pairs, step = pairs[changed], np.where(busy[changed], 1, -1)
        programs = self._plan.program_of(pairs)
        np.add.at(self.busy_by_program, programs, step)
        np.add.at(self.busy_by_series, self._plan.series_by_pair[pairs], step)
