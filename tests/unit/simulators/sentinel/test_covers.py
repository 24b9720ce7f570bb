from __future__ import annotations

import numpy as np
import pytest

from simulators.model import HOUR, SECOND, SimulationError, Span
from simulators.sentinel.covers import OPEN_TILT, SHOCK_TILT
from simulators.sentinel.faults import CoverTheft, CoverTilt, CoverTraffic, CoverWork
from tests.unit.simulators.sentinel.district import district, happening, instant, read, row, run

AT, WELL = instant("2026-11-20"), "sim-sentinel-linhe-jianshe-gas-3"
SPAN = Span(AT - HOUR, AT + 12 * HOUR)


@pytest.mark.parametrize("kind", [CoverTheft, CoverWork])
def test_a_cover_that_was_taken_off_is_open_from_the_first_to_the_last_second(kind: type[CoverTheft]) -> None:
    source = district()
    start, end = AT + 7 * SECOND, AT + 3 * HOUR + 11 * SECOND
    signals = run(source, SPAN, [happening(kind(place=WELL), start, end)])
    opened = signals.values[row(source, WELL, "cover_open")]
    assert set(opened) == {0, 1}
    assert signals.times[opened == 1][[0, -1]].tolist() == [start, signals.times[signals.times < end][-1]]
    assert end in signals.times
    tilt = signals.values[row(source, WELL, "cover_tilt")]
    assert (tilt[opened == 1] >= OPEN_TILT).all()
    assert (tilt[opened == 0] <= 2).all()


@pytest.mark.parametrize(("lasts", "tilts"), [(1.5, False), (5.0, True)])
def test_traffic_opens_a_contact_for_a_moment_and_tilts_nothing_that_a_sensor_would_report(
    lasts: float, tilts: bool
) -> None:
    source = district()
    signals = run(source, SPAN, [happening(CoverTraffic(place=WELL, shock=lasts), AT, AT + 6 * HOUR)])
    opened = signals.values[row(source, WELL, "cover_open")]
    starts = signals.times[1:][np.diff(opened) > 0]
    ends = signals.times[1:][np.diff(opened) < 0]
    assert len(starts) == 36
    assert (ends - starts == lasts * SECOND).all()
    assert (signals.values[row(source, WELL, "cover_tilt")].max() > SHOCK_TILT) == tilts


def test_a_frame_settles_slowly_until_it_is_set_right() -> None:
    source = district()
    fault = CoverTilt(place=WELL, tilt=18)
    signals = run(source, SPAN, [happening(fault, AT, AT + 8 * HOUR)])
    values = read(signals, row(source, WELL, "cover_tilt"), AT + np.array([0, 3, 6, 7, 9]) * HOUR)
    assert values - values[0] == pytest.approx([0, 9, 18, 18, 0])
    assert signals.values[row(source, WELL, "cover_open")].max() == 0


def test_two_happenings_at_one_cover_open_it_once() -> None:
    source = district()
    both = [happening(CoverTheft(place=WELL), AT, AT + HOUR), happening(CoverWork(place=WELL), AT, AT + HOUR)]
    assert run(source, SPAN, both).values[row(source, WELL, "cover_open")].max() == 1


def test_a_cover_without_a_sensor_can_not_be_seen_to_tilt() -> None:
    with pytest.raises(SimulationError, match=r"cover_tilt: nothing at .*ponding-1 could see it; .* of, gas_well"):
        district().subjects(CoverTilt(place="sim-sentinel-linhe-jiefang-ponding-1"))
