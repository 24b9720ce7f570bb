"""Courses of a day, usual bands, and what days of a month are out of the ordinary."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from api.pages import trends
from api.pages.trends import DAY, HOUR

NOW = datetime(2026, 11, 22, 10, 40, tzinfo=UTC)
PRESENT = datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_a_course_ends_with_the_present_hour_and_has_gaps() -> None:
    points = {PRESENT: 3.0, PRESENT - 23 * HOUR: 1.0, PRESENT - 24 * HOUR: 9.0}

    course = trends.course(points, NOW)

    assert (course[-1], course[0], course[12]) == (3.0, 1.0, None)
    assert len(course) == 24


def test_the_band_is_of_the_same_hour_of_seven_days_and_not_of_today() -> None:
    points = {PRESENT - days * DAY: float(days) for days in range(1, 8)} | {PRESENT: 100.0, PRESENT - 8 * DAY: 100.0}

    band = trends.band(points, NOW)

    assert band[-1] == pytest.approx((1.6, 6.4))  # 10 and 90 % of 1 to 7
    assert band[-2] is None
    assert trends.usual(points, NOW) == 4


def test_what_is_usual_lies_between_the_hours_around_the_time() -> None:
    days = range(1, 8)
    points = {PRESENT - ago * DAY: 10.0 + ago % 3 for ago in days} | {PRESENT - ago * DAY + HOUR: 22.0 for ago in days}
    late = PRESENT + timedelta(
        minutes=42, seconds=9
    )  # a sixth of the way from the middle of one hour to the next, less 2:09

    assert trends.usual(points, late) == pytest.approx(sum(10 + ago % 3 for ago in days) / 7 * 5 / 6 + 22 / 6)
    median, low, high = trends.usual_spread(points, late, 3) or (0, 0, 0)
    assert median == pytest.approx(11 * 5 / 6 + 22 / 6)
    assert low < median < high < 22


def test_a_reading_within_a_fifth_of_a_steady_week_is_usual() -> None:
    points = {PRESENT + hours * HOUR - ago * DAY: 10.0 for ago in range(1, 8) for hours in (-1, 0, 1)}

    assert trends.usual_spread(points, NOW, 3) == (10, 8, 12)


def test_two_days_make_no_band() -> None:
    assert trends.band({PRESENT - DAY: 1.0, PRESENT - 2 * DAY: 2.0}, NOW)[-1] is None


def test_a_band_may_be_longer_than_a_day() -> None:
    points = {PRESENT - hours * HOUR: 5.0 for hours in range(24 * 12)}

    band = trends.band(points, NOW, 72)

    assert band == [(5.0, 5.0)] * 72


def test_nothing_is_usual_where_nothing_was() -> None:
    assert trends.usual({PRESENT: 1.0}, NOW) is None
    assert trends.spread([1.0, None, 2.0], 3) is None


def test_a_leak_of_eight_nights_does_not_widen_what_is_usual() -> None:
    """Three plain standard deviations would put the bound at 54."""
    nights = [30.0 + night % 3 for night in range(20)] + [45.0] * 8

    median, low, high = trends.spread(nights, 3) or (0, 0, 0)

    assert median == 31.5
    assert high == pytest.approx(31.5 + 3 * trends.DEVIATIONS * 1.5)
    assert low < min(nights) < high < 45


def test_reach_is_what_the_first_band_needs() -> None:
    assert timedelta(days=8) == trends.REACH
