from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.testing.moments import microseconds, moment, shown, start_of
from rules.testing.notation import CITY
from rules.testing.sequence import Unreadable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "2026-01-05 00:00"),
        ("06:00", "2026-01-05 06:00"),
        ("04-15 20:00", "2026-04-15 20:00"),
        ("01-01 07:00", "2026-01-01 07:00"),
        ("2027-01-01 07:00", "2027-01-01 07:00"),
        ("02-28", "2026-02-28 00:00"),
    ],
)
def test_a_test_begins_on_a_monday_unless_it_says_otherwise(text: str | None, expected: str) -> None:
    assert start_of(text, CITY) == datetime.fromisoformat(expected).replace(tzinfo=CITY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9:30", "2026-12-31 09:30"),
        ("23:00:05", "2026-12-31 23:00:05"),
        ("12-31 23:00", "2026-12-31 23:00"),
        ("01-01 00:10", "2027-01-01 00:10"),
        ("2026-01-01 00:10", "2026-01-01 00:10"),
    ],
)
def test_a_moment_without_a_day_is_of_the_first_and_without_a_year_not_before_it(text: str, expected: str) -> None:
    start = start_of("12-31 20:00", CITY)
    assert moment(text, start) == datetime.fromisoformat(expected).replace(tzinfo=CITY)


@pytest.mark.parametrize("text", ["", "later", "25:00", "02-30 10:00", "10", "10:61", "2026-01-01T"])
def test_what_names_no_time_is_a_mistake(text: str) -> None:
    with pytest.raises(Unreadable):
        moment(text, start_of(None, CITY))


@given(st.integers(0, 300 * 86_400))
def test_what_is_shown_is_read_as_the_same_instant(seconds: int) -> None:
    start = start_of("06-01 13:00", CITY)
    time_us = microseconds(start + timedelta(seconds=seconds))
    assert microseconds(moment(shown(time_us, start), start)) == time_us
