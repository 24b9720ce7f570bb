"""Flows and pressures of one zone through time: EPANET, solved at each instant that is asked for.

Water balance of every step: what reservoirs and tanks give is what is delivered, plus what leaks. Leaks, bursts and
open hydrants are emitters, q = C p^0.5 (an orifice; N1 = 0.5 of IWA's L1/L0 = (P1/P0)^N1, whose range is 0.5 to 1.5;
EPANET 2.2 has one exponent for all). Demand depends on pressure by Wagner's formula, d = D (p / p_required)^0.5 below
the required pressure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simulators.model import SECOND, Values
from simulators.water import epanet
from simulators.water.demand import Demand
from simulators.water.network import MPA_PER_METRE, REQUIRED, STEP, Network

HOUR, DAY = 3600, 86_400  # s
NOMINAL = 30.0  # m of pressure at which the flow of an emitter is given


@dataclass(frozen=True, slots=True)
class Gauges:
    """What is measured in a zone: ids of nodes for pressures, of tanks for levels, of pumps for flows."""

    pressures: tuple[str, ...]
    tanks: tuple[str, ...]
    pumps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class State:
    """What is true at an instant.

    Attributes:
        inflow: Of the zone, from all reservoirs and tanks, m3/h.
        delivered: To customers, m3/h.
        pressures: MPa.
        levels: Above the bottom of the tanks, m.
        flows: Of the pumps, m3/h.
        running: Whether each pump is switched on.
    """

    inflow: float
    delivered: float
    pressures: Values
    levels: Values
    flows: Values
    running: Values


class Hydraulics:
    """A zone's network at work. Instants are whole seconds since the epoch."""

    def __init__(self, network: Network, demand: Demand, supply: float, leakage: float, gauges: Gauges) -> None:
        """A zone with a supply of so many m3/h on average, of which this share leaks at the usual pressures."""
        self._network = network
        self._demand = demand
        junctions = network.junctions
        self._delivery = supply * (1 - leakage) * junctions.demand  # m3/h of each junction on average
        # The file's demands are those of `network.supply`; all else is in the patterns.
        self._level = supply * (1 - leakage) / network.supply
        metres = np.maximum(junctions.usual / MPA_PER_METRE, 1.0)
        leaking = supply * leakage * junctions.pipes / np.sqrt(metres)
        self._leaking = dict(zip(junctions.names, leaking.tolist(), strict=True))
        self._gauges = gauges

    def begin(self, midnight: int, fine: int) -> None:
        """Start at a local midnight, in the network's initial state, with demands by the hour until `fine`.

        Both are instants at which the state is asked for; `fine` is a full hour.
        """
        self._engine = engine = epanet.Epanet(self._network.text)
        self._start = self._now = midnight
        self._fine = fine
        self._patterns = [engine.pattern(f"{name}~") for name in self._network.junctions.names]
        self._others = {engine.pattern(name): values for name, values in self._network.patterns.items()}
        self._drawing = [engine.node(name) for name in self._network.junctions.names]
        self._supplying = [engine.node(name) for name in self._network.reservoirs + self._network.tanks]
        self._nodes = [engine.node(name) for name in self._gauges.pressures]
        self._tanks = [engine.node(name) for name in self._gauges.tanks]
        self._pumps = [engine.link(name) for name in self._gauges.pumps]
        for name, coefficient in self._leaking.items():
            engine.set_node(engine.node(name), epanet.EMITTER, coefficient)
        self._emitting: Mapping[str, float] = {}
        self._closed: frozenset[str] = frozenset()
        self._step = HOUR
        self.supplied = self.sold = 0.0  # m3 since the start

    def at(self, instant: int, emitters: Mapping[str, float], closed: frozenset[str]) -> State:
        """What is true at an instant after the last.

        Args:
            instant: Seconds since the epoch.
            emitters: What flows out of nodes from then on besides the usual leakage, m3/h at `NOMINAL` pressure.
            closed: Pipes that are closed from then on.
        """
        while self._now < instant:
            passed = self._engine.advance(instant - self._now)
            self.supplied += self._inflow * passed / 3600
            self.sold += self._delivered * passed / 3600
            self._now += passed
            if self._now < instant:
                self._solve()
        if instant == self._fine:
            self._step = STEP
        if instant == self._fine or (instant - self._start) % DAY == 0:
            self._load()
        self._emit(emitters)
        self._close(closed)
        self._solve()
        return self._state()

    def _load(self) -> None:
        """The demands of the day that is now."""
        self._midnight = self._now - (self._now - self._start) % DAY
        every = self._step // STEP
        shape = self._demand.day(self._midnight * SECOND)[:, ::every]
        self._wanted = self._delivery[:, None] * shape  # m3/h of each junction
        self._engine.set_step(epanet.PATTERN_STEP, self._step)
        for index, multipliers in zip(self._patterns, shape, strict=True):
            self._engine.set_pattern(index, multipliers * self._level)
        for index, multipliers in self._others.items():
            self._engine.set_pattern(index, multipliers[::every])

    def _emit(self, emitters: Mapping[str, float]) -> None:
        for name in emitters.keys() | self._emitting.keys():
            flow = emitters.get(name, 0.0)
            if flow != self._emitting.get(name, 0.0):
                coefficient = self._leaking.get(name, 0.0) + flow / NOMINAL**0.5
                self._engine.set_node(self._engine.node(name), epanet.EMITTER, coefficient)
        self._emitting = dict(emitters)

    def _close(self, closed: frozenset[str]) -> None:
        for name in closed ^ self._closed:
            self._engine.set_link(self._engine.link(name), epanet.STATUS, float(name not in closed))
        self._closed = closed

    def _solve(self) -> None:
        engine = self._engine
        engine.solve()
        # What EPANET calls the demand of a reservoir or tank is what flows into it.
        self._inflow = -sum(engine.of_node(index, epanet.NODE_DEMAND) for index in self._supplying)
        wanted = self._wanted[:, (self._now - self._midnight) // self._step]
        if engine.statistic(epanet.DEFICIENT_NODES):
            metres = np.array([engine.of_node(index, epanet.PRESSURE) for index in self._drawing])
            wanted = wanted * np.sqrt(np.clip(metres / REQUIRED, 0, 1))
        self._delivered = float(wanted.sum())

    def _state(self) -> State:
        engine = self._engine
        metres = np.array([engine.of_node(index, epanet.PRESSURE) for index in self._nodes])
        return State(
            inflow=self._inflow,
            delivered=self._delivered,
            pressures=np.maximum(metres, 0.0) * MPA_PER_METRE,
            levels=np.array([engine.of_node(index, epanet.PRESSURE) for index in self._tanks]),
            flows=np.array([engine.of_link(index, epanet.FLOW) for index in self._pumps]),
            running=np.array([engine.of_link(index, epanet.STATUS) for index in self._pumps]),
        )
