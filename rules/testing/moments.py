"""Instants as a test writes them: `06:13`, `04-16 00:00`, `2027-01-02 07:00:30`, in city time."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from rules.testing.sequence import Unreadable

FIRST_DAY = date(2026, 1, 5)  # a Monday, on which a test begins that names no day

_MOMENT = re.compile(
    r"(?:(?:(?P<year>\d{4})-)?(?P<month>\d\d?)-(?P<day>\d\d?)(?:[ T](?=\d)|$))?(?:(?P<time>\d\d?:\d\d(?::\d\d)?))?"
)


def start_of(text: str | None, zone: ZoneInfo) -> datetime:
    """When a test begins; a year, a day or a time that is left out is that of 2026-01-05 00:00."""
    start = datetime.combine(FIRST_DAY, time(), zone)
    return _moment(text, start, FIRST_DAY.replace(day=1)) if text else start


def moment(text: str, start: datetime) -> datetime:
    """The instant that a text names in a test that begins at `start`.

    Without a day it is the test's first; without a year, the first such day that is not before the test's first.

    Raises:
        Unreadable: the text names no instant.
    """
    return _moment(text, start, start.date())


def _moment(text: str, start: datetime, earliest: date) -> datetime:
    found = _MOMENT.fullmatch(text.strip())
    if found is None or not text.strip():
        raise Unreadable(f"{text!r} is no time: write 10:05, 04-16 00:00 or 2026-04-16 00:00.")
    try:
        day = start.date()
        if found["month"]:
            day = _day(int(found["year"] or 0), int(found["month"]), int(found["day"]), earliest)
        hour = time.fromisoformat(found["time"].zfill(5)) if found["time"] else time()
    except ValueError as error:
        raise Unreadable(f"{text!r} is no time: {error}.") from error
    return datetime.combine(day, hour, start.tzinfo)


def microseconds(instant: datetime) -> int:
    """Since 1970; instants of a test are whole seconds."""
    return int(instant.timestamp()) * 1_000_000


def shown(time_us: int, start: datetime) -> str:
    """An instant as a test writes it, with its date where it is not the test's first day."""
    instant = datetime.fromtimestamp(time_us / 1e6, start.tzinfo)
    clock = instant.strftime("%H:%M:%S" if instant.second else "%H:%M")
    if instant.date() == start.date():
        return clock
    return f"{instant:%m-%d} {clock}" if instant.year == start.year else f"{instant:%Y-%m-%d} {clock}"


def _day(year: int, month: int, day: int, first: date) -> date:
    if year:
        return date(year, month, day)
    this_year = date(first.year, month, day)
    return this_year if this_year >= first else date(first.year + 1, month, day)
