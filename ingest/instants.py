"""The time of a reading: what payloads write, as microseconds since 1970 UTC."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LIMIT_MS = 9.0e15 / 1000  # milliseconds; beyond it microseconds no longer fit a double, in the year 2255


def microseconds(time: object, zone: ZoneInfo) -> int | None:
    """`time` as microseconds since 1970.

    Args:
        time: epoch milliseconds, or ISO 8601; without an offset it is the city's time.
        zone: the city's zone.

    Returns:
        None when `time` is neither.
    """
    if isinstance(time, bool):
        return None
    if isinstance(time, int | float):
        return round(time * 1000) if math.isfinite(time) and abs(time) < _LIMIT_MS else None
    if isinstance(time, str):
        try:
            moment = datetime.fromisoformat(time.strip())
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=zone)
            return (moment - _EPOCH) // _MICROSECOND
        except (ValueError, OverflowError):
            return None
    return None


def start_of(day: date, zone: ZoneInfo) -> int:
    """The start of a city day in microseconds since 1970."""
    return (datetime(day.year, day.month, day.day, tzinfo=zone) - _EPOCH) // _MICROSECOND


def moment(time_us: int) -> datetime:
    """Microseconds since 1970 as a UTC time."""
    return _EPOCH + timedelta(microseconds=time_us)
