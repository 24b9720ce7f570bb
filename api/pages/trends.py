"""Courses of a day, what is usual at its hours, and what is usual of days. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOURS = 24  # of a course, the present one the last
BAND_DAYS = 7  # whose same hours make the band
BAND = (10, 90)  # percentiles that bound it
LEAST_DAYS = 3  # values that a band needs; platform default
LEAST_SPREAD = 7  # values that a spread needs; platform default
STEP_MIN = 10  # minutes for which what is usual stays the same, as what is asked twice shall
LEAST_MARGIN = 0.2  # of the median: readings nearer to it are usual at their time of day; platform default
REACH = HOURS * HOUR + BAND_DAYS * DAY  # how far back the hours go that all this needs

# A normal distribution's standard deviation is so many of its median absolute deviations (Rousseeuw and Croux, 1993).
# Unlike the plain one it stays what it was while up to half of the days are out of the ordinary.
DEVIATIONS = 1.4826

Points = Mapping[datetime, float]  # by the start of the hour
Span = tuple[float, float]


def present(now: datetime) -> datetime:
    """The start of the hour of `now`."""
    return now.replace(minute=0, second=0, microsecond=0)


def course(points: Points, now: datetime) -> list[float | None]:
    """The values of the 24 hours that end with the present one; None where there is none."""
    last = present(now)
    return [points.get(last - ago * HOUR) for ago in range(HOURS - 1, -1, -1)]


def band(points: Points, now: datetime, hours: int = HOURS) -> list[Span | None]:
    """For each of so many hours that end with the present one, what is usual: 10 to 90 % of the same hour of 7 days."""
    last = present(now)
    return [_bounds(_same_hours(points, last - ago * HOUR)) for ago in range(hours - 1, -1, -1)]


def usual(points: Points, now: datetime) -> float | None:
    """The mean of the same time of the last 7 days."""
    found = _same_times(points, now)
    return float(np.mean(found)) if found else None


def usual_spread(points: Points, now: datetime, sigmas: float) -> tuple[float, float, float] | None:
    """Median of the same time of the last 7 days, and it less and plus so many standard deviations.

    Hourly means vary less than the readings that are compared with them: a fifth of the median is usual in any case.
    """
    if (found := spread(_same_times(points, now), sigmas)) is None:
        return None
    median, low, high = found
    margin = LEAST_MARGIN * abs(median)
    return median, min(low, median - margin), max(high, median + margin)


def spread(values: Sequence[float | None], sigmas: float) -> tuple[float, float, float] | None:
    """Median, and it less and plus so many standard deviations, estimated robustly; None where there are too few."""
    known = np.array([value for value in values if value is not None])
    if len(known) < LEAST_SPREAD:
        return None
    median = float(np.median(known))
    sigma = DEVIATIONS * float(np.median(np.abs(known - median)))
    return median, median - sigmas * sigma, median + sigmas * sigma


def _same_hours(points: Points, hour: datetime) -> list[float]:
    found = (points.get(hour - days * DAY) for days in range(1, BAND_DAYS + 1))
    return [value for value in found if value is not None]


def _same_times(points: Points, now: datetime) -> list[float]:
    """What the last 7 days had at this time, to ten minutes: between the means of two hours (at their middles)."""
    time = now.replace(minute=now.minute - now.minute % STEP_MIN, second=0, microsecond=0) - HOUR / 2
    hour = present(time)
    part = (time - hour) / HOUR
    pairs = [(points.get(hour - ago * DAY), points.get(hour + HOUR - ago * DAY)) for ago in range(1, BAND_DAYS + 1)]
    found = (_between(before, after, part) for before, after in pairs)
    return [value for value in found if value is not None]


def _between(before: float | None, after: float | None, part: float) -> float | None:
    if before is None or after is None:
        return after if before is None else before
    return before + part * (after - before)


def _bounds(found: list[float]) -> Span | None:
    if len(found) < LEAST_DAYS:
        return None
    low, high = np.percentile(found, BAND)
    return float(low), float(high)
