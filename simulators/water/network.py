"""EPANET networks made ready for a zone: scaled to its demand, with service pressures, roles of nodes, isolated pumps.

Any valid EPANET file can be used. What is changed in it, and why, stands at the functions below; the heads that the
network's builder meant stay as they are, unless its pipes are so wide that no burst would be felt.
"""

from __future__ import annotations

import tempfile
import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import wntr
from numpy.typing import NDArray
from wntr.epanet.exceptions import EpanetException
from wntr.library import ModelLibrary
from wntr.network.controls import Control, SimTimeCondition, TimeOfDayCondition, ValueCondition

from citybrain.catalogue import messages
from simulators.model import SimulationError, Values
from simulators.water.demand import HOUSEHOLD

MPA_PER_METRE = 9.80665e-3  # MPa of a metre of water of 1000 kg/m3
CUBIC_METRES_PER_HOUR = 3600.0  # in a m3/s
STEP = 300  # s between two solutions in calm times
STEPS = 86_400 // STEP  # of a day

RESERVE = 1.2  # A network carries so many times the mean supply of its zone as its file says; platform assumption.
LOWEST, HIGHEST = 0.27, 0.45  # MPa, of the day's lowest pressures of a zone; platform assumption
REQUIRED = 14.0  # m: below this pressure less is drawn; 0.14 MPa at the network's end is CJJ 58 3.1.3
SPREAD = 3.0  # MPa between the best and the worst served node, above which the network can't carry its demand
SETTLED = 3  # days that a network needs to settle, for its own state and for the age of its water

LOSS = 10.0  # m of head that the worst served node has less than the best at the peak, at least; platform assumption

# Head loss h ~ Q^a / D^b, by formula: a and b of the EPANET 2.2 user manual, table 3.1.
_POWERS = {"H-W": (1.852, 4.871), "D-W": (2.0, 5.0), "C-M": (2.0, 5.33)}


@dataclass(frozen=True, slots=True)
class PumpHouse:
    """Pumps that draw from the same node.

    Attributes:
        pumps: Their ids.
        valves: The pipe behind each, which is closed when it fails.
        outlet: The node behind the first.
    """

    pumps: tuple[str, ...]
    valves: tuple[str, ...]
    outlet: str


@dataclass(frozen=True, slots=True)
class Junctions:
    """Those where water is drawn; arrays have an entry for each.

    Attributes:
        names: Their ids.
        demand: Share of the zone's demand.
        pipes: Share of the length of the pipes, half of each at both ends.
        lowest: Lowest pressure of a day of high demand, MPa.
        usual: Mean pressure of that day, MPa.
        head: Lowest head of that day, m.
        age: Mean age of the water that comes out, hours.
        ends: Only one pipe leads there.
        free: Their ground could be put where service pressures need it, so that sensors can stand there.
    """

    names: tuple[str, ...]
    demand: Values
    pipes: Values
    lowest: Values
    usual: Values
    head: Values
    age: Values
    ends: NDArray[np.bool_]
    free: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Network:
    """What zones are made of.

    Attributes:
        text: The EPANET file, in m3/h and m, with pressure-dependent demand; where water is drawn at a node, its
            pattern is the node's name and a tilde.
        supply: What its demands sum up to, m3/h on average.
        junctions: Where water is drawn.
        places: Of all nodes, from -0.5 to 0.5 eastward and northward.
        reservoirs, tanks: Ids of what supplies it.
        houses: Its pump houses, the largest first.
        pipes: The junctions at the ends of each pipe that is open, those where water is drawn first.
        lines: The nodes at both ends of each pipe.
        patterns: Of reservoirs and pumps, for each `STEP` of a day.
    """

    text: str
    supply: float
    junctions: Junctions
    places: dict[str, tuple[float, float]]
    reservoirs: tuple[str, ...]
    tanks: tuple[str, ...]
    houses: tuple[PumpHouse, ...]
    pipes: dict[str, tuple[str, ...]]
    lines: tuple[tuple[str, str], ...]
    patterns: dict[str, Values]

    def feeding(self, node: str) -> str:
        """The first pipe at a node.

        Raises:
            SimulationError: there is none, only pumps or valves.
        """
        for pipe, ends in self.pipes.items():
            if node in ends:
                return pipe
        raise SimulationError(f"No pipe leads to node {node}: name the pipe that is closed.")


