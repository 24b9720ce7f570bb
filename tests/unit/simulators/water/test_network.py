"""Any EPANET file: what is made of it, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.model import DAY, HOUR, SimulationError, Span
from simulators.water.network import HIGHEST, LOWEST, read_network

from .conftest import block, context

# A hilly branch of one pipe, a loop, a leaf, in litres per second and with Darcy-Weisbach.
OWN = """
[JUNCTIONS]
 A 20 0
 B 35 4 day
 C 10 6
 D 60 3
[RESERVOIRS]
 R 90 head
[PIPES]
 RA R A 500 250 0.1
 AB A B 800 150 0.1
 BC B C 700 150 0.1
 CA C A 900 150 0.1
 CD C D 400 100 0.1
[PATTERNS]
 day 0.5 1.5
 head 1.0 1.01
[TIMES]
 Duration 24:00
 Pattern Timestep 12:00
[OPTIONS]
 Units LPS
 Headloss D-W
[END]
"""


def write(folder: Path, text: str) -> str:
    (folder / "own.inp").write_text(text)
    return "own.inp"


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    network = read_network(write(tmp_path, OWN), tmp_path, 80.0)
    assert network.junctions.names == ("B", "C", "D")
    assert network.junctions.demand == pytest.approx([4 / 13, 6 / 13, 3 / 13])
    assert network.junctions.ends.tolist() == [False, False, True]
    assert network.pipes["CD"] == ("D", "C")
    assert network.feeding("D") == "CD"
    assert network.patterns["head"][[0, 143, 144, 287]].tolist() == [1.0, 1.0, 1.01, 1.01]
    source = block(network="own.inp").build(context(tmp_path))
    source.begin(20_500 * DAY, [])
    values = source.signals(Span(20_500 * DAY, 20_500 * DAY + 6 * HOUR)).values
    assert np.isfinite(values).all()


def test_service_pressures_are_those_of_a_city() -> None:
    for name in ("Net1", "Net2", "Net3"):
        junctions = read_network(name, Path(), 150.0).junctions
        assert LOWEST - 1e-3 <= junctions.lowest.min() <= junctions.lowest.max() <= HIGHEST + 1e-3


@settings(max_examples=5, deadline=None)  # Each reads a network and runs three days of it.
@given(st.floats(10, 5000))
def test_pressures_do_not_depend_on_the_supply(supply: float) -> None:
    lowest = read_network("Net1", Path(), supply).junctions.lowest
    assert lowest == pytest.approx(read_network("Net1", Path(), 150.0).junctions.lowest, abs=0.01)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nonsense", "own.inp can't be"),
        (OWN.replace(" R 90 head\n", ""), "own.inp can't be"),
        (OWN.replace("[RESERVOIRS]\n R 90 head", "[TANKS]\n R 90 3 0 6 20"), "no reservoir"),
        (OWN.replace(" 4 day", " 0").replace(" 6\n", " 0\n").replace(" 3\n", " 0\n"), "draws water"),
        (OWN.replace(" CD C D 400 100", " CD C D 400 10"), "can't carry its own demand"),
    ],
)
def test_a_network_that_cant_be_used_is_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(SimulationError, match=told):
        block(network=write(tmp_path, text)).build(context(tmp_path))


def test_an_unknown_network_or_region_is_told() -> None:
    with pytest.raises(SimulationError, match="did you mean Net3"):
        block(network="Net33").build(context())
    with pytest.raises(SimulationError, match="did you mean 150802"):
        block(region="150803").build(context())
