"""Heating networks as a source of a city: what is true at their sensors, instant by instant."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from citybrain.catalogue.messages import hint
from citybrain.catalogue.model import Site
from simulators.heating import faults
from simulators.heating.buildings import daylight
from simulators.heating.conditions import Effect, Flags, conditions, in_season, season_start
from simulators.heating.plant import Outdoors, Plant, State
from simulators.heating.points import Points
from simulators.heating.primary import Primary
from simulators.heating.substation import HEAT_CAPACITY
from simulators.model import (
    DAY,
    HOUR,
    MINUTE,
    Fault,
    Happening,
    Layout,
    Polyline,
    Sensor,
    Signals,
    SimulatedDevice,
    SimulationError,
    Span,
    Times,
    Values,
)
from simulators.weather import Weather

STEP = 5 * MINUTE  # us
COARSE = 30 * MINUTE  # us, while walls come to their temperature
SETTLING, FINE = 10 * DAY, 3 * HOUR  # us of warm-up: in coarse steps, then in steps
FELT = np.arange(-11, 1) * STEP  # us: the hour whose mean controllers follow

PUMP_HEAD = 0.15  # MPa between supply and return, a platform assumption (S)
HOT_DENSITY = 0.958  # t/m3, of water at 100 degC


@dataclass(frozen=True, slots=True)
class Network:
    """A network and the ids of its sites."""

    name: str
    primary: Primary
    first: int
    """The column of its first station among all."""
    source: str
    stations: Mapping[str, str]
    """Site ids by the stations' names."""
    dwellings: Mapping[str, Sequence[str]]
    """Site ids by their station's name."""


