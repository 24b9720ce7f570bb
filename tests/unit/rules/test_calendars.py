"""When calendars are on: seasons over new year, by region and by decree; hours past midnight; single days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.calendars import DAY_MINUTES, active, days, hour_ranges
from rules.model import Calendar, Season

HEATING = Calendar(
    "heating",
    (
        Season((10, 15), (4, 15)),
        Season((10, 1), (4, 30), "150700"),
        Season(date(2026, 10, 10), date(2027, 4, 20), "150100"),
        Season(date(2026, 10, 12), date(2027, 4, 10), "150102"),
    ),
)
DISTRICT = ["150102", "150100", "150000"]


@pytest.mark.parametrize(
    ("path", "day", "on"),
    [
        (["150800", "150000"], "2026-10-14", False),
        (["150800", "150000"], "2026-10-15", True),
        (["150800", "150000"], "2027-01-01", True),
        (["150800", "150000"], "2027-04-15", True),
        (["150800", "150000"], "2027-04-16", False),
        # Its own yearly season replaces that of all.
        (["150702", "150700"], "2026-10-01", True),
        (["150702", "150700"], "2027-04-30", True),
        # A decree replaces the yearly season that it overlaps, and no other.
        (["150100", "150000"], "2026-10-10", True),
        (["150100", "150000"], "2027-04-20", True),
        (["150100", "150000"], "2026-04-16", False),
        (["150100", "150000"], "2027-10-14", False),
        (["150100", "150000"], "2027-10-15", True),
        # One of the district replaces that of its city.
        (DISTRICT, "2026-10-11", False),
        (DISTRICT, "2026-10-12", True),
        (DISTRICT, "2027-04-10", True),
        (DISTRICT, "2027-04-11", False),
    ],
)
def test_seasons(path: list[str], day: str, on: bool) -> None:
    assert days(HEATING, path)(date.fromisoformat(day)) is on


def test_a_shorter_decree_ends_the_season_early() -> None:
    calendar = Calendar("w", (Season((10, 15), (4, 15)), Season(date(2026, 11, 1), date(2027, 3, 1))))
    on = days(calendar, [])
    assert [on(date.fromisoformat(day)) for day in ("2026-10-20", "2026-11-01", "2027-03-02")] == [False, True, False]


def test_the_last_of_february() -> None:
    on = days(Calendar("w", (Season((2, 1), (2, 29)),)), [])
    assert [on(date(2027, 2, 28)), on(date(2028, 2, 29)), on(date(2027, 3, 1))] == [True, True, False]


def test_hours() -> None:
    night = Calendar("night", hours=((120, 240),))
    assert [active(night, [], date(2026, 1, 1), minute) for minute in (119, 120, 239, 240)] == [
        False, True, True, False,
    ]  # fmt: skip
    late = Calendar("late", hours=((22 * 60, 6 * 60),))
    assert hour_ranges(late) == ((0, 360), (1320, 1440))
    assert [active(late, [], date(2026, 1, 1), minute) for minute in (0, 359, 360, 1319, 1320)] == [
        True, True, False, False, True,
    ]  # fmt: skip


def test_dates() -> None:
    holiday = Calendar("holiday", dates=frozenset({date(2026, 10, 1)}))
    assert [active(holiday, [], date(2026, 10, day), 0) for day in (1, 2)] == [True, False]


DAYS = st.dates(date(2000, 1, 1), date(2040, 12, 31))


@given(day=DAYS, start=DAYS, end=DAYS)
def test_a_yearly_season_is_the_same_in_every_year(day: date, start: date, end: date) -> None:
    first, last, now = ((one.month, one.day) for one in (start, end, day))
    if (2, 29) in (first, last, now):
        return
    inside = first <= now <= last if first <= last else now >= first or now <= last
    assert days(Calendar("w", (Season(first, last),)), [])(day) is inside


@given(day=DAYS, start=DAYS, length=st.integers(0, 400))
def test_a_decree_is_on_on_its_days(day: date, start: date, length: int) -> None:
    end = start + timedelta(days=length)
    on = days(Calendar("w", (Season((10, 15), (4, 15)), Season(start, end))), [])
    assert on(day) or not start <= day <= end


@given(st.integers(0, DAY_MINUTES - 1), st.integers(0, DAY_MINUTES), st.integers(0, DAY_MINUTES - 1))
def test_hours_go_from_start_to_end_around_the_clock(start: int, end: int, minute: int) -> None:
    if start == end:
        return
    inside = (minute - start) % DAY_MINUTES < (end - start) % DAY_MINUTES or (start, end) == (0, DAY_MINUTES)
    assert active(Calendar("h", hours=((start, end),)), [], date(2026, 1, 1), minute) is inside
