from __future__ import annotations

import time
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError

from simulators.model import DAY, HOUR, MINUTE, SimulationError, Span
from simulators.sentinel import faults
from simulators.sentinel.source import Sentinels
from simulators.weather import Climate, Cloudburst, Weather, distance
from tests.unit.simulators.sentinel.district import (
    LATITUDE,
    LONGITUDE,
    catalogue,
    district,
    happening,
    instant,
    run,
    streets,
)

AT = instant("2026-07-06T03:07:31")
WELL = "sim-sentinel-linhe-jianshe-gas-3"


def test_every_site_device_and_sensor_is_one_that_the_domain_knows() -> None:
    source = district()
    domain = catalogue().domains["sentinel"]
    assert len({site.id for site in source.sites}) == len(source.sites) == len(source.devices)
    devices = {device.name for device in source.devices}
    for site in source.sites:
        assert site.kind in domain.site_kinds
        assert set(site.attributes) <= set(domain.site_attributes)
        assert len(site.id) <= 64
    assert {device.gateway for device in source.devices} - {None} <= devices
    assert {(s.device, s.metric) for s in source.sensors if s.metric not in domain.metrics} == set()
    assert len({(s.device, s.metric) for s in source.sensors}) == len(source.sensors)
    assert {s.device for s in source.sensors} == devices
    assert {site.title.zh for site in source.sites} == {site.title.zh for site in source.sites if site.title.en}
    assert len({site.title.zh for site in source.sites}) == len(source.sites)


def test_a_demo_has_about_1400_devices_and_gateways_with_20_to_200_each() -> None:
    source = district(span=4000, streets=20, water_wells=27, drain_wells=19)
    kinds = Counter(site.kind for site in source.sites)
    assert (kinds["gas_well"], kinds["nearby_well"], kinds["heat_well"], kinds["ponding_point"]) == (200, 100, 60, 40)
    assert 1350 < len(source.devices) < 1450
    served = Counter(device.gateway for device in source.devices if device.gateway)
    assert 20 <= min(served.values()) <= max(served.values()) <= 200
    intervals = {name: metric.interval for name, metric in catalogue().domains["sentinel"].metrics.items()}
    a_day = sum(86_400 / interval.total_seconds() for s in source.sensors if (interval := intervals[s.metric]))
    assert 30 * a_day < 3.35e6


def test_places_spread_over_the_district() -> None:
    source = district()
    longitudes, latitudes = np.array([(site.longitude, site.latitude) for site in source.sites]).T
    away = distance(longitudes, latitudes, LONGITUDE, LATITUDE)
    assert away.max() < 3000
    assert np.std(longitudes) * np.cos(np.radians(LATITUDE)) == pytest.approx(np.std(latitudes), rel=0.4)
    assert len({(site.longitude, site.latitude) for site in source.sites}) == len(source.sites)


def test_a_larger_city_has_the_same_things_and_more() -> None:
    small, large = district(), district(scale=5)
    assert {(s.id, s.title, s.longitude) for s in small.sites} < {(s.id, s.title, s.longitude) for s in large.sites}
    assert 4.9 < len(large.devices) / len(small.devices) < 5.1
    assert 0 < len(district(scale=0.3).sites) < len(small.sites)


def test_a_telecom_well_is_within_200_metres_of_a_gas_well() -> None:
    source = district()
    gas = np.array([(s.longitude, s.latitude) for s in source.sites if s.kind == "gas_well"]).T
    for site in source.sites:
        if site.kind == "nearby_well":
            assert distance(*gas, site.longitude, site.latitude).min() < 20


def test_a_region_that_is_not_there() -> None:
    with pytest.raises(SimulationError, match=r"sentinel linhe: there is no region '150803'; did you mean 1508"):
        district(region="150803")


def test_bad_fields_of_a_block() -> None:
    for fields in ({"streets": 0}, {"name": "Lin he"}, {"span": "wide"}, {"wells": 3}):
        with pytest.raises(ValidationError):
            streets(**fields)


