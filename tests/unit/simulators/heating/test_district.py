from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
import pytest

from citybrain.derived.heating_curve import DESIGN, hourly
from simulators.heating import faults
from simulators.heating.district import District
from simulators.heating.substation import HEAT_CAPACITY, TIGHTNESS, Design
from simulators.model import DAY, HOUR, MINUTE, Happening, Signals, SimulationError, Span, Values

from .conftest import AT, Course, happening, run

Make = Callable[..., District]


@pytest.fixture(scope="module")
def district(make: Make) -> District:
    return make()


@pytest.fixture(scope="module")
def calm(district: District) -> Course:
    return run(district, 36)


def cut(district: District, start: int, end: int, step: int, happenings: Sequence[Happening]) -> Signals:
    """The columns of all spans together, each once."""
    district.begin(start, happenings)
    columns: dict[int, Values] = {}
    for at in range(start, end, step):
        found = district.signals(Span(at, min(at + step, end)))
        assert found.times[0] <= at
        assert found.times[-1] >= min(at + step, end)
        columns |= zip(found.times.tolist(), found.values.T, strict=True)
    return Signals(np.array(sorted(columns)), np.array([columns[time] for time in sorted(columns)]).T)


def test_time_is_the_same_however_it_is_cut(district: District) -> None:
    happenings = [
        happening(faults.PowerCut(place="east", station="2"), 3.021, 5.513),
        happening(faults.ColdDwelling(place="east", station="3", dwelling=2), 1, 9),
        happening(faults.ValveStuck(place="east", station="4"), 2.5, 7),
    ]
    whole = cut(district, AT, AT + 8 * HOUR, 8 * HOUR, happenings)
    for step in (MINUTE, 3 * HOUR):
        pieces = cut(district, AT, AT + 8 * HOUR, step, happenings)
        assert np.array_equal(pieces.times, whole.times)
        assert np.array_equal(pieces.values, whole.values)


def test_beginning_in_the_middle_gives_nearly_the_same(district: District, calm: Course) -> None:
    start = AT + DAY + 3 * MINUTE
    district.begin(start, [])
    found = district.signals(Span(start, AT + 36 * HOUR))
    same = np.isin(calm.times, found.times)
    away = np.abs(found.values - calm.values[:, same]).max(axis=1)
    energy = [district.points.station("heat_energy", station) for station in range(6)]
    assert np.delete(away, energy)[: 10 * 6].max() < 0.5  # valves in %, temperatures in K
    assert away[district.points.dwelling(0, 0) : district.points.dwelling(6, 0)].max() < 0.05


def test_heat_from_the_exchangers_goes_into_the_rooms_and_the_water_between(calm: Course) -> None:
    """Secondary side: what the flow takes up is the power, and the rooms' balance closes."""
    plant = calm.district.plant
    supply, back, power = (calm.stations(metric) for metric in ("supply_temp", "return_temp", "heat_power"))
    flow = plant.power / Design().spread  # MW/K
    taken = flow[:, None] * (supply[:, 1:] - back[:, :-1])
    assert taken == pytest.approx(power[:, 1:], rel=1e-9)
    into_rooms = flow[:, None] * (supply - back)[:, 1:]
    stored = flow[:, None] * np.diff(back)
    assert power[:, 1:].sum(axis=1) == pytest.approx((into_rooms + stored).sum(axis=1), rel=1e-9)


def test_what_the_primary_side_loses_is_what_the_secondary_side_gains(calm: Course) -> None:
    plant = calm.district.plant
    hot, cold, power = (
        calm.stations(metric) for metric in ("primary_supply_temp", "primary_return_temp", "heat_power")
    )
    mass = power / (HEAT_CAPACITY * (hot - cold))  # kg/s
    source = calm.source("flow") * 0.958 / 3.6
    assert mass.sum(axis=0) == pytest.approx(source, rel=1e-9)
    lost = calm.source("heat_power") - power.sum(axis=0)
    assert np.all(lost > 0)
    assert np.all(lost < 0.05 * calm.source("heat_power"))
    assert np.all(hot < calm.source("primary_supply_temp"))
    assert len(plant.networks) == 1


def test_the_meter_counts_the_power(calm: Course) -> None:
    power, energy = calm.stations("heat_power"), calm.stations("heat_energy")
    counted = (power[:, 1:] + power[:, :-1]) / 2 * np.diff(calm.times) / 1e6 / 1e3  # GJ
    assert np.diff(energy) == pytest.approx(counted, rel=1e-9)


def test_the_platform_sees_no_deviation_from_the_curve(calm: Course) -> None:
    readings = pl.DataFrame(
        {
            "station": 0,
            "time": calm.times,
            "region": "r",
            "supply_temp": calm.station("supply_temp"),
            "outdoor_temp": calm.values[calm.district.points.outdoor],
        }
    )
    empty = {name: pl.lit(None, pl.Float64) for name in DESIGN}
    away = hourly(readings.with_columns(**empty), "Asia/Shanghai")["value"].to_numpy()[12:]
    assert np.abs(away).max() < 1


