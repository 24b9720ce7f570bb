"""Sources, stations and buildings together: their state, and how it moves on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simulators.heating.buildings import DRAUGHT, Buildings
from simulators.heating.conditions import Conditions, Flags
from simulators.heating.pipes import design_flow
from simulators.heating.primary import GROUND, LEVELS, Primary, Response
from simulators.heating.substation import (
    CLOSED,
    DENSITY,
    HEAT_CAPACITY,
    PRIMARY_LEAST,
    PRIMARY_MOST,
    PRIMARY_RETURN,
    PRIMARY_SUPPLY,
    TIGHTNESS,
    Exchanger,
    curve,
    made_up,
)
from simulators.model import Values

# Platform assumptions (S).
CONTROL = 0.12  # hours that a station's controller takes to follow its set point
SOURCE = 0.5  # hours that a source takes to follow its own
COOLING = 3.0  # hours that standing water takes to cool down
ROOM = 12.0  # degC of a plant room in winter
PRESSURES = (0.28, 0.36)  # MPa, what stations hold at the return


class Outdoors(NamedTuple):
    """The weather at an instant."""

    temperature: float
    """degC."""
    felt: float
    """Mean of the hour before, which controllers follow, degC."""
    sun: float
    """From 0 to 1."""


@dataclass(frozen=True, slots=True)
class State:
    """A value for each station, unless it says otherwise; powers and flows are shares of the design values."""

    running: Flags
    """Whether the circulation pump runs."""
    supply: Values
    """Secondary side, degC."""
    back: Values
    primary_supply: Values
    """degC."""
    primary_back: Values
    flow: Values
    """Of the primary side."""
    opening: Values
    """Of the control valve, from 0 to 1."""
    power: Values
    pressure: Values
    """Of the secondary return, MPa."""
    makeup: Values
    """m3/h."""
    energy: Values
    """GJ on the heat meter."""
    source: Values
    """Supply temperature of each network's source, degC."""
    source_back: Values
    """Return temperature of each network's source, degC."""
    indoor: Values
    """Of each cell of the buildings, degC."""
    drop: Values
    """Kelvin that the water cools by in the radiators of each cell."""
    draught: Values
    """Kelvin that the air of each cell is colder than its walls."""


