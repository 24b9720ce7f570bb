"""Metered zones of a city's water network: what a city file says of them, and the source that is built from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, StringConstraints

from citybrain.catalogue import messages
from citybrain.catalogue.model import Site
from citybrain.catalogue.schema import Id, Line, Title
from simulators import chance
from simulators.model import (
    SECOND,
    Block,
    Context,
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
from simulators.water import faults
from simulators.water.network import STEP, read_network
from simulators.water.sites import Plan, site_of
from simulators.water.zone import Zone, chosen, marks

SMALLEST = 0.85  # share of a block's supply that its smallest zone has; platform assumption
MOST_ZONES = 50  # EPANET takes 2.3 MB for each; a larger block has more pressure points in each instead
LEAKAGE_VARIES = 0.007  # share that a zone's leakage rate lies above or below the block's at most


class Zones(Block):
    """Metered zones, each an instance of one EPANET network with demand, leakage and chance of its own."""

    region: Id
    """Id of the region that they lie in."""
    name: Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9]{0,19}$")]
    """Short name: zone 3 of `linhe` is the place `linhe-3`, and its sites' ids begin with `sim-water-linhe-3`."""
    title: Title
    """What the zones' titles begin with, such as 临河 and Linhe."""
    network: Line = "Net3"
    """A network of WNTR's library, or the path of an EPANET file."""
    zones: int = Field(1, ge=1, le=1000)
    """How many zones; scaled."""
    supply: float = Field(150.0, gt=0, le=100_000)
    """M3/h that the largest zone is supplied with on average. The network is scaled to it, its heads stay."""
    leakage: float = Field(8.3, ge=3, le=40)
    """About the percentage of the supply that is not billed for; 1.5 of it is use that is authorised."""
    longitude: float = Field(ge=-180, le=180)
    """Of the middle of the zones, degrees east."""
    latitude: float = Field(ge=-85, le=85)
    """Of the middle of the zones, degrees north."""
    span: float = Field(1500.0, gt=0, le=50_000)
    """Metres from one end of a zone to the other."""
    critical_points: int = Field(3, ge=1, le=50)
    """Critical points of a zone."""
    ends: int = Field(3, ge=0, le=50)
    """Measured ends of a zone's network."""
    pressure_points: int = Field(3, ge=0, le=50)
    """Other places of a zone where pressure is measured."""
    taps: int = Field(4, ge=0, le=50)
    """Taps of a zone where the water's quality is measured, on batteries."""
    tanks: int = Field(3, ge=0, le=50)
    """Tanks of a zone whose level is measured, at most."""
    pump_houses: int = Field(2, ge=0, le=50)
    """Pump houses of a zone, at most; the largest ones."""

    def build(self, context: Context) -> WaterZones:
        """The zones with all that measures there.

        Raises:
            SimulationError: the region is unknown, or the network can't be used.
        """
        regions = context.catalogue.regions
        if self.region not in regions:
            raise SimulationError(
                f"The water zones {self.name} lie in the region {self.region!r}, which there is not"
                f"{messages.hint(self.region, regions)}."
            )
        network = read_network(self.network, context.folder, self.supply)
        wanted = context.scaled(self.zones)
        count = min(wanted, MOST_ZONES)
        each = 3 + self.critical_points + self.ends + self.pressure_points + self.taps + self.tanks + self.pump_houses
        points = chosen(
            network,
            critical=self.critical_points,
            ends=self.ends,
            others=self.pressure_points + (wanted - count) * each // count,
            taps=self.taps,
            tanks=self.tanks,
            houses=self.pump_houses,
        )
        zones: dict[str, Zone] = {}
        layout, lines = Layout(), list[Polyline]()
        row = 0
        for number in range(1, count + 1):
            key = chance.key(context.seed, "water", self.name, number)
            draws = chance.uniform(np.asarray(key), np.arange(1, 3))
            supply = self.supply * (SMALLEST + (1 - SMALLEST) * draws[0])
            leakage = self.leakage / 100 + LEAKAGE_VARIES * (2 * draws[1] - 1)
            zone = Zone(network, points, key, float(supply), float(leakage))
            plan = Plan(self, number, zone, row, layout)
            plan.lay_out()
            lines += plan.lines()
            zones[f"{self.name}-{number}"] = zone
            row += len(zone)
        return WaterZones(zones, layout, lines)


