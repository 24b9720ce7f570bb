from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citybrain.catalogue.model import Catalogue, Domain, Metric, Site, Text
from simulators.faults import Calibration, Drift, InstrumentFault, Offset, Silent, Spikes, Stuck
from simulators.instruments import SCHEMA, Instruments, subjects
from simulators.model import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Fault,
    Happening,
    Sensor,
    Signals,
    SimulatedDevice,
    SimulationError,
    Span,
    Values,
)
from simulators.sampling import Changes, Urgent

START = int(datetime(2026, 1, 15, tzinfo=UTC).timestamp()) * SECOND
STEP = 5 * MINUTE


def metric(name: str, minutes: float | None, **others: object) -> Metric:
    interval = None if minutes is None else timedelta(minutes=minutes)
    return Metric("things", name, Text(name, name), interval=interval, **others)  # type: ignore[arg-type]


METRICS = {
    "fast": metric("fast", 1),
    "slow": metric("slow", 15),
    "hour": metric("hour", 60),
    "day": metric("day", 1440),
    "door": metric("door", None, kind="boolean", reports="change"),
    "mode": metric("mode", 10, kind="boolean"),
}
CATALOGUE = Catalogue({}, {"things": Domain("things", Text("物", "Things"), METRICS)}, {}, {})


def wave(times: np.ndarray, row: int) -> Values:
    return np.asarray(10 + row + 5 * np.sin(2 * np.pi * times / (7 * HOUR) + row))


@dataclass
class Things:
    """Point 0 and 1: waves; 2: grows by 12 an hour; 3: a door that is open in every fifth half hour; 4: always 7."""

    sensors: Sequence[Sensor]
    domain: ClassVar[str] = "things"
    faults: ClassVar[Sequence[type[Fault]]] = ()
    places: Collection[str] = ()
    sites: Sequence[Site] = ()
    devices: Sequence[SimulatedDevice] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = dict.fromkeys(sensor.device for sensor in self.sensors)
        self.devices = [SimulatedDevice(name, f"site-{name}") for name in names]

    def subjects(self, fault: Fault) -> frozenset[str]:
        return frozenset()

    def begin(self, at: int, happenings: Sequence[Happening]) -> None: ...

    def signals(self, span: Span) -> Signals:
        times = np.arange(span.start // STEP * STEP, -(-span.end // STEP) * STEP + 1, STEP)
        grown = (times - START) / HOUR * 12
        door = (times // (30 * MINUTE) % 5 == 0).astype(float)
        return Signals(times, np.array([wave(times, 0), wave(times, 1), grown, door, np.full(len(times), 7.0)]))


def read(
    sensors: Sequence[Sensor], ends: Sequence[int], happenings: Sequence[Happening] = (), start: int = START
) -> pl.DataFrame:
    """The readings of spans that end so, with the metric's name."""
    source = Things(sensors)
    instruments = Instruments([source], CATALOGUE, seed=5, offset=8 * HOUR, happenings=happenings)
    frames = []
    for end in ends:
        span = Span(start, end)
        frames.append(instruments.read(0, span, source.signals(span)))
        start = end
    names = dict(enumerate(metric.name for metric in instruments.metrics))
    return (
        pl.concat(frames)
        .with_columns(metric=pl.col("metric").cast(pl.Int64).replace_strict(names, return_dtype=pl.String))
        .sort("device", "metric", "due", "time")
    )


SENSORS = [
    Sensor("a", "fast", 0, noise=0.1, resolution=0.01),
    Sensor("a", "slow", 1, noise=0.2, resolution=0.5),
    Sensor("b", "slow", 0, reads="mean", noise=0.1),
    Sensor("b", "hour", 2, reads="increase", starts=True),
    Sensor("c", "day", 2, reads="increase", starts=True),
    Sensor("c", "door", 3),
    Sensor("d", "mode", 3),
    Sensor("d", "slow", 0, urgent=0.7, noise=0.1),
    Sensor("e", "slow", 3, reads="held", urgent=0.5),
]
FAULTS: list[InstrumentFault] = [
    Drift(place="a", metric="fast", per_day=3),
    Stuck(place="b", metric="slow"),
    Silent(place="d", metric="slow"),
    Spikes(place="a", metric="slow", height=50),
]
HAPPENINGS = [Happening(fault.name, fault, START + 5 * HOUR, START + 9 * HOUR) for fault in FAULTS]


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(START + 1, START + 30 * HOUR - 1), unique=True, max_size=12))
def test_however_time_is_cut_the_readings_are_the_same(cuts: list[int]) -> None:
    whole = read(SENSORS, [START + 30 * HOUR], HAPPENINGS)
    cut = read(SENSORS, [*sorted(cuts), START + 30 * HOUR], HAPPENINGS)

    assert cut.drop("value").equals(whole.drop("value"))
    assert np.allclose(cut["value"], whole["value"], rtol=0, atol=1e-9)


