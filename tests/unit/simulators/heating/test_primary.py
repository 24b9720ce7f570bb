from dataclasses import replace

import numpy as np
import pandapipes
import pytest

from simulators.heating.pipes import Pipes, design_flow, grown
from simulators.heating.primary import GROUND, LEVELS, ROUGHNESS, SOLVED_SUPPLY, TRANSFER, ZERO, Primary, solved
from simulators.heating.substation import CLOSED, OPENING

TREE = grown(
    1, "n", np.zeros(2), np.array([[1000.0, 0], [2000, 0], [0, 1500], [2500, 300], [-800, 2000], [2500, -900]])
)
RING = replace(
    TREE,
    starts=np.append(TREE.starts, 3),
    ends=np.append(TREE.ends, 2),
    lengths=np.append(TREE.lengths, 1800.0),
    diameters=np.append(TREE.diameters, 0.2),
)
FREE = np.full(6, CLOSED), np.ones(6)


def test_one_pipe_is_the_hand_calculation() -> None:
    one = Pipes(
        ["a"], np.array([1]), np.array([3.0]), np.array([0]), np.array([1]), np.array([2000.0]), np.array([0.2])
    )
    flow, capacity = 12.0, 4208.0  # kg/s, J/(kg K) of water at 95 degC
    reach, drop = solved(one, np.array([[flow]]))
    assert reach == pytest.approx(np.exp(-TRANSFER * np.pi * 0.2 * 2000 / (flow * capacity)), abs=1e-4)
    speed = flow / (961.9 * np.pi / 4 * 0.2**2)
    rough = (2 * np.log10(200 / ROUGHNESS) + 1.14) ** -2  # Nikuradse; pandapipes adds 64 / Re
    assert drop == pytest.approx(rough * 2000 / 0.2 * 961.9 / 2 * speed**2 / 1e5, rel=0.02)


@pytest.mark.parametrize("pipes", [TREE, RING], ids=["tree", "ring"])
@pytest.mark.parametrize("level", [0.5, 1.0])
def test_supply_return_and_source_are_those_of_pandapipes_with_both_sides(pipes: Pipes, level: float) -> None:
    """The whole network with heat consumers and a circulation pump, instead of what is made of the supply side."""
    flow = design_flow(pipes.power) * level
    supply, back = SOLVED_SUPPLY, np.array([45.0, 50.0, 48.0, 52.0, 46.0, 55.0])
    net = pandapipes.create_empty_network(fluid="water")
    size = len(pipes.ends) + 1
    pandapipes.create_junctions(net, 2 * size, pn_bar=10, tfluid_k=supply + ZERO)
    for side in (0, size):
        pandapipes.create_pipes_from_parameters(
            net,
            pipes.starts + side,
            pipes.ends + side,
            length_km=pipes.lengths / 1000,
            inner_diameter_mm=pipes.diameters * 1000,
            k_mm=ROUGHNESS,
            u_w_per_m2k=TRANSFER,
            text_k=GROUND + ZERO,
        )
    pandapipes.create_circ_pump_const_pressure(net, size, 0, p_flow_bar=30, plift_bar=20, t_flow_k=supply + ZERO)
    for node, mass, temperature in zip(pipes.nodes, flow, back, strict=True):
        pandapipes.create_heat_consumer(
            net, node, node + size, controlled_mdot_kg_per_s=mass, treturn_k=temperature + ZERO
        )
    pandapipes.pipeflow(net, mode="bidirectional")
    state = net.res_junction

    (reach,), (drop,) = solved(pipes, flow[None, :])
    assert GROUND + (supply - GROUND) * reach == pytest.approx(state.t_k[pipes.nodes].to_numpy() - ZERO, abs=0.02)
    between = state.p_bar[pipes.nodes].to_numpy() - state.p_bar[pipes.nodes + size].to_numpy()
    assert 20 - 2 * drop == pytest.approx(between, abs=0.1)  # Water on the way back is colder, so a bit thicker.
    source_back = GROUND + (flow * (back - GROUND) * reach).sum() / flow.sum()
    assert source_back == pytest.approx(state.t_k[size] - ZERO, abs=0.1)


def test_the_source_s_temperature_only_scales_what_reaches_the_stations(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = design_flow(TREE.power)[None, :]
    usual, _ = solved(TREE, flow)
    monkeypatch.setattr("simulators.heating.primary.SOLVED_SUPPLY", 70.0)
    cooler, _ = solved(TREE, flow)
    assert cooler == pytest.approx(usual, abs=5e-4)


def test_valves_are_chosen_so_that_the_design_flow_needs_the_design_opening() -> None:
    found = Primary(TREE).response(*FREE)
    assert found.passing[LEVELS == 1] == pytest.approx(1 / OPENING)
    assert np.all(np.diff(found.passing, axis=0) < 0)  # With more flow there is less pressure.
    assert np.all(np.diff(found.reach, axis=0) > 0)  # With more flow water arrives warmer.


def test_between_levels_the_response_is_near_to_a_solution() -> None:
    reach, _ = Primary(TREE).response(*FREE).at(np.full(6, 0.7))
    (exact,), _ = solved(TREE, design_flow(TREE.power)[None, :] * 0.7)
    assert reach == pytest.approx(exact, abs=0.002)


def test_a_closed_station_leaves_pressure_to_the_others_and_a_wide_open_one_takes_it() -> None:
    primary = Primary(TREE)
    usual = primary.response(*FREE).passing[LEVELS == 1][0]
    least, most = (side.copy() for side in FREE)
    most[0] = CLOSED
    assert np.all(primary.response(least, most).passing[LEVELS == 1][0][1:] >= usual[1:])
    least[0] = most[0] = 1.0
    assert primary.response(least, most).passing[LEVELS == 1][0][1] < usual[1]


def test_where_all_valves_are_closed_nothing_arrives() -> None:
    assert not Primary(TREE).response(FREE[0], FREE[0]).reach.any()
