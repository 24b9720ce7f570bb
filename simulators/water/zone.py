"""One metered zone through time: its hydraulics under the faults that happen there, and what is measured of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from citybrain.catalogue import messages
from simulators.model import DAY, HOUR, SECOND, Fault, Happening, SimulationError, Values
from simulators.water import faults, quality
from simulators.water.demand import Demand
from simulators.water.hydraulics import Gauges, Hydraulics
from simulators.water.network import STEP, Junctions, Network
from simulators.weather import LOCAL

Seconds = NDArray[np.int64]

UNBILLED = 0.015  # of what is delivered: authorised, but not billed; platform assumption
WARM_UP = 2  # whole days before the one in which a simulation begins


@dataclass(frozen=True, slots=True)
class Points:
    """Where a zone is measured: ids of junctions, tanks and the numbers of pump houses."""

    inlet: str
    critical: tuple[str, ...]
    ends: tuple[str, ...]
    others: tuple[str, ...]
    taps: tuple[str, ...]
    tanks: tuple[str, ...]
    houses: int


def chosen(network: Network, *, critical: int, ends: int, others: int, taps: int, tanks: int, houses: int) -> Points:
    """At most so many of each.

    Critical points have the lowest heads, because there a break is felt most; ends, where only one pipe leads, the
    lowest pressures; the other places are spread over all pressures, and the taps over all ages of the water, of which
    the youngest is at the inlet.

    Raises:
        SimulationError: the network has no place for sensors.
    """
    junctions = network.junctions
    free = np.flatnonzero(junctions.free)
    if not len(free):
        raise SimulationError("All junctions of the water network lie at valves, so that nothing can be measured.")
    young = free[np.argsort(junctions.age[free], kind="stable")]
    far = [int(i) for i in free[np.argsort(junctions.head[free], kind="stable")] if i != young[0] or len(free) == 1]
    rest = sorted(far[critical:], key=lambda i: (not junctions.ends[i], junctions.lowest[i]))
    remaining = sorted(rest[ends:], key=lambda i: float(junctions.lowest[i]))
    spread = np.linspace(0, len(remaining) - 1, min(others, len(remaining))).astype(int)
    tapped = np.linspace(0, len(young) - 1, min(taps, len(young))).astype(int)
    return Points(
        inlet=junctions.names[young[0]],
        critical=_names(junctions, far[:critical]),
        ends=_names(junctions, rest[:ends]),
        others=_names(junctions, [remaining[i] for i in spread]),
        taps=_names(junctions, [int(young[i]) for i in tapped]),
        tanks=network.tanks[:tanks],
        houses=min(houses, len(network.houses)),
    )


def _names(junctions: Junctions, indices: Sequence[int]) -> tuple[str, ...]:
    return tuple(junctions.names[i] for i in indices)


class Zone:
    """The signals of one zone, in rows that `row` tells.

    Rows are named `inflow`, `supplied`, `sold`, `inlet`, `critical-1`, `end-1`, `point-1`, `tank-1`; of a pump house
    `pumps-1` followed by `.pressure`, `.flow`, `.running`, `.power`, `.flooded`; of the works and taps (`works`,
    `tap-1`) `.chlorine`, `.turbidity`, `.ph`.
    """

    def __init__(self, network: Network, points: Points, key: np.uint64, supply: float, leakage: float) -> None:
        """A zone with a supply of so many m3/h on average, of which this share is not billed for."""
        self.network, self.points = network, points
        self._key = key
        self._houses = network.houses[: points.houses]
        self._pumps = [pump for house in self._houses for pump in house.pumps]
        junctions = network.junctions
        age = dict(zip(junctions.names, junctions.age.tolist(), strict=True))
        self._ages = np.array([age[tap] for tap in points.taps])
        pressures = (points.inlet, *points.critical, *points.ends, *points.others)
        gauges = Gauges((*pressures, *(house.outlet for house in self._houses)), points.tanks, tuple(self._pumps))
        lost = 1 - (1 - leakage) / (1 - UNBILLED)
        self._hydraulics = Hydraulics(network, Demand(junctions.demand, key), supply, lost, gauges)
        self._rows = {name: row for row, name in enumerate(self._names())}

    def row(self, name: str) -> int:
        """Where the signal of this name stands."""
        return self._rows[name]

    def __len__(self) -> int:
        return len(self._rows)

    def _names(self) -> list[str]:
        points = self.points
        houses = [f"pumps-{n + 1}" for n in range(points.houses)]
        names = ["inflow", "supplied", "sold", "inlet"]
        for kind, of_kind in (("critical", points.critical), ("end", points.ends), ("point", points.others)):
            names += [f"{kind}-{n + 1}" for n in range(len(of_kind))]
        names += [f"{house}.pressure" for house in houses]
        names += [f"tank-{n + 1}" for n in range(len(points.tanks))]
        for signal in ("flow", "running", "power", "flooded"):
            names += [f"{house}.{signal}" for house in houses]
        for place in ("works", *(f"tap-{n + 1}" for n in range(len(points.taps)))):
            names += [f"{place}.{signal}" for signal in quality.SIGNALS]
        return names

    def check(self, fault: Fault) -> None:
        """That what a fault names is in this zone.

        Raises:
            SimulationError: it is not; the text says what is.
        """
        points, network = self.points, self.network
        if isinstance(fault, faults.Outflow) and fault.node is not None:
            _one_of("junction", fault.node, sorted({node for ends in network.pipes.values() for node in ends}))
        if isinstance(fault, faults.Burst | faults.ValveClosed) and fault.pipe is not None:
            _one_of("open pipe", fault.pipe, list(network.pipes))
        if isinstance(fault, faults.ValveClosed):
            self._pipe(fault)
        if isinstance(fault, faults.Burst) and fault.pipe is not None and fault.node is not None:
            raise SimulationError("A burst is at a node or in a pipe: leave one of them out.")
        if isinstance(fault, faults.PumpFault):
            if fault.house > points.houses:
                raise SimulationError(
                    f"Zone {fault.place} has {points.houses} pump houses, so there is no {fault.house}."
                )
            if isinstance(fault, faults.PumpFailure) and fault.pump is not None:
                _one_of("pump of that house", fault.pump, list(self._houses[fault.house - 1].pumps))
        if isinstance(fault, faults.Turbid) and fault.tap is not None and fault.tap > len(points.taps):
            raise SimulationError(f"Zone {fault.place} has {len(points.taps)} taps, so there is no {fault.tap}.")

    def begin(self, at: int, happenings: Sequence[Happening]) -> None:
        """Settle into the state of an instant, a multiple of `STEP` (s), at which `advance` goes on.

        `happenings` are those of this zone.
        """
        self._happenings = [h for h in happenings if not isinstance(h.fault, faults.Turbid)]
        self._clouds = [(h, h.fault) for h in happenings if isinstance(h.fault, faults.Turbid)]
        self._metered = self._counted = 0.0
        self._wrong = 1.0
        local = at + LOCAL // SECOND
        midnight = local - local % 86_400 - WARM_UP * 86_400 - LOCAL // SECOND
        fine = at - at % 3600
        self._hydraulics.begin(midnight, fine)
        self.advance(np.arange(midnight, fine, 3600))
        self.advance(np.arange(fine, at, STEP))

    def advance(self, instants: Seconds) -> Values:
        """The signals at the next instants, a column each."""
        times = instants * SECOND
        if not len(instants):
            return np.empty((len(self), 0))
        flowing = np.array([self._at(instant) for instant in instants.tolist()]).T
        waters = quality.waters(self._key, self._ages, times, self._clouds)
        return np.concatenate((flowing, waters))

    def _at(self, instant: int) -> Values:
        active = [h for h in self._happenings if h.start <= instant * SECOND < h.end]
        emitters: dict[str, float] = defaultdict(float)
        closed, stopped = set(), set()
        power, dry = np.ones(len(self._houses)), np.ones(len(self._houses))
        wrong = 1.0
        for happening in active:
            fault = happening.fault
            since = instant - happening.start / SECOND
            if isinstance(fault, faults.Outflow):
                hour = (instant * SECOND + LOCAL) % DAY / HOUR
                emitters[self._node(fault)] += fault.flow * fault.share(since, happening.end / SECOND - instant, hour)
            elif isinstance(fault, faults.ValveClosed):
                closed.add(self._pipe(fault))
            elif isinstance(fault, faults.MeterDrift):
                wrong += fault.rate / 100 * since / 86_400
            elif isinstance(fault, faults.PumpFault):
                house = self._houses[fault.house - 1]
                if isinstance(fault, faults.PumpFailure):
                    stopped |= {fault.pump} if fault.pump else set(house.pumps)
                elif isinstance(fault, faults.PowerCut):
                    power[fault.house - 1] = 0
                    stopped |= set(house.pumps)
                elif isinstance(fault, faults.Flooded):
                    dry[fault.house - 1] = 0
                    if since >= fault.trips_after.total_seconds():
                        stopped |= set(house.pumps)
        valves = {f"{pump}~" for pump in stopped}
        state = self._hydraulics.at(instant, emitters, frozenset(closed | valves))
        self._metered += (self._hydraulics.supplied - self._counted) * self._wrong
        self._counted, self._wrong = self._hydraulics.supplied, wrong
        running = np.array([up and pump not in stopped for up, pump in zip(state.running, self._pumps, strict=True)])
        return np.concatenate(
            (
                (state.inflow * wrong, self._metered, self._hydraulics.sold * (1 - UNBILLED)),
                state.pressures,
                state.levels,
                self._by_house(state.flows, sum),
                self._by_house(running, any),
                power,
                1 - dry,
            )
        )

    def _pipe(self, fault: faults.ValveClosed) -> str:
        return fault.pipe or self.network.feeding((self.points.ends or self.points.critical)[0])

    def _node(self, fault: faults.Outflow) -> str:
        points = self.points
        if fault.node is not None:
            return fault.node
        if isinstance(fault, faults.Burst):
            return self.network.pipes[fault.pipe][0] if fault.pipe is not None else points.critical[0]
        if isinstance(fault, faults.LargeDraw):
            return points.inlet
        return (points.others or points.critical)[0]

    def _by_house(self, values: Values | NDArray[np.bool_], together: Callable[[list[float]], float]) -> list[float]:
        following = iter(values.tolist())
        return [float(together(list(islice(following, len(house.pumps))))) for house in self._houses]


def marks(happening: Happening) -> set[int]:
    """Seconds at which a fault begins or ends to act, and those just before."""
    sharp = [happening.start, happening.end]
    if isinstance(happening.fault, faults.Flooded):
        sharp.append(min(happening.start + round(happening.fault.trips_after.total_seconds() * SECOND), happening.end))
    # The first whole second at which it is under way.
    seconds = {-(-instant // SECOND) for instant in sharp}
    return seconds | {second - 1 for second in seconds}


def _one_of(what: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        some = ", ".join(known[:10]) + (", ..." if len(known) > 10 else "")
        raise SimulationError(f"There is no {what} {name!r}: expected one of {some}{messages.hint(name, known)}.")
