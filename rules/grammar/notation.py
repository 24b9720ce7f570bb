"""Durations, holds, severities, schedules, days and hours as rule files write them.

Each function raises ValueError with a sentence that says what was expected.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from citybrain.catalogue.schema import duration as time_span
from rules.model import AT_ONCE, DAY_US, Duration, Hold, Schedule

_SPAN = r"0s?|(?=[0-9])([0-9]{1,4}d)?([0-9]{1,5}h)?([0-9]{1,6}m)?([0-9]{1,8}s)?"
_DURATION = _SPAN + r"|[0-9]{1,4}(\.[0-9]{1,2})? intervals?"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"

# Patterns for editors; the functions below say more exactly what is allowed.
SPAN = f"^({_SPAN})$"
DURATION = f"^({_DURATION})$"
HOLD = f"^({_DURATION}|[1-9][0-9]{{0,3}} samples?|[1-9][0-9]? of [1-9][0-9]? samples)$"
EVERY = f"^({_SPAN}|day at {_CLOCK})$"
HOURS = f"^{_CLOCK}-({_CLOCK}|24:00)$"
DAY = r"^([0-9]{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"

MAX_AMONG = 32  # pieces of evidence; the engine keeps them as the bits of a word


def span_us(text: str) -> int:
    """A duration in microseconds; `0` and `0s` are none."""
    return 0 if text in ("0", "0s") else time_span(text) // timedelta(microseconds=1)


def duration(text: str) -> Duration:
    """A duration, or so many expected intervals: `30s`, `1h30m`, `3 intervals`."""
    if counted := re.fullmatch(r"([0-9]{1,4}(?:\.[0-9]{1,2})?) intervals?", text):
        return Duration(intervals=float(counted[1]))
    if not re.fullmatch(_SPAN, text):
        raise ValueError(f"expected a duration such as 30s, 5m, 1h30m, 7d or 3 intervals, found {text!r}")
    return Duration(us=span_us(text))


def hold(text: str) -> Hold:
    """How long a condition must have held: a duration, `N samples` or `K of N samples`."""
    if text in ("0", "0s"):
        return AT_ONCE
    if counted := re.fullmatch(r"([0-9]{1,4}) samples?", text):
        if (samples := int(counted[1])) < 1:
            raise ValueError("expected at least 1 sample")
        return Hold(samples=samples)
    if counted := re.fullmatch(r"([0-9]{1,4}) of ([0-9]{1,4}) samples?", text):
        samples, among = int(counted[1]), int(counted[2])
        if not 1 <= samples <= among:
            raise ValueError(f"{samples} of {among} samples can't be met; expected at most {among} of {among}")
        if among > MAX_AMONG:
            raise ValueError(f"expected samples among at most {MAX_AMONG}, found {among}")
        return Hold(samples=samples, among=among)
    if not re.fullmatch(_DURATION, text):
        expected = "a duration such as 30s, 5m, 1h30m, 7d or 3 intervals, N samples or K of N samples"
        raise ValueError(f"expected {expected}, found {text!r}")
    return Hold(duration=duration(text))


def severity(text: str) -> int:
    """1 red, 2 orange, 3 yellow, 4 blue."""
    if not re.fullmatch("[1-4]", text):
        raise ValueError(f"expected 1 red, 2 orange, 3 yellow or 4 blue, found {text!r}")
    return int(text)


def schedule(every: str, at: str | None) -> Schedule:
    """The instants of `every: 1h` with `at: 20m`, or of `every: day at 06:30`."""
    if daily := re.fullmatch(r"day at ([0-9]{2}:[0-9]{2})", every):
        if at is not None:
            raise ValueError("`day at` says when already; remove `at`")
        return Schedule(DAY_US, _minute(daily[1]) * 60_000_000)
    if not re.fullmatch(_SPAN, every):
        raise ValueError(f"expected a duration such as 15m, 1h or 7d, or day at 06:30, found {every!r}")
    every_us = span_us(every)
    if every_us == 0 or (DAY_US % every_us and every_us % DAY_US):
        raise ValueError(f"expected a duration that divides a day, or whole days, found {every!r}")
    return Schedule(every_us, 0 if at is None else span_us(at))


def hours(text: str) -> tuple[int, int]:
    """`02:00-04:00` in minutes of the day; the end is exclusive, and after midnight where it is before the start."""
    if not re.fullmatch(HOURS, text):
        raise ValueError(f"expected hours such as 02:00-04:00, found {text!r}")
    start, end = (_minute(part) for part in text.split("-"))
    if start == end:
        raise ValueError(f"expected hours that end at another time than they begin, found {text!r}")
    return start, end


def day(text: str) -> tuple[int, int] | date:
    """A day of every year, `10-15`, or of one year, `2026-10-15`."""
    try:
        if len(text) == 5 and re.fullmatch(DAY, text):
            month, number = int(text[:2]), int(text[3:])
            date(2000, month, number)  # A leap year has each day that any year has.
            return month, number
        return a_date(text)
    except ValueError:
        raise ValueError(f"expected a day such as 10-15 or 2026-10-15, found {text!r}") from None


def a_date(text: str) -> date:
    """A date such as `2026-03-01`."""
    try:
        if re.fullmatch(DAY, text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(f"expected a date such as 2026-03-01, found {text!r}")


def metres(text: str) -> float:
    """`200m` or `1.5km`, in metres."""
    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(k?m)", text)
    if not found or not (value := float(found[1]) * (1000 if found[2] == "km" else 1)):
        raise ValueError(f"expected a distance such as 200m or 1.5km, found {text!r}")
    return value


def _minute(text: str) -> int:
    hour, minute = int(text[:2]), int(text[3:])
    if not (hour < 24 and minute < 60) and text != "24:00":
        raise ValueError(f"expected a time of day such as 06:30, found {text!r}")
    return hour * 60 + minute
