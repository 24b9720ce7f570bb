import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.heating.substation import (
    ELASTICITY,
    MAKEUP_CAPACITY,
    PRIMARY_SUPPLY,
    TIGHTNESS,
    Design,
    Exchanger,
    curve,
    made_up,
)

DESIGN = Design()


@pytest.mark.parametrize(
    ("outdoor", "supply", "back"),
    [(-17, 75.0, 50.0), (-10, 65.5, 45.5), (-5, 58.4, 42.0), (0, 51.1, 38.3), (5, 43.4, 34.1), (25, 18.0, 18.0)],
)
def test_the_curve_is_the_textbooks(outdoor: float, supply: float, back: float) -> None:
    found = curve(DESIGN, np.array([outdoor]), DESIGN.supply, DESIGN.back)
    assert [value.item() for value in found] == pytest.approx([supply, back], abs=0.05)


def test_a_clean_exchanger_carries_more_than_the_design_power() -> None:
    exchanger = Exchanger.sized(DESIGN)
    one = np.ones(1)
    assert exchanger.power(one, PRIMARY_SUPPLY * one, DESIGN.back * one, one / 1.15) == pytest.approx(1, abs=1e-9)
    assert exchanger.power(one, PRIMARY_SUPPLY * one, DESIGN.back * one, one) > 1.01


@given(st.floats(0.05, 1.5), st.floats(60, 130), st.floats(20, 55), st.floats(0.1, 1))
def test_power_is_conductance_times_the_mean_logarithmic_difference(
    flow: float, hot: float, cold: float, clean: float
) -> None:
    exchanger = Exchanger.sized(DESIGN)
    (power,) = exchanger.power(np.array([flow]), np.array([hot]), np.array([cold]), np.array([clean]))
    primary_back = hot - power / (exchanger.primary * flow)
    warm, cool = hot - (cold + power / exchanger.secondary), primary_back - cold
    conductance = exchanger.conductance * clean * 2 / (flow**-0.7 + 1)
    mean = (warm - cool) / np.log(warm / cool) if abs(warm - cool) > 1e-6 else warm
    assert power == pytest.approx(conductance * mean, rel=1e-3)
    assert warm > 0
    assert cool > 0


@given(st.floats(0.1, 1.0), st.floats(0.05, 1.4))
def test_the_flow_for_a_power_is_found_from_any_guess_within_a_few_steps(flow: float, guess: float) -> None:
    exchanger = Exchanger.sized(DESIGN)
    hot, cold, clean = np.array([110.0]), np.array([45.0]), np.ones(1)
    power = exchanger.power(np.array([flow]), hot, cold, clean)
    found = np.array([guess])
    for _ in range(5):
        found = exchanger.flow(power, hot, cold, clean, found, np.array([0.002]), np.array([1.5]))
    assert found == pytest.approx(flow, rel=0.01)


def test_a_limited_valve_gives_what_it_can() -> None:
    exchanger = Exchanger.sized(DESIGN)
    limits = np.array([0.4]), np.array([0.6])
    for power, expected in ((2.0, 0.6), (0.01, 0.4)):
        found = exchanger.flow(np.array([power]), np.array([110.0]), np.array([45.0]), np.ones(1), np.ones(1), *limits)
        assert found == pytest.approx(expected)


CIRCULATION = np.array([100.0])
WANTED = np.array([0.3])


def settled(lost: float, powered: bool = True, steps: int = 200) -> tuple[float, float]:
    pressure = WANTED
    for _ in range(steps):
        pressure, makeup = made_up(pressure, WANTED, np.array([lost]), CIRCULATION, np.array([powered]), 1 / 12)
    return float(pressure[0]), float(makeup[0])


def test_make_up_comes_to_what_is_lost_and_the_pressure_falls_by_its_band() -> None:
    pressure, makeup = settled(2.0)
    assert makeup == pytest.approx(2.0 * np.sqrt(pressure / 0.3), rel=1e-4)
    assert 0.3 - pressure == pytest.approx(0.06 * makeup / (MAKEUP_CAPACITY * 100), rel=1e-6)


def test_beyond_the_pump_the_pressure_breaks_down() -> None:
    pressure, makeup = settled(40.0)
    assert makeup == pytest.approx(MAKEUP_CAPACITY * 100)
    assert 40 * np.sqrt(pressure / 0.3) == pytest.approx(makeup, rel=0.05)


def test_without_power_what_is_lost_comes_from_the_store() -> None:
    lost = TIGHTNESS * 100
    pressure, makeup = settled(lost, powered=False, steps=12)
    assert makeup == 0
    assert (0.3 - pressure) * ELASTICITY * 100 == pytest.approx(lost, rel=0.05)  # m3 in an hour, less with each step