def test_a_fault_at_a_place_that_can_not_see_it_says_what_could() -> None:
    with pytest.raises(
        SimulationError, match=r"sentinel.gas_leak: nothing at .*heat-1 could see it; .* gallery, gas_well"
    ):
        district().subjects(faults.GasLeak(place="sim-sentinel-linhe-jianshe-heat-1"))


def test_streets_with_only_some_things() -> None:
    nothing = dict.fromkeys(
        ("gas_wells", "nearby_wells", "sewer_wells", "heat_wells", "water_wells", "drain_wells", "ponding_points"), 0
    )
    for some in ({}, {"nearby_wells": 2}, {"water_wells": 1}, {"ponding_points": 1}):
        source = district(**(nothing | some))
        assert np.isfinite(run(source, Span(AT, AT + HOUR), []).values).all()
    with pytest.raises(SimulationError, match=r"biogas: nothing at linhe-xinhua could see it; nor could anything else"):
        source.subjects(faults.Biogas(place="linhe-xinhua"))


def test_every_fault_has_subjects_that_are_sites() -> None:
    source = district()
    sites = {site.id for site in source.sites}
    for kind in source.faults:
        fault = (
            Cloudburst(depth=60, longitude=LONGITUDE, latitude=LATITUDE)
            if kind is Cloudburst
            else kind.model_validate({"place": "linhe-jiefang"})
        )
        subjects = source.subjects(fault)
        assert subjects, kind.name
        assert subjects <= sites, kind.name
    assert "linhe-school-1" in source.places


def everything(start: int) -> list[object]:
    end = start + 5 * HOUR
    return [
        happening(faults.GasLeak(place=WELL, rate=5), start + 3, end + 5),
        happening(faults.Biogas(place="linhe-jiefang"), start, end),
        happening(faults.H2S(place="linhe-jiefang"), start, end),
        happening(faults.BlockedDrain(place="linhe-jianshe"), start, end),
        happening(faults.HeatLeak(place="linhe-jianshe"), start, end),
        happening(faults.CoverTraffic(place="linhe-jianshe"), start, end),
        happening(faults.CoverTheft(place="linhe-xinhua"), start, end),
        happening(faults.CoverTilt(place="linhe-tuanjie"), start, end),
        happening(Cloudburst(depth=50, longitude=LONGITUDE, latitude=LATITUDE), start + HOUR, start + 2 * HOUR),
    ]


def _rainy(start: int) -> Sentinels:
    bursts = [h for h in everything(start) if isinstance(h.fault, Cloudburst)]  # type: ignore[attr-defined]
    return district(weather=Weather(Climate(), bursts))  # type: ignore[arg-type]


def test_signals_do_not_depend_on_how_the_time_is_cut() -> None:
    source = _rainy(AT)
    span = Span(AT - HOUR, AT + 12 * HOUR)
    whole, minutes, parts = (run(source, span, everything(AT), cut) for cut in (None, 1, 47))  # type: ignore[arg-type]
    for other in (minutes, parts):
        assert other.times.tolist() == whole.times.tolist()
        np.testing.assert_allclose(other.values, whole.values, atol=1e-9)


def test_signals_do_not_depend_on_when_they_begin() -> None:
    source = _rainy(AT)
    whole = run(source, Span(AT - HOUR, AT + 12 * HOUR), everything(AT))  # type: ignore[arg-type]
    later = run(source, Span(AT + 3 * HOUR, AT + 12 * HOUR), everything(AT))  # type: ignore[arg-type]
    kept = np.isin(whole.times, later.times)
    assert kept.sum() == len(later.times)
    others = [s.point for s in source.sensors if s.metric != "rain"]
    expected = whole.values[:, kept]
    assert np.abs(later.values[others] - expected[others]).max() < 1e-6
    rain = [s.point for s in source.sensors if s.metric == "rain"]  # counts from the beginning
    np.testing.assert_allclose(np.diff(later.values[rain]), np.diff(expected[rain]), atol=1e-9)


