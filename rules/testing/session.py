"""The engine at work on a history of readings, with a store that is a list."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from citybrain.quality import DOUBTFUL, Flag
from rules.engine.evaluate import apply, evaluate, tick
from rules.engine.facts import Facts
from rules.engine.plan import Plan
from rules.engine.saved import dump, restore
from rules.engine.state import Delta, State
from rules.engine.view import Array, Readings
from rules.testing.history import Event, Message, Reading, Tick
from rules.transition import Transition


class StreamSession:
    """Stream rules: keeps the state between batches, and the readings from which a restart rebuilds it."""

    def __init__(self, plan: Plan, facts: Facts) -> None:
        self.plan = plan
        self.facts = facts
        self.state = State(plan)
        self.stored: list[Reading] = []  # good and in order, by arrival
        self.messages = 0

    def judge(self, batch: Sequence[Event]) -> list[Transition]:
        """Judge messages as one batch, or let timers run out."""
        messages = [event for event in batch if isinstance(event, Message)]
        if messages:
            return self._evaluate(messages)
        (event,) = batch
        if not isinstance(event, Tick):
            raise TypeError("stream rules are judged by readings alone")
        return self._applied(tick(self.plan, self.facts, self.state, event.now_us))

    def restart(self) -> None:
        """Forget all but what is stored."""
        newest = {reading.series: reading for reading in self.stored}
        history = sorted(self.stored, key=lambda reading: reading.series)
        saved = dump(self.plan, self.state)
        self.state = restore(self.plan, saved, _columns(list(newest.values())), _columns(history))

    def _evaluate(self, messages: Sequence[Message]) -> list[Transition]:
        rows = [
            (self.messages + number, reading)
            for number, message in enumerate(messages)
            for reading in sorted(message.readings, key=lambda reading: reading.time_us)
        ]
        self.messages += len(messages)
        readings = Readings(
            series=np.array([reading.series for _, reading in rows], "i4"),
            time=np.array([reading.time_us for _, reading in rows], "i8"),
            value=np.array([reading.value for _, reading in rows], "f8"),
            quality=np.array([reading.flags for _, reading in rows], "i2"),
            message=np.array([number for number, _ in rows], "i8"),
        )
        self.stored += [reading for _, reading in rows if not reading.flags & (DOUBTFUL | Flag.LATE | Flag.REVISED)]
        return self._applied(evaluate(self.plan, self.facts, self.state, readings, messages[-1].arrival_us))

    def _applied(self, found: tuple[Delta, list[Transition]]) -> list[Transition]:
        delta, transitions = found
        self.state = apply(self.state, delta)
        return transitions


def _columns(readings: Sequence[Reading]) -> tuple[Array, Array, Array]:
    return (
        np.array([reading.series for reading in readings], "i4"),
        np.array([reading.time_us for reading in readings], "i8"),
        np.array([reading.value for reading in readings], "f8"),
    )
