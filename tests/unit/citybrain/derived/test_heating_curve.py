"""The weather-compensated supply temperature and how far a station is away from it."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.derived.heating_curve import DESIGN, curve, hourly

MINUTE = 60_000_000  # us
SCHEMA = {
    "station": pl.Int32,
    "time": pl.Int64,
    "region": pl.String,
    "supply_temp": pl.Float64,
    "outdoor_temp": pl.Float64,
    **dict.fromkeys(DESIGN, pl.Float64),
}
Row = tuple[int, int, str, float | None, float | None]


def supply(outdoor: float, **design: float) -> float:
    values = {name: design.get(name) for name in DESIGN} | {"outdoor": outdoor}
    frame = pl.DataFrame([values], schema={**dict.fromkeys(DESIGN, pl.Float64), "outdoor": pl.Float64})
    return float(frame.select(curve("outdoor")).item())


def deviations(rows: list[Row], **design: float) -> dict[tuple[int, int], float]:
    full = [(*row, *(design.get(name) for name in DESIGN)) for row in rows]
    found = hourly(pl.DataFrame(full, schema=SCHEMA, orient="row"), "Asia/Shanghai")
    return {(station, time): value for station, time, value in found.select("station", "time", "value").iter_rows()}


@pytest.mark.parametrize(
    ("outdoor", "expected"), [(-17, 75.0), (-10, 65.5), (-5, 58.4), (0, 51.1), (5, 43.4), (18, 18.0), (30, 18.0)]
)
def test_the_curve_of_radiators_at_75_and_50_degrees(outdoor: float, expected: float) -> None:
    assert supply(outdoor) == pytest.approx(expected, abs=0.05)


def test_a_site_has_its_own_design() -> None:
    floor = {"design_supply_temp": 45.0, "design_return_temp": 35.0, "radiator_exponent": 0.1}
    assert supply(-17, **floor) == pytest.approx(45)
    assert supply(0, **floor) < supply(0)


@given(st.floats(-40, 40), st.floats(0, 20))
def test_the_colder_it_is_the_warmer_the_supply(outdoor: float, colder: float) -> None:
    assert supply(outdoor - colder) >= supply(outdoor) - 1e-9


def test_it_is_as_cold_as_the_sensors_of_the_region_say_within_the_hour() -> None:
    rows: list[Row] = [
        (1, 0, "150802", None, 40.0),  # an hour old at 60 minutes: it no longer counts
        (1, 10 * MINUTE, "150802", None, -4.0),
        (2, 50 * MINUTE, "150802", None, -6.0),
        (3, 55 * MINUTE, "150821", None, 10.0),  # another region
        (9, 60 * MINUTE, "150802", 60.0, None),
    ]
    assert deviations(rows)[9, 60 * MINUTE] == pytest.approx(60 - supply(-5), abs=1e-9)


def test_without_weather_there_is_no_deviation() -> None:
    rows: list[Row] = [(1, 0, "150802", None, -5.0), (9, 61 * MINUTE, "150802", 60.0, None)]
    assert deviations(rows) == {}


def test_a_station_may_measure_the_weather_itself() -> None:
    assert deviations([(9, 0, "150802", 75.0, -17.0)]) == {(9, 0): pytest.approx(0, abs=1e-9)}


def test_a_design_that_makes_no_sense_has_no_deviation() -> None:
    assert deviations([(9, 0, "150802", 60.0, -5.0)], design_outdoor_temp=18.0) == {}
