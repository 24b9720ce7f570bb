"""The engine gives the transitions of a plain interpreter, however a history is cut and restarted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any

import numpy as np
import pytest

from citybrain.quality import Flag
from rules.engine import latches
from rules.engine.facts import Habits
from rules.engine.holds import PENDING
from rules.engine.latches import Change
from rules.engine.plan import Plan, compile_rules
from rules.engine.saved import Row, Saved, dump, restore
from rules.engine.state import State
from rules.engine.view import Arrivals, Readings
from rules.testing import session as sessions
from rules.testing.history import Message
from rules.testing.session import StreamSession
from rules.transition import Transition
from tests.unit.rules.histories import MINUTE_US, START_US, cuts, directory, history, rule_set, usual
from tests.unit.rules.interpreter import CITY, Facts, Fired, Interpreter

HISTORIES = 12
MINUTES = 120
RULES = 12
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

ByRule = dict[str, list[Fired]]


class Town:
    """Random rules over a random history, with what the interpreter makes of them."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.series = directory(self.random)
        rules = rule_set(self.random, RULES)
        self.events = history(self.random, self.series, MINUTES)
        self.expected = by_rule(Interpreter(rules, self.series, Facts(usual=usual)).play(self.events))
        self.plan = compile_rules(rules, self.series, CITY)
        self.habits = habits(one.id for one in self.series)

    def run(self, likely: float, restarts: float) -> ByRule:
        """The engine's transitions, in batches with borders that are so likely, and restarts after them."""
        session = StreamSession(self.plan, self.habits)
        fired = []
        for batch in cuts(self.random, self.events, likely):
            fired += session.judge(batch)
            if self.random.random() < restarts:
                session.restart()
        return by_rule(fired)


def habits(series: Iterable[int]) -> Habits:
    hours = range(START_US - START_US % HOUR_US - HOUR_US, START_US + 12 * HOUR_US, HOUR_US)
    spans = (7 * DAY_US, 28 * DAY_US)
    known = {(one, hour, span): usual(one, span, hour) for one in series for hour in hours for span in spans}
    return Habits({key: number for key, number in known.items() if number is not None})


def by_rule(fired: Iterable[Fired | Transition]) -> ByRule:
    found = defaultdict(list)
    for one in fired:
        found[one.rule].append(Fired(one.rule, one.subject, one.kind, one.severity, one.time_us, one.reason))
    return dict(found)


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_any_cut_with_restarts_gives_the_transitions_of_the_interpreter(seed: int) -> None:
    town = Town(seed)
    assert town.expected
    assert town.run(0.0, restarts=0.0) == town.expected
    assert town.run(0.1, restarts=1.0) == town.expected
    assert town.run(1.0, restarts=0.2) == town.expected


# What the comparison must notice: each of these breaks the engine in a way that a smaller test forgives.


def in_event_time_order(patch: pytest.MonkeyPatch) -> None:
    def instant(change: Change) -> tuple[int, bool, int]:
        return change.time_us, not change.timer, change.order

    patch.setattr(latches, "_instant", instant)


def with_joined_by_event_time(patch: pytest.MonkeyPatch) -> None:
    class ByTime(Arrivals):
        def __init__(self, state: State, readings: Readings, good: Any) -> None:
            super().__init__(state, readings, good)
            self.moment = np.unique(readings.time, return_inverse=True)[1]
            rows = np.flatnonzero(good)
            rows = rows[np.argsort(readings.series[rows], kind="stable")]
            self._keys = self.series.astype("i8") * self._moments + self.moment[rows]

    patch.setattr("rules.engine.evaluate.Arrivals", ByTime)


def lateness_decided_per_batch(patch: pytest.MonkeyPatch) -> None:
    evaluate = StreamSession._evaluate
    newest: dict[int, int] = {}

    def sorted_batch(self: StreamSession, messages: Sequence[Message]) -> list[Transition]:
        readings = []
        for reading in sorted((r for message in messages for r in message.readings), key=lambda r: r.time_us):
            if reading.flags & Flag.LATE and reading.time_us > newest.get(reading.series, 0):
                reading = reading._replace(flags=reading.flags & ~Flag.LATE)
            readings.append(reading)
        newest.update({r.series: r.time_us for r in readings if not r.flags & (Flag.LATE | Flag.AHEAD)})
        return evaluate(self, [Message(messages[-1].arrival_us, tuple(readings))])

    patch.setattr(StreamSession, "_evaluate", sorted_batch)


def windows_forgotten(patch: pytest.MonkeyPatch) -> None:
    def without(plan: Plan, saved: Saved, newest: Any, history: Any) -> State:
        return restore(plan, saved, newest, tuple(column[:0] for column in history))

    patch.setattr(sessions, "restore", without)


def newest_values_forgotten(patch: pytest.MonkeyPatch) -> None:
    def without(plan: Plan, saved: Saved, newest: Any, history: Any) -> State:
        return restore(plan, saved, tuple(column[:0] for column in newest), history)

    patch.setattr(sessions, "restore", without)


def saved_rows(patch: pytest.MonkeyPatch, change: Callable[[Row], Row | None]) -> None:
    def changed(plan: Plan, state: State) -> Saved:
        saved = dump(plan, state)
        return replace(saved, rows=tuple(row for one in saved.rows if (row := change(one)) is not None))

    patch.setattr(sessions, "dump", changed)


def pending_holds_forgotten(patch: pytest.MonkeyPatch) -> None:
    saved_rows(patch, lambda row: None if row.code == PENDING else row)


def last_evidence_forgotten(patch: pytest.MonkeyPatch) -> None:
    saved_rows(patch, lambda row: row._replace(last=row.since))


def samples_forgotten(patch: pytest.MonkeyPatch) -> None:
    saved_rows(patch, lambda row: row._replace(bits=row.bits & 1))


@pytest.mark.parametrize(
    "mutation",
    [
        in_event_time_order,
        with_joined_by_event_time,
        lateness_decided_per_batch,
        windows_forgotten,
        newest_values_forgotten,
        pending_holds_forgotten,
        last_evidence_forgotten,
        samples_forgotten,
    ],
)
def test_the_comparison_notices(
    mutation: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mutation(monkeypatch)
    for seed in count():
        assert seed < HISTORIES, "no history tells the difference"
        town = Town(seed)
        if town.run(0.1, restarts=1.0) != town.expected:
            return