def test_in_calm_rooms_are_warm_and_nothing_stands_out(calm: Course) -> None:
    points = calm.district.points
    rooms = calm.values[points.dwelling(0, 0) : points.dwelling(6, 0)]
    assert rooms.min() > 18.3
    assert rooms.max() < 25
    back = calm.stations("return_temp")
    assert np.abs(back - np.median(back, axis=0)).max() < 2
    assert 20 < calm.stations("valve_opening").min() < calm.stations("valve_opening").max() < 90


def test_out_of_season_all_stands_still(make: Make) -> None:
    july = AT + 180 * DAY
    district = make()
    district.begin(july, [])
    course = Course(district, district.signals(Span(july, july + DAY)))
    assert not course.stations("pump_running").any()
    assert not course.stations("flow").any()
    assert not course.stations("heat_power").any()
    assert not course.source("heat_power").any()
    assert 10 < course.stations("supply_temp").min() < course.stations("primary_supply_temp").max() < 40


def test_pumps_start_before_the_season_and_stop_at_its_end(district: District) -> None:
    for start, expected in (("2026-10-07T00:00", [0, 1]), ("2027-04-15T00:00", [1, 0])):
        at = int(np.datetime64(start, "us").astype(np.int64)) - 8 * HOUR
        district.begin(at, [])
        course = Course(district, district.signals(Span(at, at + 2 * DAY)))
        running = course.station("pump_running")
        assert running[course.times < at + DAY].tolist() == [expected[0]] * (DAY // (5 * MINUTE))
        assert set(running[course.times >= at + DAY]) == {expected[1]}
        assert np.isfinite(course.values).all()


@pytest.fixture(scope="module")
def struck(district: District) -> Course:
    """Six faults at six stations, from the sixth hour to the eighteenth; station 6 is a branch of its own."""
    troubles: list[faults.StationFault] = [
        faults.FouledExchanger.model_validate({"place": "east", "station": "1", "growth": "2h"}),
        faults.PipeLeak(place="east", station="2", flow=2),
        faults.ValveStuck(place="east", station="3", opening=100),
        faults.PumpStopped(place="east", station="4"),
        faults.ColdDwelling(place="east", station="5", dwelling=4, by=6),
        faults.Imbalance(place="east", station="6", share=0.2),
    ]
    return run(district, 30, [happening(fault, 6, 18) for fault in troubles])


def test_before_a_fault_all_is_as_without_it(struck: Course, calm: Course) -> None:
    before = struck.hours < 6
    assert np.array_equal(struck.values[:, before], calm.values[:, : before.sum()])


def test_a_fouled_exchanger_opens_its_valve_and_then_falls_behind(struck: Course, calm: Course) -> None:
    late = struck.between(12, 17.9)
    assert np.all(struck.station("valve_opening", 1)[late] > 99)
    colder = calm.station("supply_temp", 1)[: len(struck.times)] - struck.station("supply_temp", 1)
    assert np.all(colder[late] > 3)
    assert np.abs(colder[struck.between(20, 30)]).max() < 1
    warmer = struck.station("primary_return_temp", 1) - calm.station("primary_return_temp", 1)[: len(struck.times)]
    assert np.all(warmer[late] > 10)


def test_a_leak_takes_make_up_water_and_pressure(struck: Course, calm: Course, district: District) -> None:
    makeup, pressure = struck.station("makeup_flow", 2), struck.station("return_pressure", 2)
    during = struck.between(9, 17.9)
    out = 2.0 + TIGHTNESS * district.plant.circulation[1]
    assert makeup[during] == pytest.approx(out * np.sqrt(pressure[during] / district.plant.pressure[1]), rel=1e-3)
    assert np.all(pressure[during] < pressure[0] - 0.02)
    assert pressure[struck.between(20, 30)] == pytest.approx(pressure[0], abs=1e-3)
    others = np.delete(struck.stations("makeup_flow"), 1, axis=0)
    assert np.array_equal(others, np.delete(calm.stations("makeup_flow"), 1, axis=0)[:, : len(struck.times)])


def test_a_valve_that_is_stuck_open_warms_above_the_curve(struck: Course, calm: Course) -> None:
    during = struck.between(7, 17.9)
    assert struck.station("valve_opening", 3)[during] == pytest.approx(100)
    away = struck.station("supply_temp", 3) - calm.station("supply_temp", 3)[: len(struck.times)]
    assert np.all(away[during] > 3)


def test_a_valve_that_is_stuck_nearly_closed_cools_below_it(district: District, calm: Course) -> None:
    course = run(district, 8, [happening(faults.ValveStuck(place="east", station="1", opening=15), 2, 8)])
    away = course.station("supply_temp", 1) - calm.station("supply_temp", 1)[: len(course.times)]
    assert np.all(away[course.between(3, 7.9)] < -10)


def test_a_stopped_pump_takes_flow_and_heat_and_rooms_cool_by_their_exponential(
    struck: Course, district: District
) -> None:
    stopped = (struck.hours >= 6) & (struck.hours < 18)
    assert np.array_equal(struck.station("pump_running", 4) == 0, stopped)
    during = struck.between(6.1, 17.9)
    assert not struck.station("flow", 4)[during].any()
    assert not struck.station("heat_power", 4)[during].any()
    assert struck.station("mains_power", 4).all()
    # By hand: dT/dt = -(loss (T - outdoor) - 35 gains) / tau, from the sixth hour to sunrise.
    buildings, room = district.plant.buildings, struck.dwelling(4, 2)
    loss, tau, gains = buildings.loss[3, 2], buildings.inertia[3, 0], buildings.gains[3, 2]
    steps = np.flatnonzero(struck.between(6, 7.5))
    expected = room[steps[0]]
    for outdoor in struck.values[district.points.outdoor][steps[1:]]:
        end = outdoor + 35 * gains / loss
        expected = end + (expected - end) * np.exp(-loss / tau / 12)
    assert room[steps[-1]] == pytest.approx(expected, abs=1e-6)
    assert np.all(np.diff(room[struck.between(6, 18)]) < 0)
    assert room[-1] > room[struck.between(17.9, 18.1)].max()


def test_an_open_window_cools_one_room(struck: Course, calm: Course, district: District) -> None:
    rooms = slice(district.points.dwelling(4, 0), district.points.dwelling(5, 0))
    colder = calm.values[rooms, : len(struck.times)] - struck.values[rooms]
    away = colder[3] - colder[:3].mean(axis=0)  # The other rooms feel only what happens in the network.
    assert away[struck.between(11, 17.9)] == pytest.approx(6, abs=0.1)
    assert away[struck.between(6.99, 7.01)] == pytest.approx(6 * (1 - np.exp(-1)), abs=0.1)  # One hour: its constant
    assert away[struck.between(26, 30)] == pytest.approx(0, abs=0.1)


def test_a_throttled_branch_returns_cold(struck: Course, district: District) -> None:
    assert district.plant.networks[0].pipes.branch("6").tolist() == [False] * 5 + [True]
    back = struck.stations("return_temp")
    away = (back - np.median(back[[0, 1, 2, 4]], axis=0))[:, struck.between(8, 17.9)]
    assert np.all(away[5] < -5)
    assert np.all(np.abs(away[1]) < 4)


def test_a_power_cut_also_stops_the_make_up_pump_and_is_seen_at_its_very_instant(district: District) -> None:
    course = run(district, 8, [happening(faults.PowerCut(place="east", station="2"), 3.021, 5.513)])
    power = course.station("mains_power", 2)
    dark = np.flatnonzero(power == 0)
    assert course.times[dark[0]] == AT + int(3.021 * HOUR)
    assert course.times[dark[-1] + 1] == AT + int(5.513 * HOUR)
    assert np.array_equal(power, course.station("pump_running", 2))
    assert not course.station("makeup_flow", 2)[course.between(3.2, 5.4)].any()
    pressure = course.station("return_pressure", 2)
    assert pressure[course.between(5.4, 5.5)].max() < pressure[0] - 0.02
    assert course.station("mains_power", 1).all()


def test_a_failing_source_leaves_all_its_stations_cold(district: District, calm: Course) -> None:
    course = run(district, 12, [happening(faults.SourceFailure(place="east", by=30), 2, 12)])
    during = course.between(5, 11.9)
    fallen = calm.source("primary_supply_temp")[: len(course.times)] - course.source("primary_supply_temp")
    assert fallen[during] == pytest.approx(30, abs=1)
    colder = calm.stations("supply_temp")[:, : len(course.times)] - course.stations("supply_temp")
    assert np.all(colder[:, during].max(axis=1) > 3)


def test_an_incident_can_be_seen_where_it_takes_heat_water_or_warmth(district: District) -> None:
    station = "sim-heating-east-s02"
    homes = {f"{station}-d{number:02}" for number in range(1, 5)}
    assert district.subjects(faults.PipeLeak(place="east", station="2")) == {station}
    assert district.subjects(faults.PumpStopped(place="east", station="2")) == {station} | homes
    assert district.subjects(faults.ColdDwelling(place="east", station="2", dwelling=3)) == {f"{station}-d03"}
    everything = district.subjects(faults.SourceFailure(place="east"))
    assert everything == {site.id for site in district.sites if site.kind != "weather_station"}
    branch = district.plant.networks[0].pipes.branch("1")
    stations = {site for site in district.subjects(faults.Imbalance(place="east", station="1")) if "-d" not in site}
    assert len(stations) == branch.sum()


def test_a_station_or_dwelling_that_is_not_there_is_told(district: District) -> None:
    with pytest.raises(SimulationError, match=r"no station '9' in the network east: expected one of 1, 2, 3, 4, 5, 6"):
        district.subjects(faults.PumpStopped(place="east", station="9"))
    with pytest.raises(SimulationError, match=r"no dwelling 5 at station 2 of the network east: expected 1 to 4"):
        district.subjects(faults.ColdDwelling(place="east", station="2", dwelling=5))


def test_another_seed_is_another_city(make: Make, calm: Course) -> None:
    other = run(make(seed=8), 1)
    assert not np.allclose(other.stations("heat_power")[:, 0], calm.stations("heat_power")[:, 0])
