"""Night minimum flow from readings of a zone's inflow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.derived.night_flow import hourly

ZONE = "Asia/Shanghai"
NIGHT = datetime(2026, 11, 20, 18, tzinfo=UTC)  # 02:00 of 21 November in the city
MINUTE = timedelta(minutes=1)


def us(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000


def readings(values: list[float | None], start: datetime = NIGHT, every: timedelta = MINUTE) -> pl.DataFrame:
    rows = [(7, us(start + n * every), value) for n, value in enumerate(values)]
    schema = {"station": pl.Int32, "time": pl.Int64, "zone_inflow": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def night_flow(frame: pl.DataFrame) -> list[tuple[int, int, str, float]]:
    return hourly(frame, ZONE).rows()


def test_the_least_quarter_of_an_hour_counts_and_lies_at_the_end_of_the_window() -> None:
    values = [30.0] * 50 + [20.0] * 15 + [30.0] * 55
    assert night_flow(readings(values)) == [(7, us(NIGHT + timedelta(hours=2)), "night_flow", 20.0)]


def test_one_low_reading_is_averaged_over_fifteen_minutes() -> None:
    values = [30.0] * 60 + [0.0] + [30.0] * 59
    ((_, _, _, value),) = night_flow(readings(values))
    assert value == pytest.approx(28.0)


def test_what_flows_outside_the_window_does_not_count() -> None:
    before, after = [1.0] * 60, [2.0] * 60
    ((_, _, _, value),) = night_flow(readings(before + [30.0] * 120 + after, NIGHT - timedelta(hours=1)))
    assert value == 30.0


def test_a_night_with_too_few_quarters_of_an_hour_has_no_result() -> None:
    assert len(night_flow(readings([30.0] * 76))) == 1  # six quarters of the eight
    assert night_flow(readings([30.0] * 75)) == []  # five


def test_a_mean_beside_a_gap_does_not_stand_for_a_quarter_of_an_hour() -> None:
    # After a gap of 20 minutes the first reading is alone in its window.
    values: list[float | None] = [30.0] * 60 + [None] * 20 + [5.0] + [30.0] * 39
    ((_, _, _, value),) = night_flow(readings(values))
    assert value == pytest.approx((7 * 30 + 5) / 8)


@pytest.mark.parametrize("minutes", [5, 15])
def test_slower_meters_have_a_night_flow(minutes: int) -> None:
    values = [30.0 + n for n in range(120 // minutes)]
    assert len(night_flow(readings(values, every=minutes * MINUTE))) == 1


@given(st.lists(st.floats(-1000, 1000), min_size=120, max_size=120), st.integers(0, 1000))
def test_the_minimum_lies_among_the_readings_whatever_their_order(values: list[float], seed: int) -> None:
    frame = readings(list(values))
    ((_, _, _, value),) = night_flow(frame)
    assert min(values) - 1e-6 <= value <= sum(values) / 120 + 1e-6
    assert night_flow(frame.sample(fraction=1, shuffle=True, seed=seed)) == [
        (7, us(NIGHT + timedelta(hours=2)), "night_flow", value)
    ]
