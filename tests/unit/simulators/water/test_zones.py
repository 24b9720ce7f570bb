"""Zones as a source: cuts, restarts, faults and what there is."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from citybrain.catalogue.load import load
from simulators.model import DAY, HOUR, MINUTE, SECOND, Fault, Happening, SimulationError, Span, Times, Values
from simulators.water import faults
from simulators.water.zones import MOST_ZONES, WaterZones

from .conftest import block, context

START = 20_500 * DAY - 8 * HOUR  # a midnight of the city
NIGHT, NOON = START + 3 * HOUR, START + 12 * HOUR
MINUTES = np.arange(START, START + DAY, MINUTE)
PRESSURES = ("critical-1", "critical-2", "critical-3", "end-1", "end-2", "end-3")

Course = Callable[[str], Values]


def happening(fault: Fault, start: int, lasts: int) -> Happening:
    return Happening("test", fault, start, start + lasts)


def day(source: WaterZones, happenings: Sequence[Happening] = ()) -> Course:
    """What the named signals of the first zone are in each minute of a day."""
    source.begin(START, happenings)
    signals = source.signals(Span(START, START + DAY))
    zone = source._zones["linhe-1"]
    return lambda name: np.interp(MINUTES, signals.times, signals.values[zone.row(name)])


@pytest.fixture(scope="module")
def source() -> WaterZones:
    return block().build(context())


@pytest.fixture(scope="module")
def calm(source: WaterZones) -> Course:
    return day(source)


def during(start: int, lasts: int) -> Any:
    return (start <= MINUTES) & (start + lasts > MINUTES)


def fallen(course: Course, name: str) -> Values:
    """By how much it fell in five minutes."""
    values = course(name)
    return np.concatenate((np.zeros(5), values[:-5] - values[5:]))


def test_pipes_are_drawn_where_the_sites_are(source: WaterZones) -> None:
    lines = np.array([line.coordinates for line in source.lines])
    places = np.array([(site.longitude, site.latitude) for site in source.sites])
    assert len(lines) > 100
    assert {line.kind for line in source.lines} == {"pipe"}
    corners = lines.reshape(-1, 2)
    assert (corners.min(axis=0) - 1e-6 <= places.min(axis=0)).all()
    assert (corners.max(axis=0) + 1e-6 >= places.max(axis=0)).all()


# Time.


def at(times: Times, values: Values, instants: Times) -> Values:
    return np.array([np.interp(instants, times, row) for row in values])


def test_a_day_in_one_span_is_a_day_in_minutes(source: WaterZones) -> None:
    happenings = [
        happening(faults.Burst(place="linhe-1"), NIGHT + 90 * SECOND + 1, 2 * HOUR),
        happening(faults.PowerCut(place="linhe-1"), NOON, HOUR),
    ]
    source.begin(START, happenings)
    whole = source.signals(Span(START, START + DAY))
    source.begin(START, happenings)
    for minute in range(1440):
        span = Span(START + minute * MINUTE, START + (minute + 1) * MINUTE)
        part = source.signals(span)
        assert part.times[0] <= span.start
        assert part.times[-1] >= span.end
        for instant in (span.start, span.start + 31 * SECOND):
            instants = np.array([instant])
            assert at(part.times, part.values, instants) == pytest.approx(
                at(whole.times, whole.values, instants), abs=1e-9
            )


def test_a_start_in_the_middle_is_near_to_what_went_on(source: WaterZones, calm: Course) -> None:
    source.begin(NOON, [])
    signals = source.signals(Span(NOON, NOON + 6 * HOUR))
    zone = source._zones["linhe-1"]
    later = during(NOON + HOUR, 5 * HOUR)
    for name in PRESSURES:
        begun = np.interp(MINUTES[later], signals.times, signals.values[zone.row(name)])
        assert np.abs(begun - calm(name)[later]).max() < 0.02
    begun = np.interp(MINUTES[later], signals.times, signals.values[zone.row("inflow")])
    assert begun == pytest.approx(calm("inflow")[later], rel=0.03)


def test_the_seed_decides(calm: Course) -> None:
    assert (day(block().build(context()))("inflow") == calm("inflow")).all()
    assert (day(block().build(context(seed=2)))("inflow") != calm("inflow")).any()


# Calm days.


def test_a_calm_day_keeps_away_from_the_rules(calm: Course) -> None:
    for name in PRESSURES:
        assert calm(name).min() > 0.25
        assert calm(name).max() < 0.8
    lost = 1 - np.ptp(calm("sold")) / np.ptp(calm("supplied"))
    assert 0.075 < lost < 0.098
    night = during(START + 2 * HOUR, 2 * HOUR)
    assert 0.25 < calm("inflow")[night].min() / calm("inflow").mean() < 0.55
    for tap in ("tap-1", "tap-2", "tap-3", "tap-4"):
        assert calm(f"{tap}.chlorine").min() > 0.06
        assert calm(f"{tap}.turbidity").max() < 0.9
        assert 6.6 < calm(f"{tap}.ph").min() < calm(f"{tap}.ph").max() < 8.4


def test_the_supply_is_the_integral_of_the_inflow(calm: Course) -> None:
    assert np.ptp(calm("supplied")) == pytest.approx(calm("inflow").mean() * (24 - 1 / 60), rel=0.01)


# Faults.


@pytest.mark.parametrize("start", [NIGHT, NOON])
def test_a_burst_shows_within_a_minute(source: WaterZones, calm: Course, start: int) -> None:
    start += 130 * SECOND
    burst = day(source, [happening(faults.Burst(place="linhe-1"), start, 2 * HOUR)])
    soon = during(start + SECOND, MINUTE)
    assert fallen(burst, "critical-1")[soon].max() >= 0.10
    assert (burst("inflow") / calm("inflow"))[soon].max() >= 1.3
    before = start - 5 * MINUTE > MINUTES
    assert burst("critical-1")[before] == pytest.approx(calm("critical-1")[before], abs=1e-6)
    after = during(start + 4 * HOUR, 6 * HOUR)
    assert np.abs(burst("critical-1") - calm("critical-1"))[after].max() < 0.05


def test_hydrants_are_no_burst(source: WaterZones, calm: Course) -> None:
    draw = day(source, [happening(faults.LargeDraw(place="linhe-1"), NIGHT, 2 * HOUR)])
    assert (draw("inflow") / calm("inflow"))[during(NIGHT, 2 * HOUR)].max() > 1.3
    assert max(fallen(draw, name)[during(NIGHT, 2 * HOUR)].max() for name in PRESSURES[:3]) < 0.10


def test_a_leak_grows_and_is_not_sold(source: WaterZones, calm: Course) -> None:
    leak = day(source, [happening(faults.Leak(place="linhe-1", flow=30.0), START, DAY)])
    more = leak("inflow") - calm("inflow")
    assert more[60] < 3
    assert 20 < more[-30] < 45
    assert np.ptp(leak("sold")) == pytest.approx(np.ptp(calm("sold")), rel=0.01)
    assert np.ptp(leak("supplied")) > 1.08 * np.ptp(calm("supplied"))


def test_water_is_stolen_at_night(source: WaterZones, calm: Course) -> None:
    stolen = day(source, [happening(faults.IllegalDraw(place="linhe-1"), START, DAY)])
    more = stolen("inflow") - calm("inflow")
    assert more[during(START, 5 * HOUR - 5 * MINUTE)].min() > 20
    assert np.abs(more[during(NOON, HOUR)]).max() < 3


def test_a_closed_valve_leaves_the_end_dry(source: WaterZones) -> None:
    closed = day(source, [happening(faults.ValveClosed(place="linhe-1"), NOON, 2 * HOUR)])
    assert closed("end-1")[during(NOON + MINUTE, 2 * HOUR - 2 * MINUTE)].max() < 0.14
    assert closed("end-1")[during(NOON + 3 * HOUR, HOUR)].min() > 0.25


def test_without_power_no_pump_runs(source: WaterZones, calm: Course) -> None:
    cut = day(source, [happening(faults.PowerCut(place="linhe-1"), NOON, HOUR)])
    inside = during(NOON, HOUR - MINUTE)
    assert calm("pumps-1.running")[inside].min() == 1
    for signal in ("power", "running", "flow"):
        assert cut(f"pumps-1.{signal}")[inside].max() == pytest.approx(0, abs=0.01)
    assert (cut("pumps-1.power")[~during(NOON - MINUTE, HOUR + 2 * MINUTE)] == 1).all()
    failed = day(source, [happening(faults.PumpFailure(place="linhe-1"), NOON, HOUR)])
    assert failed("pumps-1.running")[inside].max() == 0
    assert failed("pumps-1.power").min() == 1


def test_a_flood_stops_the_pumps_after_a_while(source: WaterZones) -> None:
    fault = faults.Flooded.model_validate({"place": "linhe-1", "trips_after": "20m"})
    flooded = day(source, [happening(fault, NOON, HOUR)])
    assert flooded("pumps-1.flooded")[during(NOON, HOUR - MINUTE)].min() == 1
    assert flooded("pumps-1.running")[during(NOON, 19 * MINUTE)].min() == 1
    assert flooded("pumps-1.running")[during(NOON + 20 * MINUTE, 39 * MINUTE)].max() == 0
    assert flooded("pumps-1.flooded")[during(NOON + HOUR + MINUTE, HOUR)].max() == 0


def test_a_drifting_meter_leaves_the_water_alone(source: WaterZones, calm: Course) -> None:
    drift = day(source, [happening(faults.MeterDrift(place="linhe-1", rate=10.0), START, DAY)])
    assert drift("inflow")[720] == pytest.approx(calm("inflow")[720] * 1.05, rel=1e-6)
    assert np.ptp(drift("supplied")) / np.ptp(calm("supplied")) == pytest.approx(1.05, abs=0.01)
    for name in ("sold", "critical-1"):
        assert drift(name)[:-5] == pytest.approx(calm(name)[:-5], rel=1e-3)


def test_cloudy_water_comes_from_the_works_or_stays_at_a_tap(source: WaterZones, calm: Course) -> None:
    works = day(source, [happening(faults.Turbid(place="linhe-1"), NOON, 4 * HOUR)])
    assert works("works.turbidity")[during(NOON + HOUR, 3 * HOUR)].min() > 2.5
    assert works("tap-1.turbidity")[during(NOON, 4 * HOUR)].max() < 1  # It has not arrived.
    tap = day(source, [happening(faults.Turbid(place="linhe-1", tap=2), NOON, 4 * HOUR)])
    assert tap("tap-2.turbidity")[during(NOON + HOUR, 3 * HOUR)].min() > 2.5
    assert tap("tap-2.turbidity")[-60:].max() < 0.5
    assert tap("works.turbidity") == pytest.approx(calm("works.turbidity"), rel=1e-3)


# What there is.


def test_everything_that_a_zone_brings_is_in_the_catalogue() -> None:
    water = load(Path(__file__).parents[4]).domains["water"]
    source = block(zones="3").build(context())
    assert len({site.id for site in source.sites}) == len(source.sites) == len(source.devices)
    assert len({device.name for device in source.devices}) == len(source.devices)
    assert {site.kind for site in source.sites} <= water.site_kinds.keys()
    assert {name for site in source.sites for name in site.attributes} <= water.site_attributes.keys()
    assert {sensor.metric for sensor in source.sensors} <= water.metrics.keys()
    assert {sensor.device for sensor in source.sensors} == {device.name for device in source.devices}
    points = [sensor.point for sensor in source.sensors]
    assert len(set(points)) == len(points)
    assert source.places == {"linhe-1", "linhe-2", "linhe-3"}
    places = {(site.longitude, site.latitude) for site in source.sites}
    assert len(places) > 0.7 * len(source.sites)
    assert max(abs(longitude - 107.39) for longitude, _ in places) < 0.06


def test_a_larger_city_only_has_more() -> None:
    small, large = (block(zones="2").build(context(scale=scale)) for scale in (1, 2))
    assert [site.id for site in large.sites][: len(small.sites)] == [site.id for site in small.sites]
    assert large.sites[: len(small.sites)] == small.sites


def test_a_very_large_city_has_more_points_instead_of_zones() -> None:
    source = block(zones="2").build(context(scale=100))
    assert len(source.places) == MOST_ZONES
    assert len(source.devices) == pytest.approx(200 * 21, rel=0.2)


@pytest.mark.parametrize("kind", WaterZones.faults)
def test_subjects_are_sites_of_the_zone(kind: type[faults.WaterFault]) -> None:
    source = block(zones="2").build(context())
    subjects = source.subjects(kind(place="linhe-2"))
    assert subjects
    assert subjects <= {site.id for site in source.sites if site.attributes["zone"] == "linhe-2"}


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (faults.Burst(place="linhe-1", node="nowhere"), "no junction 'nowhere'"),
        (faults.Burst(place="linhe-1", pipe="1751"), "did you mean 175"),
        (faults.Burst(place="linhe-1", pipe="175", node="151"), "leave one"),
        (faults.ValveClosed(place="linhe-1", pipe="x"), "no open pipe 'x'"),
        (faults.PumpFailure(place="linhe-1", house=3), "2 pump houses"),
        (faults.PumpFailure(place="linhe-1", pump="335"), "expected one of 10"),
        (faults.Turbid(place="linhe-1", tap=9), "4 taps"),
    ],
)
def test_a_fault_where_there_is_nothing_says_what_there_is(source: WaterZones, fault: Fault, told: str) -> None:
    with pytest.raises(SimulationError, match=told):
        source.subjects(fault)


def test_faults_overlap(source: WaterZones) -> None:
    kinds = [kind(place="linhe-1") for kind in WaterZones.faults]
    happenings = [happening(kind, NOON + n * 7 * MINUTE, HOUR) for n, kind in enumerate(kinds)]
    course = day(source, happenings)
    assert all(np.isfinite(course(name)).all() for name in itertools.chain(PRESSURES, ("inflow", "supplied")))