def test_minute_by_minute_is_the_same_too() -> None:
    whole = read(SENSORS, [START + 4 * HOUR], HAPPENINGS)
    cut = read(SENSORS, range(START + MINUTE, START + 4 * HOUR + 1, MINUTE), HAPPENINGS)

    assert cut.drop("value").equals(whole.drop("value"))
    assert np.allclose(cut["value"], whole["value"], rtol=0, atol=1e-9)


def test_columns() -> None:
    source = Things(SENSORS)
    instruments = Instruments([source], CATALOGUE, seed=5, offset=8 * HOUR)

    frame = instruments.read(0, Span(START, START + HOUR), source.signals(Span(START, START + HOUR)))

    assert frame.schema == pl.Schema(SCHEMA)
    assert [device.name for device in instruments.devices] == ["a", "b", "c", "d", "e"]


def test_spans_are_half_open_and_metrics_of_a_device_share_their_instants() -> None:
    found = read([Sensor("a", "fast", 0), Sensor("a", "slow", 0), Sensor("b", "fast", 0)], [START + HOUR])

    times = {key: set(part["time"]) for key, part in found.group_by("device", "metric")}
    assert [len(times[key]) for key in [(0, "fast"), (0, "slow"), (1, "fast")]] == [60, 4, 60]
    assert times[0, "slow"] < times[0, "fast"]
    assert {time % MINUTE for time in times[0, "fast"]} != {time % MINUTE for time in times[1, "fast"]}
    assert all(time % SECOND == 0 and START <= time < START + HOUR for time in times[0, "fast"])


def test_hours_begin_with_the_hour_and_days_at_midnight_of_the_city() -> None:
    sensors = [
        Sensor("a", "hour", 2, reads="increase", starts=True),
        Sensor("a", "day", 2, reads="increase", starts=True),
    ]
    found = read(sensors, [START + 3 * DAY])

    hours, days = found.filter(metric="hour"), found.filter(metric="day")
    assert hours["due"].to_list() == list(range(START + HOUR, START + 3 * DAY, HOUR))
    assert (hours["due"] - hours["time"]).unique().to_list() == [HOUR]
    assert np.allclose(hours["value"], 12)
    assert days["due"].to_list() == [START + DAY + 16 * HOUR, START + 2 * DAY + 16 * HOUR]
    assert np.allclose(days["value"], 288)


