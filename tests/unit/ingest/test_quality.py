"""Quality flags against an interpreter that reads one reading at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citybrain.quality import Flag, judge
from citybrain.store.binary import Column
from citybrain.store.series import NO_TRAITS, TRAITS
from citybrain.store.state import SeriesState, advance

S = 1_000_000  # microseconds in a second
START = 1_795_226_400 * S
SCHEMA = {"series": pl.Int32, "time": pl.Int64, "value": pl.Float64, "received": pl.Int64, "quality": pl.Int16}


class Reading(NamedTuple):
    series: int
    time: int  # us
    value: float
    received: int  # us
    quality: int = 0


class Limits(NamedTuple):
    low: float = -math.inf
    high: float = math.inf
    max_step: float = math.inf
    stuck_us: float = math.inf
    interval_us: float = math.inf


@dataclass
class Plain:
    """One series, one reading at a time."""

    limits: Limits
    chain: list[tuple[int, float]] = field(default_factory=list)

    def flag(self, reading: Reading) -> int:
        limits = self.limits
        quality = reading.quality
        ahead = reading.time > reading.received + 60 * S
        late = bool(self.chain) and reading.time <= self.chain[-1][0]
        quality |= Flag.AHEAD * ahead | Flag.LATE * late
        quality |= Flag.OUT_OF_RANGE * (not limits.low <= reading.value <= limits.high)
        if not ahead and not late:
            if self.chain and reading.time - self.chain[-1][0] <= 3 * limits.interval_us:
                before = [value for _, value in self.chain[-2:]]
                quality |= Flag.STEP * all(abs(reading.value - value) > limits.max_step for value in before)
            self.chain.append((reading.time, reading.value))
            since = reading.time
            for time, value in reversed(self.chain):
                if value != reading.value or since - time > 3 * limits.interval_us:
                    break
                since = time
            quality |= Flag.STUCK * (reading.time - since >= limits.stuck_us)
        return int(quality)


def traits_of(limits: list[Limits]) -> Column:
    traits = np.full(len(limits), NO_TRAITS, TRAITS)
    for name in Limits._fields:
        traits[name] = [getattr(one, name) for one in limits]
    return traits


def judged(readings: list[Reading], limits: list[Limits], cuts: list[int]) -> list[int]:
    """The flags of `readings`, cut into batches before these positions, with the state carried along."""
    state = SeriesState()
    traits = traits_of(limits)
    flags: list[int] = []
    for start, end in zip([0, *cuts], [*cuts, len(readings)], strict=True):
        batch = pl.DataFrame(readings[start:end], schema=SCHEMA, orient="row")
        if not len(batch):
            continue
        series = batch["series"].to_numpy()
        stored = judge(batch, state.take(series), traits[series])
        flags += stored["quality"].to_list()
        state.put(advance(state, stored)[0])
    return flags


def flags_of(*readings: tuple[float, float], limits: Limits = Limits(), lag: float = 0) -> list[Flag]:  # noqa: B008
    """The flags of (seconds, value) that arrive on time, or `lag` seconds after their time."""
    rows = [Reading(0, START + round(at * S), value, START + round((at + lag) * S)) for at, value in readings]
    return [Flag(flags) for flags in judged(rows, [limits], [])]


GOOD = Flag(0)
STEPS = Limits(max_step=1, interval_us=60 * S)
values = st.sampled_from([0.0, -0.0, 1.0, 1.5, 5.0, -5.0, 20.0])
limits_of_series = st.builds(
    Limits,
    low=st.sampled_from([-math.inf, -4.0, 0.0]),
    high=st.sampled_from([math.inf, 5.0, 10.0]),
    max_step=st.sampled_from([math.inf, 0.0, 1.0, 4.0]),
    stuck_us=st.sampled_from([math.inf, 0.0, 60.0 * S, 120.0 * S]),
    interval_us=st.sampled_from([math.inf, 30.0 * S, 60.0 * S]),
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Limits], list[Reading]]:
    limits = draw(st.lists(limits_of_series, min_size=1, max_size=3))
    steps = draw(
        st.lists(
            # which series, its time against the arrival, the value, seconds until the next arrival
            st.tuples(
                st.integers(0, len(limits) - 1),
                st.sampled_from([0, 0, 0, -1, -30, -300, 59, 60, 61, 500]),
                values,
                st.sampled_from([0, 1, 29, 30, 60, 61, 181]),
            ),
            max_size=25,
        )
    )
    arrival = START
    readings: dict[tuple[int, int], Reading] = {}
    for series, offset, value, pause in steps:
        reading = Reading(series, arrival + offset * S, value, arrival, draw(st.sampled_from([0, int(Flag.NO_TIME)])))
        readings.setdefault((series, reading.time), reading)  # a key comes once: duplicates were sorted out before
        arrival += pause * S
    return limits, list(readings.values())


@settings(max_examples=120, deadline=None)
@given(histories(), st.data())
def test_any_cut_into_batches_gives_the_flags_of_the_plain_interpreter(
    history: tuple[list[Limits], list[Reading]], data: st.DataObject
) -> None:
    limits, readings = history
    plain = [Plain(one) for one in limits]
    expected = [plain[reading.series].flag(reading) for reading in readings]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(readings)), max_size=6)))
    assert judged(readings, limits, cuts) == expected
    assert judged(readings, limits, list(range(1, len(readings)))) == expected


def test_a_spike_is_a_step_and_the_return_from_it_is_none() -> None:
    assert flags_of((0, 5), (60, 5), (120, 9), (180, 5), limits=STEPS) == [GOOD, GOOD, Flag.STEP, GOOD]


def test_a_new_level_is_a_step_once() -> None:
    assert flags_of((0, 5), (60, 5), (120, 9), (180, 9), (240, 9), limits=STEPS) == [GOOD, GOOD, Flag.STEP, GOOD, GOOD]


def test_a_change_of_just_the_largest_step_is_none() -> None:
    assert flags_of((0, 5), (60, 6), (120, 7.001), limits=STEPS) == [GOOD, GOOD, Flag.STEP]


def test_after_a_long_pause_nothing_is_a_step() -> None:
    assert flags_of((0, 5), (60, 5), (240, 9), limits=STEPS) == [GOOD, GOOD, Flag.STEP]
    assert flags_of((0, 5), (60, 5), (241, 9), limits=STEPS) == [GOOD, GOOD, GOOD]


def test_the_second_reading_of_a_series_has_one_to_differ_from() -> None:
    assert flags_of((0, 5), (60, 9), limits=STEPS) == [GOOD, Flag.STEP]


def test_stuck_from_the_window_on_until_it_moves() -> None:
    limits = Limits(stuck_us=120 * S)
    assert flags_of((0, 5), (60, 5), (120, 5), (180, 5), (240, 6), limits=limits) == [
        GOOD,
        GOOD,
        Flag.STUCK,
        Flag.STUCK,
        GOOD,
    ]


def test_the_limits_of_range_are_plausible_themselves() -> None:
    limits = Limits(low=0, high=10)
    assert flags_of((0, 0), (1, 10), (2, -0.001), (3, 10.001), limits=limits) == [
        GOOD,
        GOOD,
        Flag.OUT_OF_RANGE,
        Flag.OUT_OF_RANGE,
    ]


def test_a_clock_ahead_neither_becomes_the_newest_nor_touches_its_neighbours() -> None:
    rows = [
        Reading(0, START, 5, START),
        Reading(0, START + 90 * S, 50, START + 29 * S),  # 61 s ahead of its arrival
        Reading(0, START + 60 * S, 5, START + 60 * S),
        Reading(0, START + 120 * S, 5, START + 60 * S),  # 60 s ahead is taken
    ]
    assert judged(rows, [STEPS], []) == [GOOD, Flag.AHEAD, GOOD, GOOD]


def test_late_readings_are_judged_by_range_only() -> None:
    rows = [Reading(0, START + at * S, value, START + 60 * S) for at, value in ((30, 5), (10, 9), (20, 99), (40, 5))]
    limits = STEPS._replace(high=10)
    late = int(Flag.LATE)
    assert judged(rows, [limits], []) == [GOOD, late, late | Flag.OUT_OF_RANGE, GOOD]


def test_what_came_in_with_a_flag_keeps_it() -> None:
    rows = [Reading(0, START, 5, START, int(Flag.NO_TIME)), Reading(0, START - S, 5, START, int(Flag.NO_TIME))]
    assert judged(rows, [Limits()], []) == [Flag.NO_TIME, Flag.NO_TIME | Flag.LATE]


@pytest.mark.parametrize(
    ("late_s", "lag_s"),
    [(0, 0), (0.9, 0), (1, 1), (-0.1, -1), (-60, -60), (32_767, 32_767), (40_000, 32_767), (-40_000, -32_768)],
)
def test_the_lag_is_in_whole_seconds_and_saturates(late_s: float, lag_s: int) -> None:
    row = Reading(0, START, 5, START + round(late_s * S))
    new = pl.DataFrame([row], schema=SCHEMA, orient="row")
    stored = judge(new, SeriesState().take(np.array([0])), traits_of([Limits()]))
    assert stored["lag_s"].to_list() == [lag_s]
    assert stored.columns == [*SCHEMA, "lag_s", "same_since"]