class District:
    """Heating networks of one design, with their stations and dwellings."""

    faults: ClassVar[Sequence[type[Fault]]] = faults.FAULTS
    domain: ClassVar[str] = "heating"

    def __init__(
        self,
        layout: Layout,
        networks: Sequence[Network],
        plant: Plant,
        points: Points,
        weather: Weather,
        lines: Sequence[Polyline],
    ) -> None:
        self.sites: Sequence[Site] = layout.sites
        self.devices: Sequence[SimulatedDevice] = layout.devices
        self.sensors: Sequence[Sensor] = layout.sensors
        self.lines: Sequence[Polyline] = lines
        self.plant = plant
        self.points = points
        self.places: Collection[str] = [network.name for network in networks]
        self._networks = {network.name: network for network in networks}
        self._weather = weather

    def subjects(self, fault: Fault) -> frozenset[str]:
        """Ids of the sites at which alerts can show it.

        A leak shows at its station, a cold room at its dwelling. What takes heat from stations shows there and, after
        hours, in their dwellings; where the source fails, there, too.

        Raises:
            SimulationError: there is no such station or dwelling.
        """
        network, stations = self._hit(fault)
        names = [name for name, hit in zip(network.stations, stations, strict=True) if hit]
        if isinstance(fault, faults.ColdDwelling):
            return frozenset({network.dwellings[names[0]][fault.dwelling - 1]})
        found = {network.stations[name] for name in names}
        if not isinstance(fault, faults.PipeLeak):
            found.update(dwelling for name in names for dwelling in network.dwellings[name])
        if isinstance(fault, faults.SourceFailure):
            found.add(network.source)
        return frozenset(found)

    def begin(self, at: int, happenings: Sequence[Happening]) -> None:
        """Settle for ten days, so that walls are as warm as they should be."""
        self._effects = [self._effect(happening) for happening in happenings]
        switching = (h for h in happenings if isinstance(h.fault, faults.PumpStopped | faults.PowerCut))
        self._edges = np.unique([edge for h in switching for edge in (h.start, h.end)]).astype(np.int64)
        fine = (at - FINE) // COARSE * COARSE
        self._now = fine - SETTLING
        start = np.array([self._now])
        (outdoors,) = self._outdoors(start)
        self._state = self.plant.initial(outdoors, self._metered(self._now), bool(in_season(start)[0]))
        last = at // STEP * STEP
        for times in (np.arange(self._now + COARSE, fine + 1, COARSE), np.arange(fine + STEP, last, STEP)):
            for _ in self._states(times):
                pass
        settled = np.array([last])
        self._known = self._switched(settled, self._moved(settled))

    def signals(self, span: Span) -> Signals:
        """What is true in the next span, every 5 minutes and where something is switched."""
        times = np.arange(self._now + STEP, span.end + STEP, STEP)
        if len(times):
            grid = np.append(self._known.times, times)
            values = np.hstack((self._known.values, self._moved(times)))
            within = (self._edges > self._known.times[-1]) & (self._edges < grid[-1])
            every = np.union1d(grid, self._edges[within])
            self._known = self._switched(every, values[:, np.searchsorted(grid, every, side="right") - 1])
        first = np.searchsorted(self._known.times, span.start, side="right") - 1
        self._known = Signals(self._known.times[first:], self._known.values[:, first:])
        return self._known

    def _hit(self, fault: Fault) -> tuple[Network, Flags]:
        """The network, and which of its stations it acts on."""
        if not isinstance(fault, faults.NetworkFault):
            raise SimulationError(f"{fault.name} is no fault of heating networks.")
        network = self._networks[fault.place]
        if not isinstance(fault, faults.StationFault):
            return network, np.ones(len(network.stations), np.bool_)
        names = list(network.stations)
        if fault.station not in names:
            raise SimulationError(
                f"There is no station {fault.station!r} in the network {network.name}:"
                f" expected one of {', '.join(names)}{hint(fault.station, names)}."
            )
        known = len(network.dwellings[fault.station])
        if isinstance(fault, faults.ColdDwelling) and fault.dwelling > known:
            raise SimulationError(
                f"There is no dwelling {fault.dwelling} at station {fault.station} of the network {network.name}:"
                f" expected 1 to {known}."
            )
        if isinstance(fault, faults.Imbalance):
            return network, network.primary.pipes.branch(fault.station)
        return network, np.array([name == fault.station for name in names])

    def _effect(self, happening: Happening) -> Effect:
        network, stations = self._hit(happening.fault)
        return Effect(happening, network.first + np.flatnonzero(stations), list(self._networks).index(network.name))

    def _metered(self, at: int) -> Values:
        """GJ on the heat meters: what the weather of the season has asked for, as if rooms were as designed."""
        times = np.arange(season_start(at), at, HOUR)
        design = self.plant.design
        load = (design.indoor - self._weather.temperature(times)) / (design.indoor - design.outdoor)
        return np.asarray(self.plant.power * np.clip(load, 0, None)[in_season(times)].sum() * 3.6)

    def _outdoors(self, times: Times) -> Iterator[Outdoors]:
        temperature = self._weather.temperature((times[:, None] + FELT).ravel()).reshape(-1, len(FELT))
        columns = temperature[:, -1], temperature.mean(axis=1), daylight(times)
        return (Outdoors(*row) for row in zip(*(column.tolist() for column in columns), strict=True))

    def _states(self, times: Times) -> Iterator[State]:
        """The state at each of these times, which follow what is known; each interval has the conditions of its end.

        What begins at its very end does not count yet.
        """
        if not len(times):
            return
        held = conditions(times - 1, self._effects, len(self.plant.power), len(self.plant.networks))
        for row, (time, outdoors) in enumerate(zip(times.tolist(), self._outdoors(times), strict=True)):
            hours = (time - self._now) / HOUR
            self._state = self.plant.moved(self._state, hours, outdoors, held, row, self._draught(time - 1))
            self._now = time
            yield self._state

    def _draught(self, time: int) -> Values:
        found = np.zeros_like(self.plant.buildings.weight)
        for effect in self._effects:
            happening = effect.happening
            if isinstance(happening.fault, faults.ColdDwelling) and happening.start <= time < happening.end:
                found[effect.stations, happening.fault.dwelling] += happening.fault.by
        return found

    def _moved(self, times: Times) -> Values:
        """The values at these times, which follow what is known; what is switched is left out."""
        values = np.empty((len(times), self.points.outdoor + 1))
        for row, state in zip(values, self._states(times), strict=True):
            self._write(state, row)
        values[:, self.points.outdoor] = self._weather.temperature(times)
        return values.T

    def _write(self, state: State, row: Values) -> None:
        """Fill a row with all points in the order of `Points`, but for what is switched and the weather."""
        plant = self.plant
        mass = np.bincount(plant.network, plant.primary_flow * state.flow * state.running, len(plant.networks))  # kg/s
        parts = (
            state.supply,
            state.back,
            state.primary_supply,
            state.primary_back,
            state.pressure + PUMP_HEAD * state.running,
            state.pressure,
            plant.circulation * state.running,
            state.makeup,
            plant.power * state.power,
            state.energy,
            state.opening * 100,
            state.running,
            state.running,
            (state.indoor - state.draught)[:, 1:].ravel(),
            state.source,
            state.source_back,
            mass * 3.6 / HOT_DENSITY,
            mass * HEAT_CAPACITY * (state.source - state.source_back),
        )
        np.concatenate(parts, out=row[: self.points.outdoor])

    def _switched(self, times: Times, values: Values) -> Signals:
        """With pumps and power as they are at the very instants."""
        stations = len(self.plant.power)
        now = conditions(times, self._effects, stations, len(self.plant.networks))
        for metric, flags in (("pump_running", now.running), ("mains_power", now.powered)):
            first = self.points.station(metric, 0)
            values[first : first + stations] = flags.T
        return Signals(times, values)