class WaterZones:
    """The zones of one block as a source."""

    domain: ClassVar[str] = "water"
    faults: ClassVar[Sequence[type[Fault]]] = faults.KINDS

    def __init__(self, zones: Mapping[str, Zone], layout: Layout, lines: Sequence[Polyline]) -> None:
        self._zones = zones
        self.sites: Sequence[Site] = layout.sites
        self.devices: Sequence[SimulatedDevice] = layout.devices
        self.sensors: Sequence[Sensor] = layout.sensors
        self.lines: Sequence[Polyline] = lines
        self.places: Collection[str] = zones.keys()

    def subjects(self, fault: Fault) -> frozenset[str]:
        """The sites of the zone where the fault is seen: by hydraulics, by the inlet's meter alone, or by quality."""
        assert isinstance(fault, faults.WaterFault)  # noqa: S101  # The kinds are those of `faults`.
        self._zones[fault.place].check(fault)
        prefix = site_of(fault.place)
        balance = {prefix, f"{prefix}-inlet"}
        points = self._zones[fault.place].points
        if isinstance(fault, faults.MeterDrift):
            return frozenset(balance)
        if isinstance(fault, faults.Turbid):
            if fault.tap is not None:
                return frozenset({f"{prefix}-tap-{fault.tap}"})
            return frozenset({f"{prefix}-works", *_numbered(prefix, "tap", len(points.taps))})
        found = balance | {
            *_numbered(prefix, "critical", len(points.critical)),
            *_numbered(prefix, "end", len(points.ends)),
            *_numbered(prefix, "point", len(points.others)),
        }
        if isinstance(fault, faults.PumpFault):
            found.add(f"{prefix}-pumps-{fault.house}")
        return frozenset(found)

    def begin(self, at: int, happenings: Sequence[Happening]) -> None:
        """Let all zones settle, for at least two days before."""
        first = at // SECOND // STEP * STEP
        self._marks = sorted(set(chain.from_iterable(marks(happening) for happening in happenings)))
        for place, zone in self._zones.items():
            here = [h for h in happenings if isinstance(h.fault, faults.WaterFault) and h.fault.place == place]
            zone.begin(first, here)
        self._times = np.empty(0, np.int64)
        self._values = np.empty((sum(map(len, self._zones.values())), 0))
        self._now = first - 1
        self._advance(first)

    def signals(self, span: Span) -> Signals:
        """What is true in the next span."""
        until = -(-span.end // (STEP * SECOND)) * STEP
        if until > self._now:
            self._advance(until)
        first = int(np.searchsorted(self._times, span.start, "right")) - 1
        self._times, self._values = self._times[first:], self._values[:, first:]
        last = int(np.searchsorted(self._times, span.end, "left")) + 1
        return Signals(self._times[:last], self._values[:, :last])

    def _advance(self, until: int) -> None:
        """Solve all instants up to that of `until` (s), a multiple of `STEP`."""
        grid = np.arange(-(-(self._now + 1) // STEP) * STEP, until + 1, STEP)
        sharp = [mark for mark in self._marks if self._now < mark <= until]
        instants: Times = np.union1d(grid, np.array(sharp, np.int64))
        self._values = np.hstack((self._values, self._solved(instants)))
        self._times = np.concatenate((self._times, instants * SECOND))
        self._now = until

    def _solved(self, instants: Times) -> Values:
        found = []
        for place, zone in self._zones.items():
            try:
                found.append(zone.advance(instants))
            except SimulationError as error:
                raise SimulationError(f"The water zone {place} can't be simulated: {error}") from None
        return np.concatenate(found)


def _numbered(prefix: str, kind: str, count: int) -> list[str]:
    return [f"{prefix}-{kind}-{n}" for n in range(1, count + 1)]