class Plant:
    """Networks with their stations, one after the other, and the buildings behind them."""

    def __init__(self, networks: Sequence[Primary], buildings: Buildings, pressure: Values) -> None:
        self.networks = networks
        self.buildings = buildings
        self.design = buildings.design
        self.exchanger = Exchanger.sized(self.design)
        self.pressure = pressure  # what stations hold at the return, MPa
        self.power = np.concatenate([network.pipes.power for network in networks])  # MW at the design temperature
        self.network = np.repeat(np.arange(len(networks)), [len(network.pipes.stations) for network in networks])
        self.primary_flow = design_flow(self.power)  # kg/s
        # m3/h of the secondary side
        self.circulation = self.power / (HEAT_CAPACITY * self.design.spread) * 3.6 / DENSITY
        self._held: tuple[bytes, Response] | None = None

    def initial(self, outdoors: Outdoors, energy: Values, season: bool) -> State:
        """A state from which some days lead to the true one; `energy` is on the meters, GJ."""
        ones = np.ones(len(self.power))
        supply, back = curve(self.design, np.array(outdoors.felt), self.design.supply, self.design.back)
        indoor = self.design.indoor + 1.5 if season else outdoors.temperature + 3
        cells = np.ones_like(self.buildings.weight)
        networks = np.ones(len(self.networks))
        return State(
            running=ones > 0,
            supply=supply * ones,
            back=back * ones,
            primary_supply=PRIMARY_LEAST * ones,
            primary_back=back * ones,
            flow=ones,
            opening=ones,
            power=0 * ones,
            pressure=self.pressure,
            makeup=0 * ones,
            energy=energy,
            source=PRIMARY_LEAST * networks,
            source_back=float(back) * networks,
            indoor=indoor * cells,
            drop=float(supply - back) * cells,
            draught=0 * cells,
        )

    def moved(
        self, state: State, hours: float, outdoors: Outdoors, conditions: Conditions, row: int, draught: Values
    ) -> State:
        """The state after some time in which conditions and weather are as given.

        The exchanger takes in what came back at the instant before: the water between is the store of the network.

        Args:
            state: Before.
            hours: The time.
            outdoors: At its end.
            conditions: Those of this time are in the given row.
            row: Which.
            draught: Kelvin that the air of each cell comes to be colder than its walls.
        """
        running, share = conditions.running[row], conditions.share[row]
        least, most = conditions.least[row], conditions.most[row]
        room = max(outdoors.temperature, ROOM)
        cooling = np.exp(-hours / COOLING)

        def cooled(value: Values) -> Values:
            return np.asarray(room + (value - room) * cooling)

        source = self._source(state, hours, outdoors, conditions, row)
        level = self._level(state, (least <= CLOSED) & (most >= 1) & (share >= 1))
        reach, passing = self._response(least * share, most * share).at(level)
        passing = passing * share
        hot = GROUND + (source[self.network] - GROUND) * reach

        wanted, _ = curve(self.design, np.array(outdoors.felt), self.design.supply, self.design.back)
        supply = state.supply + (wanted - state.supply) * -np.expm1(-hours / CONTROL)
        need = (supply - state.back) * self.exchanger.secondary
        clean = conditions.clean[row]
        flow = self.exchanger.flow(need, hot, state.back, clean, state.flow, least * passing, most * passing)
        power = np.where(running, self.exchanger.power(flow, hot, state.back, clean), 0.0)
        supply = np.where(running, state.back + power / self.exchanger.secondary, cooled(state.supply))

        drop = np.where(running[:, None], self.buildings.drop(supply, state.indoor, state.drop), 0.0)
        back = np.where(running, supply - (self.buildings.weight * drop).sum(axis=1), cooled(state.back))
        primary_supply = np.where(running, hot, cooled(state.primary_supply))
        primary_back = np.where(running, hot - power / (self.exchanger.primary * flow), cooled(state.primary_back))
        lost = TIGHTNESS * self.circulation + conditions.leak[row]
        pressure, makeup = made_up(
            state.pressure, self.pressure, lost, self.circulation, conditions.powered[row], hours
        )
        return State(
            running=running,
            supply=supply,
            back=back,
            primary_supply=primary_supply,
            primary_back=primary_back,
            flow=flow,
            opening=np.where(running, flow / passing, 0.0),
            power=power,
            pressure=pressure,
            makeup=makeup,
            energy=state.energy + (state.power + power) / 2 * self.power * hours * 3.6,
            source=source,
            source_back=self._returned(reach, flow * running, primary_back, cooled(state.source_back)),
            indoor=self.buildings.warmed(state.indoor, drop, outdoors.temperature, outdoors.sun, hours),
            drop=drop,
            draught=state.draught + (draught - state.draught) * -np.expm1(-hours / DRAUGHT),
        )

    def _source(self, state: State, hours: float, outdoors: Outdoors, conditions: Conditions, row: int) -> Values:
        """Supply temperature of the sources: they follow the weather, too, but not below what they must hold."""
        wanted, _ = curve(self.design, np.array(outdoors.felt), PRIMARY_SUPPLY, PRIMARY_RETURN)
        held = np.clip(wanted, PRIMARY_LEAST, PRIMARY_MOST) - conditions.missing[row]
        if conditions.season[row]:
            end, lag = np.maximum(held, state.source_back), SOURCE
        else:
            end, lag = np.full_like(held, max(outdoors.temperature, ROOM)), COOLING
        return np.asarray(state.source + (end - state.source) * -np.expm1(-hours / lag))

    def _level(self, state: State, free: Flags) -> Values:
        """The mean flow of those stations of the network whose valves are free, for each station."""
        weight = self.primary_flow * free
        total, whole = (
            np.bincount(self.network, values, len(self.networks)) for values in (weight * state.flow, weight)
        )
        mean = np.divide(total, whole, out=np.full(len(self.networks), LEVELS[0]), where=whole > 0)
        return np.asarray(mean[self.network])

    def _response(self, least: Values, most: Values) -> Response:
        key = least.tobytes() + most.tobytes()
        if self._held is None or self._held[0] != key:
            ends = np.cumsum(np.bincount(self.network))[:-1]
            parts = zip(self.networks, np.split(least, ends), np.split(most, ends), strict=True)
            found = [network.response(low, high) for network, low, high in parts]
            reach = np.hstack([response.reach for response in found])
            self._held = key, Response(reach, np.hstack([response.passing for response in found]))
        return self._held[1]

    def _returned(self, reach: Values, flow: Values, back: Values, standing: Values) -> Values:
        """Return temperature of the sources: what comes from the stations mixes, and loses heat as on the way there."""
        weight = self.primary_flow * flow
        heat, total = (
            np.bincount(self.network, values, len(self.networks))
            for values in (weight * (back - GROUND) * reach, weight)
        )
        warmer = np.divide(heat, total, out=standing - GROUND, where=total > 0)
        return np.asarray(warmer + GROUND)
