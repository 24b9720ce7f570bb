from __future__ import annotations

import numpy as np
import pytest

from simulators.model import DAY, HOUR, MINUTE, Span
from simulators.sentinel.faults import BlockedDrain
from simulators.sentinel.hydraulics import Sewers, Water
from simulators.weather import METRES_PER_DEGREE, Climate, Cloudburst, Weather
from tests.unit.simulators.sentinel.district import LATITUDE, LONGITUDE, district, happening, instant, row, run

DRY, AT = Climate(rain_factor=0.0), instant("2026-07-06")
LOW = [f"sim-sentinel-linhe-{street}-ponding-{n}" for street in ("jiefang", "xinhua", "tuanjie") for n in (1, 2)]


def test_a_cloudburst_floods_the_low_points_that_its_truth_names_and_spares_what_is_far_away() -> None:
    burst = happening(Cloudburst(depth=60, longitude=LONGITUDE, latitude=LATITUDE, radius=1300), AT, AT + HOUR)
    source = district(weather=Weather(DRY, [burst]))
    subjects = source.subjects(burst.fault)
    low = [site for site in source.sites if site.kind == "ponding_point"]
    signals = run(source, Span(AT - HOUR, AT + 8 * HOUR), [burst])
    depths = {site.id: signals.values[row(source, site.id, "ponding_depth")].max() for site in low}
    assert len([site for site in low if site.id in subjects]) >= 3
    assert min(depth for site, depth in depths.items() if site in subjects) > 14
    assert max(depth for site, depth in depths.items() if site not in subjects) < 16
    assert min(depths.values()) == 0


def test_after_a_cloudburst_the_roads_run_dry() -> None:
    burst = happening(Cloudburst(depth=60, longitude=LONGITUDE, latitude=LATITUDE), AT, AT + HOUR)
    source = district(weather=Weather(DRY, [burst]))
    signals = run(source, Span(AT - HOUR, AT + DAY), [burst])
    points = [sensor.point for sensor in source.sensors if sensor.metric == "ponding_depth"]
    depths = signals.values[points]
    assert depths[:, signals.times <= AT].max() == 0
    assert depths[:, signals.times >= AT + 6 * HOUR].max() == 0
    assert depths.max() > 25


def test_of_three_equal_low_points_the_nearest_to_the_cloudburst_is_the_deepest() -> None:
    burst = happening(Cloudburst(depth=60, longitude=LONGITUDE, latitude=LATITUDE, radius=1500), AT, AT + HOUR)
    minutes = np.arange(AT, AT + 4 * HOUR, MINUTE)
    latitudes = LATITUDE + np.array([0, 700, 1400]) / METRES_PER_DEGREE
    rain = Weather(DRY, [burst]).rain(minutes, np.full(3, LONGITUDE), latitudes)
    three = Sewers(*(np.full(3, value) for value in (2.0, 0.7, 600.0, 0.4, 0.003, 2.0, 30.0, 0.02, 0.1)))
    _, _, depth = three.run(Water.none(3), rain, np.ones(len(minutes)), np.ones(rain.shape), 60.0)
    first, second, third = depth.max(axis=1)
    assert first > second > third > 15
    assert (np.diff((depth > 15).sum(axis=1)) < 0).all()  # and it stands under water for the longest


def test_gauges_add_up_what_falls() -> None:
    burst = happening(Cloudburst(depth=50, longitude=LONGITUDE, latitude=LATITUDE, radius=1e5), AT, AT + 90 * MINUTE)
    source = district(weather=Weather(DRY, [burst]))
    signals = run(source, Span(AT - HOUR, AT + DAY), [burst], cut=45)
    for sensor in source.sensors:
        if sensor.metric == "rain":
            assert signals.values[sensor.point, -1] == pytest.approx(50, rel=1e-3)
            assert (np.diff(signals.values[sensor.point]) >= 0).all()


def test_a_blocked_sewer_backs_up_in_dry_weather_and_drains_when_it_is_free() -> None:
    source = district(weather=Weather(DRY))
    place = "sim-sentinel-linhe-jianshe-sewer-2"
    blocked = happening(BlockedDrain(place=place, blocked=0.97), AT, AT + 12 * HOUR)
    (site,) = (site for site in source.sites if site.id == place)
    assert source.subjects(blocked.fault) == {place}
    signals = run(source, Span(AT - HOUR, AT + DAY), [blocked])
    levels = signals.values[row(source, place, "sewer_level")]
    pipe = site.attributes["pipe_diameter"]
    assert isinstance(pipe, float)
    assert levels[signals.times <= AT].max() < 0.5 * pipe
    assert levels[(signals.times > AT) & (signals.times <= AT + 12 * HOUR)].max() > pipe
    assert levels[signals.times > AT + 15 * HOUR].max() < 0.5 * pipe


def test_a_blocked_street_needs_less_rain_to_stand_under_water() -> None:
    burst = happening(Cloudburst(depth=25, longitude=LONGITUDE, latitude=LATITUDE), AT, AT + HOUR)
    blocked = happening(BlockedDrain(place="linhe-jiefang", blocked=0.8), AT - HOUR, AT + 2 * HOUR)
    source = district(weather=Weather(DRY, [burst]))
    points = [row(source, site, "ponding_depth") for site in LOW[:2]]
    free = run(source, Span(AT - HOUR, AT + 4 * HOUR), [burst]).values[points].max()
    assert free < 15 < run(source, Span(AT - HOUR, AT + 4 * HOUR), [burst, blocked]).values[points].max()
