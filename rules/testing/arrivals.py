"""What arrives in a test of a stream rule, in the order in which it is written, as ingest would judge it."""

from __future__ import annotations

from collections.abc import Iterator

from citybrain.catalogue.model import Metric
from citybrain.quality import Flag
from rules.engine.evaluate import GRACE_US
from rules.model import Rule, Vocabulary
from rules.testing.cast import Cast, metric_of
from rules.testing.history import Event, Message, Reading, Tick
from rules.testing.moments import microseconds
from rules.testing.notation import Test
from rules.testing.sequence import Unreadable, written
from rules.testing.timeline import positions, slots, times


def arrivals(test: Test, rule: Rule, cast: Cast, vocabulary: Vocabulary) -> Iterator[Event]:
    """Messages in the order of positions, at each one of each subject; a tick before each where the clock decides.

    Raises:
        Unreadable: a value is none that its metric can have.
    """
    columns = {
        name: [_readings(test, cast, name, column, vocabulary) for column in found]
        for name, found in cast.columns.items()
    }
    timers = rule.season is not None or any(series.reports_change for series in cast.directory.values())
    clock = microseconds(test.start)
    ingest = _Ingest()
    for position in range(positions(test)):
        for of_subject in columns.values():
            written = [reading for column in of_subject if (reading := column[position]) is not None]
            readings = ingest.judged(written)
            if not readings:
                continue
            before, clock = clock, max([clock, *(r.time_us for r in readings if not r.flags & Flag.AHEAD)])
            if timers and clock > before:
                yield Tick(clock)
            yield Message(clock, tuple(readings))
    if timers:
        yield Tick((microseconds(test.until) if test.until else clock) + GRACE_US)


class _Ingest:
    """Drops what is there already, and flags what is late: as ingest does, in order of arrival."""

    def __init__(self) -> None:
        self._stored: set[tuple[int, int]] = set()
        self._newest: dict[int, int] = {}

    def judged(self, readings: list[Reading]) -> list[Reading]:
        """What is stored of a message, in order of time."""
        found = []
        for reading in sorted(readings, key=lambda reading: reading.time_us):
            if reading[:2] in self._stored:
                continue
            self._stored.add(reading[:2])
            late = reading.time_us <= self._newest.get(reading.series, reading.time_us - 1)
            if not late and not reading.flags & Flag.AHEAD:
                self._newest[reading.series] = reading.time_us
            found.append(reading._replace(flags=reading.flags | (Flag.LATE if late else 0)))
        return found


def _readings(test: Test, cast: Cast, name: str, column: str, vocabulary: Vocabulary) -> list[Reading | None]:
    """The reading at each position of a column; one step is that of what is judged."""
    series = cast.columns[name][column]
    every_us = test.every_us or cast.columns[name]["value"].interval_us
    metric = metric_of(series, vocabulary)
    found = slots(test, test.given[name], column)
    return [
        None if slot is None or slot.value is None else Reading(series.id, at, _coded(slot.value, metric), slot.flags)
        for at, slot in zip(times(test, found, every_us), found, strict=True)
    ]


def _coded(value: float | bool | str, metric: Metric) -> float:
    """A value as readings store it."""
    if metric.kind == "boolean" and value in (True, False):
        return float(value)
    if metric.kind == "state" and isinstance(value, str):
        if value in metric.states:
            return float(metric.states[value])
        raise Unreadable(f"{written(value)} is no state of {metric.name}: expected one of {', '.join(metric.states)}.")
    if metric.kind in ("number", "flags") and not isinstance(value, str | bool):
        return value
    expected = {"boolean": "on or off", "state": "a state in quotes"}.get(metric.kind, "a number")
    raise Unreadable(f"{written(value)} is no value of {metric.name}: expected {expected}.")
