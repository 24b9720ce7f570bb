from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.model import DAY, HOUR, MINUTE, Span
from simulators.sentinel import gas, soil
from simulators.sentinel.faults import H2S, Biogas, CoverTheft, GasLeak
from tests.unit.simulators.sentinel.district import district, happening, instant, read, row, run

AT = instant("2026-11-20")
WELL = "sim-sentinel-linhe-jianshe-gas-3"
GAS = next(part for part in district()._parts if isinstance(part, gas.Gas))


def test_the_basic_infiltration_model_by_hand() -> None:
    # 10 cm2, 20 K, 3 m/s: 0.01 * sqrt(0.000145 * 20 + 0.000104 * 9) = 0.01 * 0.0619355 m3/s
    assert gas.exchange(np.array(10.0), np.array(20.0), np.array(3.0)) == pytest.approx(0.000619355 * 3600, rel=1e-5)


def test_gas_of_a_pipe_fills_the_pores_before_it_arrives() -> None:
    # Without losses both directions hold 1 m2 * 0.3 of gas on each metre: 10 m take 2 * 3 m3 at 2 m3/h.
    assert soil.front(np.array([10.0]), 2.0, 1e6)[0] == pytest.approx(3.0, rel=1e-4)
    assert soil.front(np.array([10.0]), 2.0, 25.0)[0] > 3.0


def test_half_of_the_gas_has_arrived_when_the_front_is_there() -> None:
    shares = soil.arrived(np.array([-1.0, 0.0, 1.0, 5.0, 500.0]), np.array(5.0))
    assert shares[:2].tolist() == [0, 0]
    assert shares[2] < 1e-4
    assert shares[3] == 0.5
    assert shares[4] == pytest.approx(1)
    assert soil.arrived(np.array([0.0, 0.1]), np.array(0.0)).tolist() == [0, 1]


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0.01, 20)), min_size=1, max_size=20), st.floats(0, 1))
def test_the_methane_of_a_well_balances(steps: list[tuple[float, float]], share: float) -> None:
    """What came in is what is there and what went out."""
    flow, air = np.repeat(np.array(steps).T, 600, axis=1)
    hours = np.full(len(flow), 1 / 600)
    found = gas.mixed(np.array([share]), flow[None], air[None], np.array([4.0]), hours)[0]
    before = np.concatenate([[share], found[:-1]])
    went = np.sum((flow + air) * (found + before) / 2 * hours)
    assert 4 * (found[-1] - share) + went == pytest.approx(np.sum(flow * hours), rel=1e-3, abs=1e-3)
    assert found.min() >= 0
    assert found.max() <= 1


def test_without_a_leak_a_well_clears_with_its_air_exchange() -> None:
    found = gas.mixed(
        np.array([0.5]), np.zeros((1, 3)), np.full((1, 3), 2.0), np.array([4.0]), np.array([0.5, 1.0, 2.5])
    )
    assert found[0] == pytest.approx(0.5 * np.exp(-2.0 / 4.0 * np.array([0.5, 1.5, 4.0])))


def test_a_leak_next_to_a_school_raises_two_wells_step_by_step() -> None:
    source = district()
    fault = GasLeak(place="linhe-school-1", rate=2.0)
    subjects = source.subjects(fault)
    assert {"sim-sentinel-linhe-jiefang-telecom-1"} < subjects
    assert len([s for s in source.sites if s.id in subjects and "第1中学" in s.title.zh]) == 1
    signals = run(source, Span(AT, AT + DAY), [happening(fault, AT, AT + DAY)])
    for site in (s for s in subjects if "jiefang" in s):
        values = signals.values[row(source, site, "methane")]
        reached = [signals.times[np.argmax(values >= level)] - AT for level in (20, 50, 100)]
        assert HOUR / 2 < reached[0] < reached[1] < reached[2] < 12 * HOUR