def read_network(name: str, folder: Path, supply: float) -> Network:
    """The network of a name in WNTR's library or of an EPANET file, scaled to a supply of so many m3/h on average.

    Raises:
        SimulationError: there is none, or it can't be used.
    """
    path = _path(name, folder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # WNTR warns of each formula of head loss that is not its first.
            model = wntr.network.WaterNetworkModel(str(path))
        return _prepared(model, supply)
    except SimulationError as error:
        raise SimulationError(f"The water network {name} can't be used: {error}") from None
    except (EpanetException, ArithmeticError, AttributeError, LookupError, RuntimeError, ValueError) as error:
        # WNTR reports a bad file by whatever its parser runs into.
        raise SimulationError(f"The water network {name} can't be read as an EPANET file: {error}") from error


def _path(name: str, folder: Path) -> Path:
    library = ModelLibrary()
    if name in library.model_name_list:
        return Path(library.get_filepath(name))
    path = folder / name
    if path.is_file():
        return path
    known = sorted(library.model_name_list)
    raise SimulationError(
        f"There is no water network {name!r}: expected an EPANET file beside the city's, or one of "
        f"{', '.join(known)}{messages.hint(name, known)}."
    )


def _prepared(model: Any, supply: float) -> Network:
    """Turns what WNTR has read into what zones are made of; changes the model."""
    demands = wntr.metrics.average_expected_demand(model)
    if not (demands > 0).any():
        raise SimulationError("no junction draws water.")
    _supplied_where_injected(model, demands)
    if not model.num_reservoirs:
        raise SimulationError("it has no reservoir, and no junction at which water enters.")
    patterns = _own_patterns(model)
    _repeated_daily(model)
    _scaled(model, supply * RESERVE / CUBIC_METRES_PER_HOUR / demands.clip(lower=0).sum())
    houses = _isolated_pumps(model)
    names = tuple(name for name in model.junction_name_list if demands.get(name, 0.0) > 0)
    shares = demands[list(names)] / demands[list(names)].sum()
    _drawing(model, shares * supply / CUBIC_METRES_PER_HOUR)
    junctions = _served(model, names, shares.to_numpy())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "zone.inp"
        wntr.network.write_inpfile(model, str(path), units="CMH")
        text = path.read_text(encoding="utf-8")
    return Network(
        text=text,
        supply=supply,
        junctions=junctions,
        places=_places(model),
        reservoirs=tuple(model.reservoir_name_list),
        tanks=tuple(model.tank_name_list),
        houses=houses,
        lines=tuple((pipe.start_node_name, pipe.end_node_name) for _, pipe in model.pipes()),
        pipes=_open_pipes(model, set(names), {valve for house in houses for valve in house.valves}),
        patterns=patterns,
    )


def _supplied_where_injected(model: Any, demands: Any) -> None:
    """Makes junctions with a negative demand reservoirs of the head that they have, so that supply follows demand."""
    injecting = [name for name in demands.index if demands[name] < 0]
    if not injecting:
        return
    heads = _solved(model).node["head"]
    for name in injecting:
        junction = model.get_node(name)
        junction.demand_timeseries_list.clear()
        model.add_reservoir(f"{name}~", base_head=float(heads[name].mean()), coordinates=junction.coordinates)
        model.add_pipe(f"{name}~", f"{name}~", name, length=1.0, diameter=1.0, roughness=_roughness(model))


def _own_patterns(model: Any) -> dict[str, Values]:
    """Patterns of reservoirs' heads and pumps' speeds, folded to one day; all others are left out of the model."""
    used = {node.head_pattern_name for _, node in model.reservoirs()}
    used |= {pump.speed_pattern_name for _, pump in model.pumps()}
    return {
        name: np.array([model.get_pattern(name).at(second) for second in range(0, 86_400, STEP)])
        for name in used - {None}
    }


def _repeated_daily(model: Any) -> None:
    """Repeats controls at a time of the run at that time of each day, because a zone runs for ever."""
    seen = set()
    for name, control in list(model.controls()):
        if not isinstance(control, Control) or not isinstance(control.condition, SimTimeCondition):
            continue
        model.remove_control(name)
        action = control.actions()[0]
        second = control.condition._threshold % 86_400
        if (str(action), second) not in seen:
            seen.add((str(action), second))
            clock = TimeOfDayCondition(model, None, second, repeat=True)
            model.add_control(name, Control(clock, action))


def _scaled(model: Any, factor: float) -> None:
    """Multiplies all flows by a factor and leaves all heads as they are: diameters, pump curves, areas of tanks."""
    of_flow, of_diameter = _POWERS[model.options.hydraulic.headloss]
    _widened(model, factor ** (of_flow / of_diameter))
    for _, valve in model.valves():
        valve.diameter *= factor**0.5  # Its loss is that of a velocity.
        if valve.valve_type == "FCV":
            valve.initial_setting *= factor
    for _, tank in model.tanks():
        tank.diameter *= factor**0.5
        tank.min_vol *= factor
    for _, curve in model.curves():
        if curve.curve_type == "VOLUME":
            curve.points = [(level, volume * factor) for level, volume in curve.points]
        elif curve.curve_type is not None:
            curve.points = [(flow * factor, value) for flow, value in curve.points]
    for _, pump in model.pumps():
        if pump.pump_type == "POWER":
            pump.power *= factor


def _widened(model: Any, factor: float) -> None:
    for _, pipe in model.pipes():
        pipe.diameter *= factor


def _isolated_pumps(model: Any) -> tuple[PumpHouse, ...]:
    """Puts a pipe behind each pump, which is closed when it fails; the network's controls would start it again."""
    behind: dict[str, list[str]] = defaultdict(list)
    roughness = _roughness(model)
    for name, pump in list(model.pumps()):
        node = pump.end_node
        model.add_junction(f"{name}~", elevation=getattr(node, "elevation", 0.0), coordinates=node.coordinates)
        model.add_pipe(f"{name}~", f"{name}~", node.name, length=1.0, diameter=1.0, roughness=roughness)
        pump.end_node = model.get_node(f"{name}~")
        behind[pump.start_node_name].append(name)
    houses = [
        PumpHouse(tuple(pumps), tuple(f"{pump}~" for pump in pumps), model.get_link(f"{pumps[0]}~").end_node_name)
        for pumps in behind.values()
    ]
    return tuple(sorted(houses, key=lambda house: -len(house.pumps)))


def _roughness(model: Any) -> float:
    return float(next(pipe.roughness for _, pipe in model.pipes()))


def _drawing(model: Any, demands: Any) -> None:
    """Gives each junction its mean demand (m3/s) with a pattern of its own, and the run what live stepping needs."""
    model.options.hydraulic.demand_multiplier = 1.0
    model.options.hydraulic.pattern = None
    model.options.energy.global_pattern = None
    for name in list(model.source_name_list):
        model.remove_source(name)
    for _, pump in model.pumps():
        pump.energy_pattern = None
    for name, junction in model.junctions():
        junction.emitter_coefficient = None
        junction.demand_timeseries_list.clear()
        if name in demands.index:
            model.add_pattern(f"{name}~", list(np.repeat(HOUSEHOLD, STEPS // 24)))
            junction.add_demand(float(demands[name]), f"{name}~")
    time = model.options.time
    time.duration = SETTLED * 86_400
    time.hydraulic_timestep = time.report_timestep = 3600
    time.pattern_timestep = time.quality_timestep = time.rule_timestep = STEP
    time.pattern_start = time.report_start = time.start_clocktime = 0


def _served(model: Any, names: tuple[str, ...], shares: Values) -> Junctions:
    """Moves the ground so that service pressures are those of a city, and finds out what each junction then has.

    Pipes are narrowed where the network loses less than `LOSS`. A junction's elevation has no part in the flows while
    all demand is met, so heads stay as they are when it is moved. Its lowest
    pressure of a day of high demand is put between `LOWEST` and `HIGHEST`, in the order that the network gives.
    Junctions at valves and those that controls look at stay where they are.
    """
    model.options.hydraulic.demand_model = "DDA"
    model.options.quality.parameter = "AGE"
    results = _solved(model)
    loss = float(np.ptp(_last_day(results.node["head"], names), axis=1).max())
    if 0 < loss < LOSS:
        # Pipes so wide that nothing happens in them: no break would be felt anywhere.
        _widened(model, (loss / LOSS) ** (1 / _POWERS[model.options.hydraulic.headloss][1]))
        results = _solved(model)
    heads = _last_day(results.node["head"], names)
    ground = np.array([model.get_node(name).elevation for name in names])
    lowest = (heads.min(axis=0) - ground) * MPA_PER_METRE
    if not np.isfinite(lowest).all() or np.ptp(lowest) > SPREAD:
        raise SimulationError(
            f"in normal operation its lowest pressures lie between {lowest.min():.2f} and {lowest.max():.2f} MPa, "
            "so that it can't carry its own demand."
        )
    fixed = {node.name for _, valve in model.valves() for node in (valve.start_node, valve.end_node)}
    conditions = [control.condition for _, control in model.controls()]
    fixed |= {condition._source_obj.name for condition in conditions if isinstance(condition, ValueCondition)}
    free = np.array([name not in fixed for name in names])
    ground -= np.where(free, _serviceable(lowest) - lowest, 0.0) / MPA_PER_METRE
    for name, elevation in zip(names, ground, strict=True):
        model.get_node(name).elevation = float(elevation)
    model.options.quality.parameter = "NONE"
    hydraulic = model.options.hydraulic
    hydraulic.demand_model = "PDD"
    hydraulic.minimum_pressure, hydraulic.required_pressure, hydraulic.pressure_exponent = 0.0, REQUIRED, 0.5
    hydraulic.emitter_exponent = 0.5
    hydraulic.accuracy = 1e-4
    pipes: dict[str, float] = defaultdict(float)
    degree: dict[str, int] = defaultdict(int)
    for _, link in model.links():
        for node in (link.start_node_name, link.end_node_name):
            degree[node] += 1
            pipes[node] += getattr(link, "length", 0.0) / 2
    length = np.array([pipes[name] for name in names])
    pressures = (heads - ground) * MPA_PER_METRE
    return Junctions(
        names=names,
        demand=shares,
        pipes=length / length.sum() if length.sum() else shares,
        lowest=pressures.min(axis=0),
        usual=pressures.mean(axis=0),
        head=heads.min(axis=0),
        age=_last_day(results.node["quality"], names).mean(axis=0) / 3600,
        ends=np.array([degree[name] == 1 for name in names]),
        free=free,
    )


def _last_day(values: Any, names: Sequence[str]) -> Values:
    return np.asarray(values[list(names)].to_numpy()[-24:])


def _serviceable(lowest: Values) -> Values:
    """Pressures squeezed into what a city serves, and left alone where they are in it already."""
    least, most = float(lowest.min()), float(lowest.max())
    if most - least > HIGHEST - LOWEST:
        return np.asarray(np.interp(lowest, [least, most], [LOWEST, HIGHEST]))
    return np.asarray(lowest + max(LOWEST - least, 0.0) - max(most - HIGHEST, 0.0))


def _solved(model: Any) -> Any:
    model.options.report.summary = "NO"  # EPANET writes a line of it to the standard output.
    with tempfile.TemporaryDirectory() as folder:
        return wntr.sim.EpanetSimulator(model).run_sim(file_prefix=str(Path(folder) / "run"))


def _places(model: Any) -> dict[str, tuple[float, float]]:
    names = list(model.node_name_list)
    points = np.array([model.get_node(name).coordinates for name in names], float)
    if not np.ptp(points, axis=0).all():  # A file without a map: the nodes on a spiral.
        turn, radius = np.arange(len(names)) * 2.39996, np.sqrt(np.arange(len(names)))
        points = np.column_stack((radius * np.cos(turn), radius * np.sin(turn)))
    low = points.min(axis=0)
    unit = (points - low) / np.ptp(points, axis=0).max()
    unit -= unit.max(axis=0) / 2
    return {name: (float(east), float(north)) for name, (east, north) in zip(names, unit, strict=True)}


def _open_pipes(model: Any, drawn: set[str], valves: set[str]) -> dict[str, tuple[str, ...]]:
    """The junctions at the ends of the pipes that are open, those where water is drawn first."""
    found = {}
    junctions = set(model.junction_name_list)
    for name, pipe in model.pipes():
        ends = [node for node in (pipe.end_node_name, pipe.start_node_name) if node in junctions]
        if ends and name not in valves and pipe.initial_status.name != "Closed":
            found[name] = tuple(sorted(ends, key=lambda node: node not in drawn))
    return found
