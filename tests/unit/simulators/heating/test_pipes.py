from pathlib import Path

import numpy as np
import pytest

from simulators.heating import pipes
from simulators.model import SimulationError

HEADER = "from,to,length_m,diameter_mm\n"
NETWORK = (
    HEADER + "plant,cross,1200,300\ncross,north,400,150\ncross,bend,500,200\nbend,south,300,100\nbend,west,200,150\n"
)


def written(folder: Path, text: str) -> Path:
    path = folder / "pipes.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_s_single_ends_are_stations_as_large_as_their_pipes(tmp_path: Path) -> None:
    found = pipes.read(written(tmp_path, NETWORK))
    assert found.stations == ["north", "south", "west"]
    assert found.lengths.sum() == 2600
    assert found.power[0] == pytest.approx(found.power[1] * 1.5**2)
    # 0.8 m/s in a pipe of 100 mm, and 60 K
    assert found.power[1] == pytest.approx(0.8 * np.pi / 4 * 0.1**2 * 950 * 4.19e-3 * 60)


def test_a_branch_is_what_is_fed_only_through_its_node(tmp_path: Path) -> None:
    found = pipes.grown(1, "n", np.zeros(2), np.array([[1000.0, 0], [2000, 0], [0, 1500], [2500, 300]]))
    assert found.starts.tolist() == [0, 1, 0, 2]
    assert found.branch("1").tolist() == [True, True, False, True]
    assert found.branch("3").tolist() == [False, False, True, False]
    ring = pipes.read(written(tmp_path, NETWORK + "north,west,900,150\n"))
    assert ring.stations == ["south"]
    assert ring.branch("south").tolist() == [True]


def test_pipes_are_chosen_for_the_flow_they_carry() -> None:
    places = np.random.default_rng(3).uniform(-2000, 2000, (20, 2))
    found = pipes.grown(1, "n", np.zeros(2), places)
    flow = pipes.design_flow(found.power)
    leaf = next(end for end in found.ends if end not in found.starts) - 1
    speed = flow[leaf] / (950 * np.pi / 4 * found.diameters[leaf] ** 2)
    assert 0.2 < speed < 1.5
    trunk = found.starts == 0
    assert found.diameters[trunk].max() > found.diameters[leaf]


def test_more_stations_leave_the_first_where_and_as_large_as_they_are() -> None:
    places = np.random.default_rng(3).uniform(-2000, 2000, (20, 2))
    few, many = (pipes.grown(1, "n", np.zeros(2), places[:count]) for count in (8, 20))
    assert np.array_equal(many.power[:8], few.power)
    assert np.array_equal(many.lengths[:8], few.lengths)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEADER + "a,b,0,100\n", "pipes.csv, line 2, column length_m: Input should be greater than 0."),
        (HEADER + "a,b,10,100\na,c,x,100\n", "pipes.csv, line 3, column length_m: Input should be a valid number"),
        ("from,to,length_m\na,b,10\n", "pipes.csv, line 2, column diameter_mm: Field required."),
        (HEADER + "a,b,10,100\nc,d,10,100\n", "pipes.csv: no pipe leads from the source a to c."),
        (HEADER + "a,b,10,100\nb,c,10,100\nc,a,10,100\n", "pipes.csv has no station"),
        (HEADER, "pipes.csv has no station"),
    ],
)
def test_what_is_no_network_is_told_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(SimulationError) as error:
        pipes.read(written(tmp_path, text))
    assert expected in str(error.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match=r"none\.csv can't be read"):
        pipes.read(tmp_path / "none.csv")
