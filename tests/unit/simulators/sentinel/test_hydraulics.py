from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.sentinel import hydraulics
from simulators.sentinel.hydraulics import Sewers, Water


def node(**fields: float) -> Sewers:
    given = {
        "area": 2.0,
        "runoff": 0.7,
        "concentration": 600.0,
        "diameter": 0.4,
        "slope": 0.003,
        "cover": 2.0,
        "chamber": 30.0,
        "sides": 0.02,
        "dry": 0.1,
    }
    return Sewers(**{name: np.array([value]) for name, value in (given | fields).items()})


def minutes(rain: list[float], sewers: Sewers, free: float = 1.0) -> tuple[Water, np.ndarray, np.ndarray, np.ndarray]:
    water = Water.none(1)
    found = sewers.run(water, np.array([rain]), np.ones(len(rain)), np.full((1, len(rain)), free), 60.0)
    return water, *(values[0] for values in found)


def test_a_full_pipe_carries_what_manning_says() -> None:
    # By hand: A = pi/4 = 0.785398 m2, R = 0.25 m, R^(2/3) = 0.396850, sqrt(0.0025) = 0.05, n = 0.013.
    flow = hydraulics.full_flow(np.array([1.0]), np.array([0.0025]))
    assert flow[0] == pytest.approx(0.785398 * 0.396850 * 0.05 / 0.013, rel=1e-5)


def test_the_pipe_that_is_laid_carries_the_flow_and_the_next_smaller_one_does_not() -> None:
    flow, slope = np.linspace(0.07, 2, 60), np.full(60, 0.004)
    pipe = hydraulics.pipe_for(flow, slope)
    assert (hydraulics.full_flow(pipe, slope) >= flow * (1 - 1e-6)).all()
    assert (hydraulics.full_flow(pipe - 0.1, slope) < flow).all()


@pytest.mark.parametrize(("share", "depth"), [(0.0, 0.0), (0.5, 0.5), (1.0, hydraulics.FULL)])
def test_a_pipe_that_carries_half_of_its_full_flow_is_half_full(share: float, depth: float) -> None:
    assert hydraulics.filling(np.array([share]))[0] == pytest.approx(depth, abs=2e-3)


def test_steady_rain_runs_off_by_the_rational_method() -> None:
    sewers = node(diameter=1.0, dry=0.0)
    _, _, flow, _ = minutes([20.0] * 120, sewers)
    assert flow[-1] == pytest.approx(0.7 * 20 * 2 / 360 * 3600, rel=1e-4)  # psi i A, in m3/h
    assert flow[9] == pytest.approx(flow[-1] * (1 - np.exp(-9.5 * 60 / 600)), rel=0.01)  # mean of the tenth minute


def test_a_pond_is_a_cone() -> None:
    sewers = node(sides=0.02)
    above = np.pi * 0.3**3 / (3 * 0.02**2)
    assert sewers.depth(sewers.below + above)[0] == pytest.approx(0.3)
    assert sewers.depth(sewers.below)[0] == 0


@given(st.lists(st.floats(0, 120), min_size=1, max_size=90), st.floats(0, 1))
def test_no_water_of_a_low_point_is_lost(rain: list[float], free: float) -> None:
    sewers = node()
    water, _, flow, _ = minutes(rain, sewers, free)
    fallen = 0.7 * sum(rain) / 360 * 2 * 60
    dry = 0.1 * sewers.capacity[0] * 60 * len(rain)
    on_its_way = water.runoff[0] * 600
    assert flow.sum() / 60 + water.stored[0] + on_its_way == pytest.approx(fallen + dry, rel=1e-6, abs=0.1)


def test_what_the_pipe_can_not_carry_rises_to_the_road_and_then_stands_on_it() -> None:
    rain = [80.0] * 45 + [0.0] * 240
    sewers = node()
    _, level, flow, depth = minutes(rain, sewers)
    assert level.max() == 2.0
    assert depth.max() > 20
    assert level[depth > 0].min() == 2.0
    assert flow.max() > sewers.capacity[0] * 3600  # its head presses on the pipe
    assert depth[-1] == 0
    assert level[-1] == pytest.approx(0.4 * hydraulics.filling(np.array([0.1]))[0])


def test_water_of_a_street_without_a_low_point_runs_away() -> None:
    water, level, _, depth = minutes([80.0] * 60, node(sides=0.0))
    assert level.max() == 2.0
    assert depth.max() == 0
    assert water.stored[0] == pytest.approx(node().below[0])


def test_sewage_alone_fills_a_blocked_pipe() -> None:
    _, level, _, _ = minutes([0.0] * 600, node(), free=0.05)
    assert level[-1] > 0.4
    assert (np.diff(level) >= -1e-9).all()


def test_a_day_has_its_average_of_sewage() -> None:
    day = np.arange(0, 86_400_000_000, 60_000_000)
    assert hydraulics.daily(day).mean() == pytest.approx(1)
    assert hydraulics.daily(day).min() > 0.3
