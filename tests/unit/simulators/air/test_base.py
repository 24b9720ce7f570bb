from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.air.base import LEVELS, PARTS, Level, course, hours
from simulators.model import DAY, HOUR, MINUTE, SECOND
from simulators.weather import RECORDED

STATIONS = ("Aotizhongxin", "Changping", "Dongsi")
FIRST = 1_772_294_400_000_000  # 2026-03-01 00:00 in the city, where the recorded year begins; us
YEAR = hours(STATIONS, LEVELS)


def means(values: np.ndarray) -> np.ndarray:
    """Of each hour of a grid of ten minutes that begins with one, straight between its instants."""
    between = (values[..., 1:] + values[..., :-1]) / 2
    return np.asarray(between.reshape(*between.shape[:-1], -1, 6).mean(axis=-1))


def test_each_hour_keeps_its_mean_all_the_year() -> None:
    times = np.arange(FIRST, FIRST + 365 * DAY + 1, 10 * MINUTE)

    found = course(YEAR, times)

    assert np.allclose(means(found), YEAR, rtol=1e-12, atol=1e-9)
    assert found.min() >= 0


@settings(deadline=None)
@given(st.lists(st.floats(0, 1000), min_size=5, max_size=5))
def test_any_hours_keep_their_means_and_nothing_is_negative(values: list[float]) -> None:
    year = np.zeros((1, 1, 8760))
    year[0, 0, :5] = values

    found = course(year, np.arange(FIRST, FIRST + 5 * HOUR + 1, 10 * MINUTE))

    assert np.allclose(means(found)[0, 0], values, rtol=1e-9, atol=1e-9)
    assert found.min() >= 0


def test_the_course_has_no_leaps_within_a_year() -> None:
    fine = course(YEAR, np.arange(FIRST, FIRST + 2 * DAY, 30 * SECOND))

    assert np.abs(np.diff(fine)).max() < 3


def test_a_low_hour_is_scaled_and_a_high_one_stays_below_the_most() -> None:
    level = Level(factor=0.5, most=45)

    assert level.apply(np.array([0.0, 2.0])) == pytest.approx([0, 1], abs=0.02)
    assert level.apply(np.array([300.0, 1e9])) == pytest.approx([43.4, 45], abs=0.1)


def test_hours_are_those_of_the_record() -> None:
    recorded = pl.read_parquet(RECORDED).filter(station="Dongsi").sort("time")["o3"].cast(pl.Float64).to_numpy()
    there = ~np.isnan(recorded)

    assert np.allclose(YEAR[PARTS.index("o3"), 2][there], LEVELS["o3"].apply(recorded[there]))


def test_gaps_are_filled_and_coarse_dust_is_never_away() -> None:
    assert np.isfinite(YEAR).all()
    assert (YEAR[PARTS.index("coarse")] >= 8).all()
