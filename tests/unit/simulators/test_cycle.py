from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators import cycle

HOUR, DAY = 3_600_000_000, 86_400_000_000

recordings = st.lists(st.integers(-2000, 2000), min_size=1, max_size=40, unique=True).map(
    lambda hours: pl.DataFrame({"time": [hour * HOUR for hour in sorted(hours)], "value": range(len(hours))})
)
instants = st.integers(-(10**17), 4 * 10**18 // 1000)


@pytest.mark.parametrize(
    ("hours", "days"), [([5], 1), ([0, 23], 1), ([0, 24], 2), ([0, 61 * 24 - 1], 61), ([7, 7 + 61 * 24], 62)]
)
def test_a_cycle_is_the_fewest_days_in_which_nothing_meets(hours: list[int], days: int) -> None:
    assert cycle.length(pl.Series([hour * HOUR for hour in hours])) == days * DAY


def test_there_is_no_cycle_of_nothing() -> None:
    with pytest.raises(ValueError, match="at least one time"):
        cycle.length(pl.Series([], dtype=pl.Int64))


@given(recordings, instants)
def test_it_ends_now_is_in_order_and_keeps_every_reading(readings: pl.DataFrame, now: int) -> None:
    moved = cycle.ending(readings, now)
    length = cycle.length(readings["time"])
    times = moved["time"].to_list()
    assert all(now - length < time <= now for time in times)
    assert times == sorted(times)
    original = dict(readings.select("value", "time").iter_rows())
    assert len(moved) == len(original)
    assert all((time - original[value]) % length == 0 for time, value in moved.iter_rows())


@given(recordings, instants, instants)
def test_an_instant_has_the_same_reading_whatever_now_is(readings: pl.DataFrame, one: int, other: int) -> None:
    length = cycle.length(readings["time"])
    values: dict[int, int] = {}
    for now in (one, one + length // 3, other):
        for time, value in cycle.ending(readings, now).iter_rows():
            # The same instant of another turn of the cycle counts too.
            assert values.setdefault(time % length, value) == value
