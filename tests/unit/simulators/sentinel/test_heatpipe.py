from __future__ import annotations

import numpy as np
import pytest

from simulators.model import DAY, HOUR, MINUTE, Span
from simulators.sentinel import heatpipe
from simulators.sentinel.faults import HeatLeak, WellFlooded
from simulators.sentinel.ground import Ground
from simulators.weather import Climate, Weather
from tests.unit.simulators.sentinel.district import district, happening, instant, read, row, run

AT, WELL = instant("2026-11-20"), "sim-sentinel-linhe-jianshe-heat-2"


def test_a_leak_warms_its_well_with_its_time_constant_and_leaves_water() -> None:
    source = district()
    leak = happening(HeatLeak.model_validate({"place": WELL, "rise": "35", "settles": "2h"}), AT, AT + 8 * HOUR)
    assert WELL in source.subjects(leak.fault)
    span = Span(AT - HOUR, AT + 2 * DAY)
    calm, leaking = (run(source, span, happenings) for happenings in ([], [leak]))
    times = AT + np.array([-1, 0, 2, 8, 20]) * HOUR
    point = row(source, WELL, "well_temperature")
    rise = read(leaking, point, times) - read(calm, point, times)
    full = 35 * (1 - np.exp(-4))
    assert rise == pytest.approx([0, 0, 35 * (1 - np.exp(-1)), full, full * np.exp(-1)], abs=0.05)
    water = leaking.values[row(source, WELL, "water_present")]
    wet = leaking.times[water == 1]
    assert wet[0] == AT + heatpipe.WATER_RISES
    assert wet[-1] < AT + 8 * HOUR + heatpipe.WATER_DRAINS
    others = [s.point for s in source.sensors if s.metric == "well_temperature" and s.device != WELL]
    assert (leaking.values[others].max() - calm.values[others].max()) < 8


def test_rain_in_a_well_does_not_warm_it() -> None:
    source = district()
    flooded = happening(WellFlooded(place=WELL), AT, AT + HOUR)
    assert source.subjects(flooded.fault) == {WELL}
    span = Span(AT - HOUR, AT + DAY)
    calm, wet = (run(source, span, happenings) for happenings in ([], [flooded]))
    assert wet.values[row(source, WELL, "water_present")].max() == 1
    point = row(source, WELL, "well_temperature")
    times = np.arange(AT, AT + DAY, 10 * MINUTE)
    assert read(wet, point, times) == pytest.approx(read(calm, point, times))


def test_pipes_warm_the_ground_from_autumn_to_spring() -> None:
    days = [instant(day) for day in ("2026-10-14T15:59", "2026-10-25", "2027-01-10", "2027-04-15", "2027-07-01")]
    shares = heatpipe.in_service(np.array(days))
    assert shares[0] < 1e-6
    assert shares[1] == pytest.approx(1 - np.exp(-(days[1] - instant("2026-10-14T16:00")) / heatpipe.GROUND_SETTLES))
    assert shares[2:4] == pytest.approx([1, 1], abs=1e-3)
    assert shares[4] < 0.01


def test_the_ground_follows_the_year_late_and_less() -> None:
    weather = Weather(Climate())
    year = np.arange(instant("2026-01-01"), instant("2027-01-01"), 6 * HOUR)
    air, ground = weather.temperature(year), Ground(weather).temperature(year)
    damping = np.sqrt(2 * 0.05 / (2 * np.pi / 365.2425))  # m
    first = 2 * abs(np.mean((air - air.mean()) * np.exp(-2j * np.pi * year / (365.2425 * DAY))))
    assert np.ptp(ground) / 2 == pytest.approx(first * np.exp(-1.5 / damping), rel=0.02)
    assert ground.mean() == pytest.approx(air.mean(), abs=0.1)
    coldest = (year[ground.argmin()] - instant("2026-01-01")) / DAY
    assert 30 < coldest < 90  # the air's coldest is in the middle of January


def test_a_season_that_begins_warms_no_well_by_10_kelvin_within_a_week() -> None:
    source = district()
    start = instant("2026-10-08")
    signals = run(source, Span(start, start + 30 * DAY), [])
    hours = np.arange(start, start + 30 * DAY, HOUR)
    values = read(signals, row(source, WELL, "well_temperature"), hours)
    weeks = np.lib.stride_tricks.sliding_window_view(values, 7 * 24)
    assert (weeks[:, -1] - np.median(weeks, axis=1)).max() < 7