def test_an_instant_is_interpolated_a_state_is_held() -> None:
    found = read([Sensor("a", "fast", 0), Sensor("a", "mode", 3, noise=3)], [START + 5 * HOUR])

    fast = found.filter(metric="fast")
    assert np.allclose(fast["value"], wave(fast["time"].to_numpy(), 0), atol=0.01)
    mode = found.filter(metric="mode")
    assert mode["value"].to_list() == (mode["time"].to_numpy() // (30 * MINUTE) % 5 == 0).astype(float).tolist()


def test_a_mean_is_that_of_the_interval_before() -> None:
    found = read([Sensor("a", "slow", 0, reads="mean")], [START + 6 * HOUR])

    end = found["time"].to_numpy()
    turn = 2 * np.pi / (7 * HOUR)
    exact = 10 - 5 * (np.cos(turn * end) - np.cos(turn * (end - 15 * MINUTE))) / turn / (15 * MINUTE)
    assert len(found) == 23
    assert np.allclose(found["value"], exact, atol=0.01)


def test_what_reports_on_change_says_each_change_once_and_each_day_that_it_lives() -> None:
    found = read([Sensor("a", "door", 3), Sensor("b", "door", 4)], [START + 2 * DAY])

    door, steady = found.filter(device=0), found.filter(device=1)
    changes = [time for time in range(START, START + 2 * DAY, 30 * MINUTE) if time // (30 * MINUTE) % 5 < 2]
    daily = set(door["time"]) - set(changes)
    assert set(door["time"]) >= set(changes[1:])
    assert len(daily - {START}) == 2
    assert door["value"].to_list() == (door["time"].to_numpy() // (30 * MINUTE) % 5 == 0).astype(float).tolist()
    assert door.filter("urgent")["time"].to_list() == [time for time in changes if time > START]
    assert not steady["urgent"].any()
    assert len(steady) == 3
    assert steady["time"][0] == START
    assert steady["time"][2] - steady["time"][1] == DAY


def test_the_urgent_is_read_at_once_but_a_small_move_at_the_interval_only() -> None:
    plain = read([Sensor("a", "slow", 3, reads="held")], [START + DAY])
    urgent = read([Sensor("a", "slow", 3, reads="held", urgent=0.5)], [START + DAY])
    lazy = read([Sensor("a", "slow", 3, reads="held", urgent=1.5)], [START + DAY])

    extra = urgent.join(plain, on=["device", "time"], how="anti")["time"].to_numpy()
    assert lazy.equals(plain)
    assert len(extra) == len([time for time in range(START, START + DAY, 30 * MINUTE) if time // (30 * MINUTE) % 5 < 2])
    assert (extra // (30 * MINUTE) % 5 < 2).all()
    assert (extra % (30 * MINUTE) == 0).all()
    assert urgent.filter("urgent")["time"].to_list() == extra.tolist()
    assert not plain["urgent"].any()


def test_the_urgent_is_read_at_most_once_a_minute() -> None:
    times = np.arange(START, START + 10 * MINUTE + 1, 10 * SECOND)
    steep = Signals(times, np.arange(len(times), dtype=float)[None])
    one, phase = np.zeros(1, np.int64), np.array([30 * SECOND])
    reader = Urgent(one, one, HOUR, phase, np.array([2.0]), steps=False)

    found = reader.read(Span(START, START + 10 * MINUTE), steep)

    # It has moved by 2 at 20 s; at 30 s the interval's reading is due, so that it has moved again at 50 s.
    assert ((found.time - START) / SECOND).tolist() == [20 + 60 * number for number in range(10)]
    assert np.allclose(found.value, (found.time - START) / SECOND / 10)


def test_a_change_on_the_daily_reading_is_one_reading() -> None:
    times = np.arange(START, START + DAY + 1, HOUR)
    door = Signals(times, (times >= START + 5 * HOUR)[None].astype(float))
    one = np.zeros(1, np.int64)

    found = Changes(one, one, np.array([5 * HOUR])).read(Span(START, START + DAY), door)

    assert found.time.tolist() == [START, START + 5 * HOUR]
    assert found.value.tolist() == [0, 1]
    assert found.urgent.tolist() == [False, True]


def test_noise_resolution_and_the_ends_of_the_display() -> None:
    found = read([Sensor("a", "fast", 4, noise=0.5, resolution=0.001, least=6.5, most=7.2)], [START + 2 * DAY])

    value = found["value"].to_numpy()
    assert [value.min(), value.max()] == [6.5, 7.2]
    assert all(value == np.array([float(f"{one:.3f}") for one in value]))
    wide = read([Sensor("a", "fast", 4, noise=0.5, resolution=5)], [START + 2 * DAY])
    assert set(wide["value"]) <= {5.0, 10.0}
    free = read([Sensor("a", "fast", 4, noise=0.5)], [START + 10 * DAY])["value"].to_numpy()
    assert free.mean() == pytest.approx(7, abs=0.02)
    assert free.std() == pytest.approx(0.5, rel=0.03)


def during(fault: InstrumentFault, sensor: Sensor) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The readings with a fault of six hours, within it; and what they would have been. Without, they are equal."""
    happening = Happening("it", fault, START + 6 * HOUR, START + 12 * HOUR)
    found, well = read([sensor], [START + DAY], [happening]), read([sensor], [START + DAY])
    within = (pl.col("due") >= happening.start) & (pl.col("due") < happening.end)
    assert found.filter(~within).equals(well.filter(~within))
    return found.filter(within), well.filter(within)


FAST = Sensor("a", "fast", 0, noise=0.1)
OF = {"place": "a", "metric": "fast"}


def test_a_drift_grows() -> None:
    found, well = during(Drift(**OF, per_day=24), FAST)

    gained = (found["value"] - well["value"]).to_numpy()
    assert np.allclose(gained, (found["time"].to_numpy() - START - 6 * HOUR) / HOUR)


def test_an_offset_is_constant() -> None:
    found, well = during(Offset(**OF, by=-2), FAST)

    assert np.allclose(found["value"] - well["value"], -2)


def test_spikes_come_as_often_as_said() -> None:
    found, well = during(Spikes(**OF, per_hour=6, height=100), FAST)

    leapt = (found["value"] - well["value"]).to_numpy().round(6)
    assert set(leapt) == {0.0, 100.0}
    assert 15 <= (leapt == 100).sum() <= 60


def test_what_is_stuck_repeats_its_first_reading() -> None:
    found, well = during(Stuck(**OF), FAST)

    assert found["value"].to_list() == [well["value"][0]] * 360


def test_what_is_silent_gives_nothing() -> None:
    found, well = during(Silent(**OF), FAST)

    assert (len(found), len(well)) == (0, 360)


def test_a_calibration_shows_its_gas() -> None:
    found, _ = during(Calibration(**OF, span=80), FAST)

    assert found["value"].to_numpy() == pytest.approx(80, abs=0.7)


def test_a_fault_of_an_instrument_shows_at_the_site_of_its_device() -> None:
    sources = [Things([FAST]), Things([Sensor("b", "slow", 0)])]

    assert subjects(Stuck(place="b", metric="slow"), sources) == {"site-b"}


@pytest.mark.parametrize(
    ("place", "metric", "text"),
    [
        ("boiler-2", "slow", "there is no device 'boiler-2'; did you mean boiler-1?"),
        ("boiler-1", "fast", "boiler-1 doesn't measure 'fast', but slow"),
    ],
)
def test_a_fault_of_no_instrument_is_an_error(place: str, metric: str, text: str) -> None:
    with pytest.raises(SimulationError, match="^" + text.replace("?", r"\?") + "$"):
        subjects(Stuck(place=place, metric=metric), [Things([Sensor("boiler-1", "slow", 0)])])


def test_devices_and_metrics_are_counted_over_all_sources() -> None:
    first, second = Things([FAST, Sensor("a2", "slow", 0)]), Things([Sensor("b", "slow", 0)])
    instruments = Instruments([first, second], CATALOGUE, seed=5, offset=8 * HOUR)

    span = Span(START, START + HOUR)
    found = instruments.read(1, span, second.signals(span))

    assert found["device"].unique().to_list() == [2]
    assert [instruments.metrics[number].name for number in found["metric"].unique()] == ["slow"]
