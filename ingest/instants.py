"""The time of a reading: what payloads write, as microseconds since 1970 UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LIMIT_US = 9_000_000_000_000_000  # beyond it, in the years 1684 and 2255, microseconds no longer fit a double


def microseconds(time: object, zone: ZoneInfo) -> int | None:
    """`time` as microseconds since 1970.

    Args:
        time: epoch milliseconds, or ISO 8601; without an offset it is the city's time.
        zone: the city's zone.

    Returns:
        None when `time` is neither, or centuries away.
    """
    if isinstance(time, bool):
        return None
    if isinstance(time, int | float):
        # Compared before it is multiplied: an integer may be larger than any double, and NaN is never less.
        return round(time * 1000) if abs(time) < _LIMIT_US // 1000 else None
    if isinstance(time, str):
        try:
            moment = datetime.fromisoformat(time.strip())
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=zone)
            since_epoch = (moment - _EPOCH) // _MICROSECOND
        except (ValueError, OverflowError):
            return None
        return since_epoch if abs(since_epoch) < _LIMIT_US else None
    return None


def start_of(day: date, zone: ZoneInfo) -> int:
    """The start of a city day in microseconds since 1970."""
    return (datetime(day.year, day.month, day.day, tzinfo=zone) - _EPOCH) // _MICROSECOND


def moment(time_us: int) -> datetime:
    """Microseconds since 1970 as a UTC time."""
    return _EPOCH + timedelta(microseconds=time_us)
