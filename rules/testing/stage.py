"""A test's history: who plays in it, and what arrives."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from rules.engine.directory import Series
from rules.model import Absence, PlanIndicator, Query, Rule, Stream, Vocabulary
from rules.testing import notation
from rules.testing.arrivals import arrivals
from rules.testing.cast import asked, attributes, cast, number, place, root_of
from rules.testing.columns import plan_limits, texts
from rules.testing.history import Event, Heard, History, Rows, Thing
from rules.testing.moments import microseconds
from rules.testing.notation import SENSOR, Given, Test
from rules.testing.sequence import Slot, Unreadable, written
from rules.testing.timeline import interval_us, positions, slots, times
from rules.transition import Cell


def check(test: Any, rule: Rule, vocabulary: Vocabulary) -> list[str]:
    """What is wrong with a test, given as the tree of its file, as sentences; none: it can be run."""
    mistakes = notation.check(test, rule)
    if not mistakes:
        try:
            stage(notation.read(test, rule), rule, vocabulary)
        except Unreadable as error:
            return [str(error)]
    return mistakes


def stage(test: Test, rule: Rule, vocabulary: Vocabulary) -> History:
    """Build what a test gives as a history.

    Raises:
        Unreadable: the test does not say enough, or gives a value that the metric cannot have.
    """
    if isinstance(rule.source, Stream):
        return _readings(test, rule, vocabulary)
    return _silences(test) if isinstance(rule.source, Absence) else _rows(test, rule, vocabulary)


def _readings(test: Test, rule: Rule, vocabulary: Vocabulary) -> History:
    players = cast(test, rule, vocabulary)
    labels = {}
    for name, columns in players.columns.items():
        # A subject that a constant names, such as the site of two series, goes by that name.
        labels[columns["value"].subject(rule.subject)] = test.given[name].constants.get(rule.subject, name)
    return History(
        directory=tuple(players.directory.values()),
        events=tuple(arrivals(test, rule, players, vocabulary)),
        usual=players.usual,
        indicators=_indicators(test, rule),
        labels=labels,
    )


def _silences(test: Test) -> History:
    """Who was heard when, and each instant at which silence is judged."""
    every_us = test.every_us
    if every_us is None:
        raise Unreadable("A test of silence needs every: how far its positions are apart.")
    start, end = microseconds(test.start), positions(test) - 1
    last = microseconds(test.until) if test.until else start + end * every_us
    things = {
        name or SENSOR: Thing(interval_us(given, every_us), given.constants.get("gateway"))
        for name, given in test.given.items()
    }
    heard = {}
    for name, given in test.given.items():
        found = slots(test, given, "heard")
        pairs = zip(times(test, found, every_us), found, strict=True)
        heard[name or SENSOR] = [at for at, slot in pairs if slot is not None and slot.value is not None]
    events = [
        Heard(instant, {name: max(before) for name, at in heard.items() if (before := [t for t in at if t <= instant])})
        for instant in range(start, last + 1, every_us)
    ]
    return History(events=tuple(events), things=things, labels=_labels(test))


def _rows(test: Test, rule: Rule, vocabulary: Vocabulary) -> History:
    """What a query or a plan gives: at each scheduled instant a row of each subject that has a value there."""
    if not isinstance(rule.source, Query | PlanIndicator):
        raise TypeError(f"{rule.name} is not judged by rows")
    every_us = test.every_us or rule.source.schedule.every_us
    as_text = texts(rule.source)
    events: list[Event] = []
    for position in range(positions(test)):
        lines = {name or SENSOR: _row(given, position, as_text) for name, given in test.given.items()}
        told = {name: line for name, line in lines.items() if line is not None}
        events.append(Rows(microseconds(test.start) + position * every_us, told))
    directory = tuple(_subject(name or SENSOR, given, rule, vocabulary) for name, given in test.given.items())
    return History(directory=directory, events=tuple(events), indicators=_indicators(test, rule), labels=_labels(test))


def _row(given: Given, position: int, as_text: Collection[str]) -> dict[str, Cell] | None:
    """The columns of a row; None where all that changes from row to row has no value."""
    line = {name: _cell(found.slot(position), name, name in as_text) for name, found in given.sequences.items()}
    changing = [name for name, found in given.sequences.items() if not found.constant]
    return line if any(line[name] is not None for name in changing or line) else None


def _cell(slot: Slot | None, name: str, is_text: bool) -> Cell:
    if slot is None or slot.value is None:
        return None
    if isinstance(slot.value, bool) or isinstance(slot.value, str) != is_text:
        expected = "a text in quotes" if is_text else "a number"
        raise Unreadable(f"given: {written(slot.value)} is no value of {name}: expected {expected}.")
    return slot.value


def _indicators(test: Test, rule: Rule) -> dict[tuple[str, str], float | None]:
    """The numbers of plans that the test states; None where it says that the plan has none."""
    found: dict[tuple[str, str], float | None] = {}
    for given in test.given.values():
        for name, indicators in plan_limits(rule).items():
            if name not in given.constants:
                continue
            text = given.constants[name]
            told = None if text == "-" else number(text, name)
            for indicator in indicators:
                if found.setdefault(indicator, told) != told:
                    raise Unreadable(f"given.{name}: {indicator[0]} has two numbers; in a test it has one.")
    return found


def _subject(name: str, given: Given, rule: Rule, vocabulary: Vocabulary) -> Series:
    constants = {**asked(rule), **given.constants}
    region = constants.get("region") or (name if rule.subject == "region" else root_of(vocabulary))
    return Series(
        id=0,
        metric="",
        domain=rule.domain,
        region=region,
        device=name,
        place=place(constants["place"]) if "place" in constants else None,
        attributes={"region": region, **attributes(constants, vocabulary)},
        name=name,
    )


def _labels(test: Test) -> dict[str, str]:
    return {name or SENSOR: name for name in test.given}
