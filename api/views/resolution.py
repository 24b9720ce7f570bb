"""How finely readings are told, so that no more points come than were asked for. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

Resolution = Literal["raw", "bucket", "hour", "day"]

HOUR_S, DAY_S = 3600, 86_400  # seconds

# Readings have times from the first to the second (the check of the table `reading`).
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

# Each divides the next wider unit, so that buckets begin at round times; in seconds.
BUCKETS_S = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800)
HOURS_S = tuple(hours * HOUR_S for hours in (1, 2, 3, 4, 6, 8, 12))

SHIFT_S = HOUR_S  # that a zone's clock may be set forward or back within a span


@dataclass(frozen=True, slots=True)
class Step:
    """Buckets of so many seconds; None: each reading."""

    seconds: int | None = None

    @property
    def resolution(self) -> Resolution:
        """`bucket` is made of readings, `hour` and `day` of hourly rollups."""
        if self.seconds is None:
            return "raw"
        return "bucket" if self.seconds < HOUR_S else "hour" if self.seconds < DAY_S else "day"

    @property
    def in_zone(self) -> bool:
        """Whether buckets begin at round times of the city's zone; those of an hour at most begin so in UTC."""
        return self.seconds is not None and self.seconds > HOUR_S


RAW, HOUR, DAY = Step(), Step(HOUR_S), Step(DAY_S)


def finest(span: timedelta, points: int, *, of_readings: bool) -> Step:
    """The finest buckets of which no span of this length, wherever it begins, touches more than `points`.

    Args:
        span: at most a century.
        points: 3 or more.
        of_readings: whether there are readings, to make buckets shorter than an hour of.
    """
    for seconds in (*(BUCKETS_S if of_readings else ()), *HOURS_S):
        if touched(span, Step(seconds)) <= points:
            return Step(seconds)
    return Step(DAY_S * math.ceil((span.total_seconds() + SHIFT_S) / DAY_S / (points - 1)))


def touched(span: timedelta, step: Step) -> int:
    """Buckets that a span touches at most, wherever it begins.

    Raises:
        ValueError: nobody knows how many readings a span has.
    """
    if step.seconds is None:
        raise ValueError("readings are no buckets")
    shift_s = SHIFT_S if step.in_zone else 0
    return math.ceil((span.total_seconds() + shift_s) / step.seconds) + 1


def clamp(time: datetime) -> datetime:
    """The nearest time to it (with a zone) that a reading may have, in UTC."""
    return min(max(time, EARLIEST), LATEST).astimezone(UTC)
