"""The stepped hydraulics against EPANET's own numbers and against a plain run of WNTR."""

from pathlib import Path

import numpy as np
import pytest
import wntr

from simulators import chance
from simulators.model import SECOND
from simulators.water import epanet
from simulators.water.demand import Demand
from simulators.water.hydraulics import Gauges, Hydraulics
from simulators.water.network import MPA_PER_METRE, Network, read_network

DAY = 86_400  # s
MIDNIGHT = 20_000 * DAY - 8 * 3600  # of the city, s
SUPPLY, LEAKAGE = 140.0, 0.08


@pytest.fixture(scope="module", params=["Net3", "Net1"])
def network(request: pytest.FixtureRequest) -> Network:
    return read_network(request.param, Path(), 150.0)


def started(network: Network) -> tuple[Hydraulics, Demand]:
    demand = Demand(network.junctions.demand, chance.key("test"))
    gauges = Gauges(network.junctions.names, network.tanks, tuple(p for house in network.houses for p in house.pumps))
    hydraulics = Hydraulics(network, demand, SUPPLY, LEAKAGE, gauges)
    hydraulics.begin(MIDNIGHT, MIDNIGHT)
    return hydraulics, demand


def test_what_flows_in_is_delivered_leaks_or_fills_tanks_at_every_step(network: Network) -> None:
    hydraulics, demand = started(network)
    names = network.junctions.names
    burst = names[len(names) // 2]
    shape = demand.day(MIDNIGHT * SECOND)
    leaking = hydraulics._leaking
    worst = 0.0
    for step in range(288):
        emitters = {burst: 150.0} if 100 <= step < 150 else {}
        state = hydraulics.at(MIDNIGHT + step * 300, emitters, frozenset())
        engine = hydraulics._engine
        # EPANET counts what an emitter lets out into a junction's demand.
        out = sum(engine.of_node(engine.node(name), epanet.NODE_DEMAND) for name in names)
        coefficients = np.array([leaking[name] + emitters.get(name, 0.0) / 30**0.5 for name in names])
        metres = state.pressures / MPA_PER_METRE
        leak = float(coefficients @ np.sqrt(metres))
        reservoirs = -sum(engine.of_node(engine.node(name), epanet.NODE_DEMAND) for name in network.reservoirs)
        filling = sum(engine.of_node(engine.node(name), epanet.NODE_DEMAND) for name in network.tanks)
        assert state.inflow == pytest.approx(out, abs=0.05)
        assert reservoirs == pytest.approx(state.delivered + leak + filling, abs=0.05)
        wanted = float(network.junctions.demand @ shape[:, step]) * SUPPLY * (1 - LEAKAGE)
        assert state.delivered <= wanted + 1e-6
        worst = max(worst, abs(state.inflow - state.delivered - leak))
    assert worst < 0.05  # m3/h of about 140


def test_tanks_change_by_what_flows_into_them(network: Network) -> None:
    hydraulics, _ = started(network)
    engine = hydraulics._engine
    areas = [np.pi * engine.of_node(engine.node(tank), 17) ** 2 / 4 for tank in network.tanks]  # EN_TANKDIAM
    before = hydraulics.at(MIDNIGHT, {}, frozenset())
    compared = 0
    for second in range(60, 7200, 60):
        flows = np.array([engine.of_node(engine.node(tank), epanet.NODE_DEMAND) for tank in network.tanks])
        state = hydraulics.at(MIDNIGHT + second, {}, frozenset())
        if (state.running == before.running).all():  # A control may act within the minute.
            assert (state.levels - before.levels) * areas == pytest.approx(flows / 60, abs=1e-3)
            compared += 1
        before = state
    assert compared > 100


def test_pressures_are_those_of_a_plain_run_of_wntr(network: Network, tmp_path: Path) -> None:
    hydraulics, demand = started(network)
    names = network.junctions.names
    burst = names[-1]
    ours = np.array([hydraulics.at(MIDNIGHT + s, {burst: 20.0}, frozenset()).pressures for s in range(0, DAY, 300)])
    path = tmp_path / "zone.inp"
    path.write_text(network.text)
    model = wntr.network.WaterNetworkModel(str(path))
    level = SUPPLY * (1 - LEAKAGE) / network.supply
    for name, multipliers in zip(names, demand.day(MIDNIGHT * SECOND) * level, strict=True):
        model.get_pattern(f"{name}~").multipliers = multipliers
        coefficient = hydraulics._leaking[name] + (20.0 / 30**0.5 if name == burst else 0.0)
        model.get_node(name).emitter_coefficient = coefficient / 3600
    time = model.options.time
    time.duration = DAY - 300
    time.hydraulic_timestep = time.report_timestep = time.pattern_timestep = 300
    found = wntr.sim.EpanetSimulator(model).run_sim(file_prefix=str(tmp_path / "run"))
    theirs = found.node["pressure"][list(names)].to_numpy() * MPA_PER_METRE
    assert ours.shape == theirs.shape
    assert np.abs(ours - np.maximum(theirs, 0)).max() < 5e-4  # MPa


def test_an_emitter_lets_out_its_flow_by_the_root_of_the_pressure(network: Network) -> None:
    hydraulics, _ = started(network)
    name = network.junctions.names[0]
    hydraulics.at(MIDNIGHT, {}, frozenset())
    calm = hydraulics.at(MIDNIGHT + 1, {}, frozenset())
    open_ = hydraulics.at(MIDNIGHT + 2, {name: 30.0}, frozenset())
    leaking = np.array([hydraulics._leaking[junction] for junction in network.junctions.names])

    def leak(pressures: np.ndarray) -> float:
        return float(leaking @ np.sqrt(pressures / MPA_PER_METRE))

    expected = 30.0 * (open_.pressures[0] / MPA_PER_METRE / 30.0) ** 0.5
    drawn = (open_.inflow - open_.delivered - leak(open_.pressures)) - (
        calm.inflow - calm.delivered - leak(calm.pressures)
    )
    assert drawn == pytest.approx(expected, abs=0.1)


def test_a_failed_pump_gives_nothing_though_a_control_wants_it() -> None:
    network = read_network("Net1", Path(), 150.0)
    hydraulics, _ = started(network)
    closed = frozenset(network.houses[0].valves)
    flows = [float(hydraulics.at(MIDNIGHT + s, {}, closed).flows[0]) for s in range(0, DAY, 3600)]
    assert flows == pytest.approx([0.0] * 24, abs=0.01)
