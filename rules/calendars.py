"""Looks up named times: whether a calendar is on, for a region, on a day and at a minute of the city's clock."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Sequence
from datetime import date
from itertools import groupby

from rules.model import Calendar, Season

DAY_MINUTES = 24 * 60

_Span = tuple[date, date]  # first and last day, both inclusive


def active(calendar: Calendar, region_path: Sequence[str], day: date, minute: int) -> bool:
    """Whether a calendar is on; `region_path` goes from the region up, `minute` is of the day (0-1439)."""
    return days(calendar, region_path)(day) and any(start <= minute < end for start, end in hour_ranges(calendar))


def hour_ranges(calendar: Calendar) -> tuple[tuple[int, int], ...]:
    """The minutes of a day at which a calendar is on, each range with an exclusive end and none past midnight."""
    if not calendar.hours:
        return ((0, DAY_MINUTES),)
    return tuple(
        part
        for start, end in calendar.hours
        for part in (((start, end),) if start < end else ((0, end), (start, DAY_MINUTES)))
    )


def days(calendar: Calendar, region_path: Sequence[str]) -> Callable[[date], bool]:
    """A test of whether a day is one of a calendar's, for a region; `region_path` goes from the region up.

    Of yearly seasons those of the nearest region count. A dated season replaces every yearly one, and every dated
    one of a region further up, that it shares a day with.
    """
    if not calendar.seasons:
        return lambda day: not calendar.dates or day in calendar.dates
    dated: list[_Span] = []
    yearly: list[Season] = []
    for near in _by_distance(calendar.seasons, region_path):
        yearly = yearly or [season for season in near if not isinstance(season.start, date)]
        spans = [_span(season, 0) for season in near if isinstance(season.start, date)]
        dated += [span for span in spans if not any(map(_overlap(span), dated))]

    def on(day: date) -> bool:
        if any(first <= day <= last for first, last in dated):
            return True
        found = (_span(season, year) for season in yearly for year in (day.year - 1, day.year))
        return any(span[0] <= day <= span[1] and not any(map(_overlap(span), dated)) for span in found)

    return on


def _by_distance(seasons: Sequence[Season], region_path: Sequence[str]) -> list[list[Season]]:
    """The seasons that a region has, those of one region together, the nearest first and those of all last."""
    path = [*region_path, None]
    own = sorted((season for season in seasons if season.region in path), key=lambda season: path.index(season.region))
    return [list(group) for _, group in groupby(own, key=lambda season: season.region)]


def _span(season: Season, year: int) -> _Span:
    """The days of a season; of a yearly one, of that which begins in `year`."""
    start = season.start if isinstance(season.start, date) else _date(year, season.start)
    end = season.end if isinstance(season.end, date) else _date(year, season.end)
    return start, end if start <= end or isinstance(season.end, date) else _date(year + 1, season.end)


def _date(year: int, day: tuple[int, int]) -> date:
    """That day of a year; 29 February is the last of February in every year."""
    month, number = day
    return date(year, month, min(number, monthrange(year, month)[1]))


def _overlap(span: _Span) -> Callable[[_Span], bool]:
    return lambda other: span[0] <= other[1] and other[0] <= span[1]
