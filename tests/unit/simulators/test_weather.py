from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from simulators.model import DAY, HOUR, MINUTE, SECOND, Happening
from simulators.weather import Climate, Cloudburst, ColdSnap, Weather, distance, recorded_hours

AS_RECORDED = Climate(winter_offset=0, summer_offset=0, rain_factor=1, altitude=0)


def us(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp()) * SECOND  # type: ignore[misc, arg-type]


JANUARY = us(2026, 1, 15)
WINTER = np.arange(JANUARY, JANUARY + 10 * DAY, 10 * MINUTE)


def test_every_year_runs_through_the_recorded_one() -> None:
    """It begins at midnight of 1 March, UTC+8; 29 February is the day before it once more."""
    moments = [us(2026, 2, 28, 16), us(2026, 3, 1, 16), us(2027, 2, 28, 15), us(2028, 2, 28, 4), us(2028, 2, 29, 4)]
    assert recorded_hours(np.array(moments)).tolist() == [0, 24, 365 * 24 - 1, 364 * 24 + 12, 364 * 24 + 12]
    two = np.arange(us(2027, 1, 1), us(2029, 1, 1), HOUR)
    assert np.isin(np.diff(recorded_hours(two)), [1, 1 - 24, 1 - 365 * 24]).all()


def test_weather_has_no_jumps_from_one_year_to_the_next() -> None:
    days = np.arange(us(2026, 2, 26), us(2026, 3, 3), 10 * MINUTE)
    for name in ("temperature", "dew_point", "air_pressure", "wind_speed"):
        found = getattr(Weather(Climate()), name)(days)
        assert np.isfinite(found).all()
        assert np.abs(np.diff(found)).max() < 6, name


def test_the_climate_moves_winter_and_summer_apart() -> None:
    times = np.array([us(2026, 1, 15), us(2026, 7, 16)])
    moved = Weather(Climate(winter_offset=-10, summer_offset=4)).temperature(times)
    assert moved - Weather(AS_RECORDED).temperature(times) == pytest.approx([-10, 4], abs=0.05)


def test_the_dew_point_is_never_above_the_temperature() -> None:
    year = np.arange(JANUARY, JANUARY + 365 * DAY, HOUR)
    weather = Weather(Climate())
    assert (weather.dew_point(year) <= weather.temperature(year)).all()


def test_the_air_is_thinner_on_a_hill() -> None:
    """The standard atmosphere has 1013.25 hPa at the sea and 898.75 hPa at 1,000 m (ISO 2533)."""
    sea = Weather(AS_RECORDED).air_pressure(WINTER)
    hill = Weather(AS_RECORDED.model_copy(update={"altitude": 1000})).air_pressure(WINTER)
    assert hill / sea == pytest.approx(np.full(len(sea), 898.75 / 1013.25), rel=1e-4)


def test_a_cold_snap_comes_and_goes_with_its_ramps() -> None:
    start, end = JANUARY + DAY, JANUARY + 3 * DAY
    snap = ColdSnap.model_validate({"by": 14, "ramp": "8h"})
    fall = Weather(Climate(), [Happening("snap", snap, start, end)]).temperature(WINTER) - Weather(
        Climate()
    ).temperature(WINTER)
    assert np.abs(fall[~Happening("snap", snap, start, end).active(WINTER)]).max() < 1e-9
    at = np.searchsorted(WINTER, [start + 4 * HOUR, start + 8 * HOUR, end - 8 * HOUR, end - 2 * HOUR])
    assert fall[at] == pytest.approx([-7, -14, -14, -3.5])


def test_a_cloudburst_gives_its_depth_at_its_centre_and_61_percent_a_radius_away() -> None:
    start, end = us(2026, 7, 28, 7), us(2026, 7, 28, 8, 30)
    burst = Cloudburst(depth=60, longitude=107.4, latitude=40.75, radius=1000)
    times = np.arange(start - HOUR, end + HOUR, 10 * SECOND)
    places = np.array([107.4, 107.4, 110.0]), np.array([40.75, 40.75 + 1000 / 111_320, 40.75])
    rain = Weather(Climate(), [Happening("storm", burst, start, end)]).rain(times, *places)
    own = rain - Weather(Climate()).rain(times, *places)
    fallen = own.sum(axis=1) * (10 / 3600)
    assert fallen == pytest.approx([60, 60 * np.exp(-0.5), 0], abs=0.05)
    assert not own[:, (times < start) | (times >= end)].any()
    assert times[own[0].argmax()] == start + 0.4 * (end - start)


def test_the_wind_turns_the_short_way() -> None:
    directions = Weather(Climate()).wind_direction(WINTER)
    assert ((directions >= 0) & (directions < 360)).all()
    coarse = Weather(Climate()).wind_direction(np.arange(JANUARY, JANUARY + 10 * DAY + 1, HOUR))
    turns = np.abs((np.diff(coarse) + 180) % 360 - 180)
    steps = np.abs((np.diff(directions) + 180) % 360 - 180)
    assert steps.reshape(-1)[: len(turns) * 6 - 1].sum() == pytest.approx(turns.sum(), rel=0.01)


def test_weather_does_not_depend_on_how_time_is_cut() -> None:
    weather = Weather(Climate())
    whole = weather.temperature(WINTER)
    assert np.array_equal(whole, np.concatenate([weather.temperature(part) for part in np.split(WINTER, [1, 700])]))


def test_distances_within_a_city() -> None:
    """A hundredth of a degree at 60 degrees north: 1,113 m north, half as much east."""
    found = distance(np.array([10.0, 10.01]), np.array([60.01, 60.0]), 10.0, 60.0)
    assert found == pytest.approx([1113.2, 556.6], abs=0.1)
