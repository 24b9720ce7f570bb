"""City time, for many instants at once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from rules.model import DAY_US, HOUR_US

Array = npt.NDArray[Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE_US = 60_000_000  # microseconds in a minute


def local(time_us: Array, zone: ZoneInfo) -> Array:
    """City wall-clock time of instants, both in microseconds since 1970."""
    if not len(time_us):
        return time_us
    low, high = _offset(int(time_us.min()), zone), _offset(int(time_us.max()), zone)
    if low == high and time_us.max() - time_us.min() < 30 * DAY_US:
        moved: Array = time_us + low
        return moved
    # The zone's offset may change between them; it does so at whole hours.
    hours, at = np.unique(time_us // HOUR_US, return_inverse=True)
    offsets = np.array([_offset(int(hour) * HOUR_US, zone) for hour in hours])
    shifted: Array = time_us + offsets[at]
    return shifted


def day_of(local_us: Array) -> Array:
    """The day of wall-clock times, as `date.toordinal()`."""
    days: Array = local_us // DAY_US + EPOCH.toordinal()
    return days


def minute_of(local_us: Array) -> Array:
    """The minute of the day of wall-clock times."""
    minutes: Array = local_us % DAY_US // MINUTE_US
    return minutes


def start_of_day(day: date, zone: ZoneInfo) -> int:
    """The first instant of a city day, in microseconds since 1970."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1_000_000


def date_at(time_us: int, zone: ZoneInfo) -> date:
    """The city day of an instant."""
    return (EPOCH + timedelta(microseconds=time_us)).astimezone(zone).date()


def _offset(time_us: int, zone: ZoneInfo) -> int:
    offset = (EPOCH + timedelta(microseconds=time_us)).astimezone(zone).utcoffset()
    return int(offset.total_seconds()) * 1_000_000 if offset else 0
