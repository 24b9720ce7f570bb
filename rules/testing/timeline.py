"""When the positions of a test's sequences are."""

from __future__ import annotations

import math
from collections.abc import Iterator

from citybrain.catalogue.schema import duration
from rules.testing.moments import microseconds, moment
from rules.testing.notation import Given, Test
from rules.testing.sequence import Slot, Unreadable

SECOND_US = 1_000_000  # microseconds


def positions(test: Test) -> int:
    """How many positions the longest sequence has; a constant has as many as the others."""
    sequences = [found for given in test.given.values() for found in given.sequences.values()]
    return max(1 if found.constant else len(found.slots) for found in sequences)


def slots(test: Test, given: Given, column: str) -> list[Slot | None]:
    """What stands at each position of a column; None: the sequence is over, or there is none."""
    found = given.sequences.get(column)
    return [found.slot(position) if found else None for position in range(positions(test))]


def times(test: Test, column: list[Slot | None], every_us: float) -> Iterator[int]:
    """The instant of each position (us): the one that is written, else `every` after the one before.

    Raises:
        Unreadable: neither is known.
    """
    at = microseconds(test.start)
    for position, slot in enumerate(column):
        if slot is not None and slot.at is not None:
            at = microseconds(moment(slot.at, test.start))
        elif position and slot is not None:
            if not math.isfinite(every_us):
                raise Unreadable("There is no expected interval: write every, or @10:05 before each reading.")
            at += int(every_us)
        yield at


def interval_us(given: Given, default: float) -> float:
    """The expected interval that is given, else `default`; in microseconds.

    Raises:
        Unreadable: it is no duration.
    """
    if "interval" not in given.constants:
        return default
    try:
        return duration(given.constants["interval"]).total_seconds() * SECOND_US
    except ValueError as error:
        raise Unreadable(f"given.interval: {error}.") from error