def test_what_happens_changes_nothing_before_it_begins() -> None:
    source = district()
    span = Span(AT - 6 * HOUR, AT)
    calm = run(source, span, [])
    dry = [h for h in everything(AT) if not isinstance(h.fault, Cloudburst)]  # type: ignore[attr-defined]
    before = run(source, span, dry)  # type: ignore[arg-type]
    inside = before.times <= AT
    for sensor in source.sensors:
        expected = np.interp(before.times[inside], calm.times, calm.values[sensor.point])
        if sensor.reads != "held":
            assert before.values[sensor.point, inside] == pytest.approx(expected, abs=0.05), sensor


def test_spans_join_and_cover_what_was_asked_for() -> None:
    source = district()
    source.begin(AT, [])
    signals = [source.signals(Span(at, at + 7 * MINUTE)) for at in range(AT, AT + HOUR, 7 * MINUTE)]
    for at, found in zip(range(AT, AT + HOUR, 7 * MINUTE), signals, strict=True):
        assert found.times[0] <= at
        assert found.times[-1] >= at + 7 * MINUTE
        assert (np.diff(found.times) > 0).all()
    assert all(later.times[0] <= earlier.times[-1] for earlier, later in pairwise(signals))


@pytest.mark.parametrize("start", ["2026-01-05", "2026-07-01", "2026-09-10", "2026-10-10"])
def test_nothing_comes_near_a_limit_in_a_calm_month(start: str) -> None:
    """Limits of the shipped rules; months with ordinary rain, frost, and the beginning of heating."""
    source = district()
    at = instant(start)
    signals = run(source, Span(at, at + 30 * DAY), [], cut=1440)
    highest, lowest = signals.values.max(axis=1), signals.values.min(axis=1)
    limits = {"methane": 15, "h2s": 8, "well_temperature": 55, "ponding_depth": 5, "cover_open": 0, "cover_tilt": 10}
    pipes = {site.id: site.attributes.get("pipe_diameter") for site in source.sites}
    for sensor in source.sensors:
        assert highest[sensor.point] <= limits.get(sensor.metric, np.inf), sensor
        if sensor.metric == "oxygen":
            assert 20 < lowest[sensor.point] <= highest[sensor.point] < 21.5
        if sensor.metric == "sewer_level":
            assert highest[sensor.point] < pipes[sensor.device]
        domain = catalogue().domains["sentinel"].metrics[sensor.metric]
        if sensor.metric != "rain" and domain.kind == "number":
            assert domain.low <= lowest[sensor.point]
            assert highest[sensor.point] <= domain.high


def test_30_days_of_a_demo_are_made_in_seconds_and_a_live_minute_in_milliseconds() -> None:
    source = district(span=4000, streets=20, water_wells=27, drain_wells=19)
    at = instant("2026-07-01")
    happenings = [happening(faults.GasLeak(place="linhe-school-1"), at + 10 * DAY, at + 11 * DAY)]
    began = time.process_time()
    source.begin(at, happenings)
    for day in range(30):
        source.signals(Span(at + day * DAY, at + (day + 1) * DAY))
    assert time.process_time() - began < 15
    began = time.process_time()
    for minute in range(120):
        source.signals(Span(at + 30 * DAY + minute * MINUTE, at + 30 * DAY + (minute + 1) * MINUTE))
    assert (time.process_time() - began) / 120 < 0.005


def test_the_same_seed_gives_the_same_city_and_another_another() -> None:
    one, same, other = district(), district.__wrapped__(), district(seed=2)
    assert one.sites == same.sites
    assert one.sensors == same.sensors
    assert one.sites != other.sites
    span = Span(AT, AT + HOUR)
    np.testing.assert_array_equal(run(one, span, []).values, run(same, span, []).values)
    assert {site.id for site in one.sites} == {site.id for site in other.sites}


def test_streets_are_drawn_as_long_as_they_are() -> None:
    source = district()
    assert len(source.lines) > 1
    lengths = [float(distance(*start, *end)) for start, end in (line.coordinates for line in source.lines)]
    assert {line.kind for line in source.lines} == {"street"}
    assert max(lengths) == pytest.approx(min(lengths), rel=1e-3)