def test_after_a_leak_the_well_breathes_itself_clean() -> None:
    source = district()
    leak = happening(GasLeak(place=WELL, rate=0.5, away=0), AT, AT + 6 * HOUR)
    signals = run(source, Span(AT, AT + 2 * DAY), [leak])
    values = read(signals, row(source, WELL, "methane"), np.arange(AT, AT + 2 * DAY + 1, HOUR))
    assert values[6] > 100
    assert (np.diff(values[6:20]) < 0).all()
    assert values[-1] < 1.5


def test_an_open_cover_lets_gas_out() -> None:
    source = district()
    leak = happening(GasLeak(place=WELL, rate=0.5, away=0), AT, AT + DAY)
    stolen = happening(CoverTheft(place=WELL), AT + 12 * HOUR, AT + 18 * HOUR)
    signals = run(source, Span(AT, AT + DAY), [leak, stolen])
    before, open_, after = read(signals, row(source, WELL, "methane"), AT + np.array([12, 15, 24]) * HOUR)
    assert before > 100
    assert open_ < before / 10
    assert after > 10 * open_


@given(st.floats(0.1, 500), st.floats(0, 60), st.sampled_from(["linhe-jianshe", "linhe-school-1", WELL]))
def test_no_more_gas_comes_in_than_leaks(rate: float, away: float, place: str) -> None:
    fault = GasLeak(place=place, rate=rate, away=away)
    leak = GAS.leak(happening(fault, AT, AT + DAY), fault)
    assert 0 < leak.inflow.sum() <= rate * (1 + 1e-9)


def test_frost_lets_gas_travel_farther() -> None:
    fault = GasLeak(place=WELL, rate=2, away=30)
    summer, winter = (
        GAS.leak(happening(fault, instant(day), instant(day) + DAY), fault) for day in ("2026-07-10", "2026-01-10")
    )
    assert winter.inflow.sum() > summer.inflow.sum()
    assert winter.arrival.min() < summer.arrival.min()


def test_a_gallery_reaches_what_its_ventilation_leaves() -> None:
    source = district()
    site = "sim-sentinel-linhe-gallery-1"
    leak = happening(GasLeak(place=site, rate=20), AT, AT + DAY)
    signals = run(source, Span(AT, AT + DAY), [leak])
    assert source.subjects(leak.fault) == {site}
    exchange = gas.GALLERY_CHANGES * gas.GALLERY_VOLUME
    expected = gas.PERCENT_LEL * 20 / (20 + exchange)
    assert signals.values[row(source, site, "methane"), -1] == pytest.approx(expected, rel=1e-3)


def test_biogas_is_slow_steady_and_comes_with_hydrogen_sulphide_and_less_oxygen() -> None:
    source = district()
    fault = Biogas(place="linhe-jiefang", level=14)
    (site,) = source.subjects(fault)
    signals = run(source, Span(AT, AT + 8 * DAY), [happening(fault, AT, AT + 8 * DAY)])
    methane, oxygen, h2s = (signals.values[row(source, site, metric)] for metric in ("methane", "oxygen", "h2s"))
    assert 14 < methane.max() < 19  # under the rule's 20 with noise, so that nothing fires
    assert np.interp(AT + HOUR, signals.times, methane) < 3
    assert 1 < h2s.max() < 10
    assert 19.5 < oxygen.min() < 20.5


def test_stirred_sewage_gives_off_hydrogen_sulphide_for_a_while() -> None:
    source = district()
    fault = H2S(place="linhe-jiefang", level=40)
    (site,) = source.subjects(fault)
    signals = run(source, Span(AT, AT + DAY), [happening(fault, AT, AT + HOUR)])
    values = read(signals, row(source, site, "h2s"), AT + np.array([0, 60, 180, 24 * 60]) * MINUTE)
    assert values[0] < 2
    assert 38 < values[1] < 43
    assert values[2] == pytest.approx(values[1] * np.exp(-1), rel=0.1)
    assert values[3] < 2
