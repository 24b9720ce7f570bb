from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.instants import microseconds, moment, start_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
TEN_OCLOCK = 1_795_226_400_000_000  # 2026-11-21T10:00:00+08:00, in microseconds


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-21T10:00:00+08:00",
        "2026-11-21T10:00:00",  # without a zone: the city's
        "2026-11-21 10:00",
        " 2026-11-21T10:00:00+08:00 ",
        "2026-11-21T02:00:00Z",
        "2026-11-20T16:30:00-09:30",
        "20261121T100000",
        1_795_226_400_000,
        1_795_226_400_000.0,
    ],
)
def test_one_instant_written_in_many_ways(written: object) -> None:
    assert microseconds(written, SHANGHAI) == TEN_OCLOCK


def test_fractions_down_to_a_microsecond() -> None:
    assert microseconds("2026-11-21T10:00:00.000001", SHANGHAI) == TEN_OCLOCK + 1
    assert microseconds(1_795_226_400_000.001, SHANGHAI) == TEN_OCLOCK + 1
    assert microseconds(1_795_226_400_000.5, SHANGHAI) == TEN_OCLOCK + 500


def test_a_zone_with_summer_time_reads_each_season_in_its_own_offset() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    winter, summer = (microseconds(f"2026-{month}-01T12:00:00", berlin) for month in ("01", "07"))
    assert winter == microseconds("2026-01-01T11:00:00Z", berlin)
    assert summer == microseconds("2026-07-01T10:00:00Z", berlin)


@pytest.mark.parametrize(
    "written",
    [
        True,
        False,
        None,
        "",
        "noon",
        "1795226400000",  # a number in quotes is no number
        "2026-13-01",
        "2026-11-21T25:00:00",
        math.nan,
        math.inf,
        -math.inf,
        1e300,
        10**400,
        -(10**400),
        [1_795_226_400_000],
        {"time": 1},
        # Beyond what a datetime holds, once the zone is taken into account.
        "0001-01-01T00:00:00",
        "9999-12-31T23:59:59-23:59",
        "\ud800",
        "\0",
    ],
)
def test_what_is_no_time(written: object) -> None:
    assert microseconds(written, SHANGHAI) is None


def test_numbers_are_milliseconds_never_seconds() -> None:
    assert microseconds(1_795_226_400, SHANGHAI) == 1_795_226_400_000  # in January 1970: too old, never guessed


@given(st.one_of(st.integers(), st.floats(), st.text(), st.booleans()))
def test_whatever_is_written_gives_a_time_that_can_be_shown_or_none(written: object) -> None:
    time = microseconds(written, SHANGHAI)
    if time is not None:
        assert moment(time).tzinfo is UTC


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)))
def test_round_trip(naive: datetime) -> None:
    time = microseconds(naive.isoformat(), SHANGHAI)
    assert time is not None
    assert moment(time).astimezone(SHANGHAI).replace(tzinfo=None) == naive
    assert microseconds(moment(time).isoformat(), SHANGHAI) == time
    assert microseconds(time / 1000, SHANGHAI) == time


def test_a_city_day_starts_at_its_own_midnight() -> None:
    assert moment(start_of(date(2026, 3, 1), SHANGHAI)) == datetime(2026, 2, 28, 16, tzinfo=UTC)
    assert start_of(date(2026, 3, 2), SHANGHAI) - start_of(date(2026, 3, 1), SHANGHAI) == timedelta(
        days=1
    ) // timedelta(microseconds=1)
