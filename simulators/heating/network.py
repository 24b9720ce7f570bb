"""Heating networks in a city file, and the sites, devices and sensors that they make."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import ceil
from typing import NamedTuple

import numpy as np
from pydantic import Field, model_validator

from citybrain.catalogue import schema
from citybrain.catalogue.messages import hint
from citybrain.catalogue.model import Site, Text
from citybrain.derived.heating_curve import DESIGN
from simulators import chance
from simulators.heating import pipes
from simulators.heating.buildings import Buildings
from simulators.heating.district import District, Network
from simulators.heating.pipes import Pipes
from simulators.heating.plant import PRESSURES, Plant
from simulators.heating.points import SOURCE, STATION, Points
from simulators.heating.primary import Primary
from simulators.heating.substation import Design
from simulators.model import Block, Context, Layout, Polyline, Reads, Sensor, SimulatedDevice, SimulationError, Values
from simulators.weather import METRES_PER_DEGREE

LARGEST = 40  # stations of a network; more make another one
CARRIED = 25  # dwellings of a concentrator, at most
HOME = 90.0  # m2 of a dwelling, a platform assumption (S)
NEAR = 250.0  # m, how far dwellings are from their station at most, east or north


class Instrument(NamedTuple):
    """How a metric is measured; noise and resolution in its unit are platform assumptions (S)."""

    noise: float
    resolution: float
    least: float = -np.inf
    most: float = np.inf
    reads: Reads = "instant"


INSTRUMENTS = {
    "supply_temp": Instrument(0.1, 0.1),
    "return_temp": Instrument(0.1, 0.1),
    "primary_supply_temp": Instrument(0.1, 0.1),
    "primary_return_temp": Instrument(0.1, 0.1),
    "supply_pressure": Instrument(0.001, 0.001, 0.0),
    "return_pressure": Instrument(0.001, 0.001, 0.0),
    "flow": Instrument(0.4, 0.1, 0.0),
    "makeup_flow": Instrument(0.01, 0.01, 0.0),
    "heat_power": Instrument(0.01, 0.001, 0.0),
    "heat_energy": Instrument(0.0, 0.01),
    "valve_opening": Instrument(0.2, 0.1, 0.0, 100.0),
    "pump_running": Instrument(0.0, 0.0, reads="held"),
    "mains_power": Instrument(0.0, 0.0, reads="held"),
    "indoor_temp": Instrument(0.05, 0.1),
    "outdoor_temp": Instrument(0.05, 0.1),
}


class _Part(NamedTuple):
    """One network before it has sites; `places` in metres east and north of the middle, the source first."""

    name: str
    pipes: Pipes
    places: Values


class HeatNetwork(Block):
    """A heat source, the stations that its primary network feeds, and dwellings behind them that are measured."""

    region: schema.Id
    """Id of the region in which all of it lies."""
    name: schema.Id
    """Its place in scenarios, and part of the ids of its sites; unique in the city."""
    title: schema.Title
    """What it is called."""
    stations: int = Field(14, ge=1)
    """Heat exchange stations; beyond 40 there are further networks, called name-2 and so on."""
    dwellings: int = Field(14, ge=1, le=200)
    """Measured dwellings of each station."""
    longitude: float = Field(ge=-180, le=180)
    """Of its middle, degrees east, WGS84."""
    latitude: float = Field(ge=-85, le=85)
    """Of its middle, degrees north."""
    span: float = Field(0.05, gt=0, le=1)
    """Degrees of longitude and of latitude that it reaches over."""
    pipes: str | None = None
    """A CSV file with the columns from, to, length_m and diameter_mm of another network than the one that is grown. The
    first row begins at the heat source, and each other node with a single pipe is a station; `stations` is not used."""
    design_indoor_temp: float = Field(DESIGN["design_indoor_temp"], ge=5, le=30)
    """Of the secondary side, like the four that follow; degC."""
    design_outdoor_temp: float = Field(DESIGN["design_outdoor_temp"], ge=-50, le=4)
    """degC."""
    design_supply_temp: float = Field(DESIGN["design_supply_temp"], ge=30, le=100)
    """degC."""
    design_return_temp: float = Field(DESIGN["design_return_temp"], ge=25, le=58)
    """degC."""
    radiator_exponent: float = Field(DESIGN["radiator_exponent"], ge=0, le=0.5)
    """Without a unit."""

    @model_validator(mode="after")
    def _falling(self) -> HeatNetwork:
        if not self.design_supply_temp > self.design_return_temp > self.design_indoor_temp:
            raise ValueError("expected design_supply_temp > design_return_temp > design_indoor_temp")
        return self

    def build(self, context: Context) -> District:
        """The networks, their stations and dwellings.

        Raises:
            SimulationError: there is no such region, or the file of pipes can't be used.
        """
        regions = context.catalogue.regions
        if self.region not in regions:
            known = hint(self.region, regions)
            raise SimulationError(f"Heating network {self.name}: there is no region {self.region}{known}.")
        parts = self._parts(context)
        design = Design(
            self.design_indoor_temp,
            self.design_outdoor_temp,
            self.design_supply_temp,
            self.design_return_temp,
            self.radiator_exponent,
        )
        ends = list(accumulate(len(part.pipes.stations) for part in parts))
        points = Points(ends[-1], self.dwellings, len(parts))
        layout = Layout()
        layout.add(*self._weather_station(points))
        networks = [
            self._laid(layout, part, number, ends[number] - len(part.pipes.stations), points)
            for number, part in enumerate(parts)
        ]
        ids = [site for network in networks for site in network.stations.values()]
        homes = np.concatenate([part.pipes.power for part in parts]) / pipes.DESIGN_LOAD / HOME
        buildings = Buildings.drawn(design, context.seed, ids, homes, self.dwellings)
        keys = np.array([chance.key(context.seed, site, "pressure") for site in ids], np.uint64)
        held = PRESSURES[0] + (PRESSURES[1] - PRESSURES[0]) * chance.uniform(keys, np.zeros(len(ids), np.int64))
        plant = Plant([network.primary for network in networks], buildings, held)
        return District(layout, networks, plant, points, context.weather, [*self._lines(parts)])

    def _parts(self, context: Context) -> list[_Part]:
        """The networks that so many stations make; a network of a file is repeated as a whole."""
        if self.pipes is not None:
            read = pipes.read(context.folder / self.pipes)
            copies = context.scaled(1)
            return [self._part(context.seed, number, len(read.stations), read) for number in range(copies)]
        count = context.scaled(self.stations)
        sizes = [min(LARGEST, count - first) for first in range(0, count, LARGEST)]
        return [self._part(context.seed, number, size, None) for number, size in enumerate(sizes)]

    def _part(self, seed: int, number: int, stations: int, read: Pipes | None) -> _Part:
        """A network whose stations lie by chance around its source; further ones lie beside the first."""
        name = self.name if number == 0 else f"{self.name}-{number + 1}"
        reach = self.span * METRES_PER_DEGREE / 2 * np.array([np.cos(np.radians(self.latitude)), 1.0])
        away = np.sqrt(number) * 0.8 * np.array([np.cos(2.4 * number), np.sin(2.4 * number)])  # a sunflower's spiral
        spread = _spread(seed, name, stations + 1)
        places = reach * (2 * spread - 1 + 2 * away)
        grown = read or pipes.grown(seed, name, places[0], places[1:])
        return _Part(name, grown, places)

    def _lines(self, parts: Sequence[_Part]) -> Iterator[Polyline]:
        """The pipes between places that are known: a file does not say where pipes meet."""
        for part in parts:
            places = dict(zip((0, *part.pipes.nodes.tolist()), part.places, strict=True))
            for pipe in zip(part.pipes.starts.tolist(), part.pipes.ends.tolist(), strict=True):
                if places.keys() >= set(pipe):
                    yield Polyline("pipe", [self._degrees(places[node]) for node in pipe])

    def _laid(self, layout: Layout, part: _Part, number: int, first: int, points: Points) -> Network:
        """Put a network's sites into the layout."""
        title = self.title.text()
        if number:
            title = Text(f"{title.zh}{number + 1}区", f"{title.en} {number + 1}")
        source = f"sim-heating-{part.name}-source"
        site = self._site(
            source, Text(f"{title.zh}热源", f"{title.en}, heat source"), "source", part.places[0], part.name
        )
        layout.add(site, *(_sensor(source, metric, points.source(metric, number)) for metric in SOURCE))
        stations, dwellings = {}, {}
        for index, name in enumerate(part.pipes.stations):
            id_ = f"sim-heating-{part.name}-s{index + 1:02}"
            place = part.places[index + 1]
            words = Text(f"{title.zh}{name}号换热站", f"{title.en}, station {name}")
            site = self._site(id_, words, "heat_exchange_station", place, part.name)
            layout.add(site, *(_sensor(id_, metric, points.station(metric, first + index)) for metric in STATION))
            stations[name] = id_
            dwellings[name] = self._homes(layout, site, place, points, first + index)
        return Network(part.name, Primary(part.pipes), first, source, stations, dwellings)

    def _homes(self, layout: Layout, station: Site, place: Values, points: Points, column: int) -> list[str]:
        """Put a station's dwellings into the layout, and the concentrators through which they send."""
        count = ceil(self.dwellings / CARRIED)
        concentrators = [f"{station.id}-c{number + 1}" for number in range(count)]
        layout.devices.extend(SimulatedDevice(name, station.id) for name in concentrators)
        ids = [f"{station.id}-d{number + 1:02}" for number in range(self.dwellings)]
        spread = _spread(0, station.id, self.dwellings)
        for number, id_ in enumerate(ids):
            building, flat = number // 3 + 1, (number % 3 + 1, 100 * (number * 5 % 6 + 1) + 1 + number % 2)
            words = Text(
                f"{station.title.zh}{building}号楼{flat[0]}单元{flat[1]}室",
                f"{station.title.en}, building {building}, flat {flat[0]}-{flat[1]}",
            )
            site = self._site(id_, words, "dwelling", place + NEAR * (2 * spread[number] - 1))
            sensor = _sensor(id_, "indoor_temp", points.dwelling(column, number))
            layout.add(site, sensor, gateway=concentrators[number // CARRIED], battery=True)
        return ids

    def _weather_station(self, points: Points) -> tuple[Site, Sensor]:
        id_ = f"sim-heating-{self.name}-weather"
        words = Text(f"{self.title.zh}气象站", f"{self.title.en}, weather station")
        site = self._site(id_, words, "weather_station", np.array([300.0, -200.0]))
        return site, _sensor(id_, "outdoor_temp", points.outdoor)

    def _site(self, id_: str, title: Text, kind: str, place: Values, network: str | None = None) -> Site:
        """A site so many metres east and north of the middle; a station has design values where they are its own."""
        longitude, latitude = self._degrees(place)
        attributes: dict[str, str | float | bool] = {"network": network} if network else {}
        if kind == "heat_exchange_station":
            attributes |= {name: value for name in DESIGN if (value := getattr(self, name)) != DESIGN[name]}
        return Site(id_, title, self.region, "heating", kind, longitude, latitude, attributes)

    def _degrees(self, place: Values) -> tuple[float, float]:
        """Longitude and latitude of a place so many metres east and north of the middle."""
        east, north = place.tolist()
        longitude = self.longitude + east / (METRES_PER_DEGREE * np.cos(np.radians(self.latitude)))
        return round(float(longitude), 6), round(self.latitude + north / METRES_PER_DEGREE, 6)


def _spread(seed: int, name: str, count: int) -> Values:
    """Places by chance in a square of side 1, in two columns."""
    keys = np.array([chance.key(seed, name, axis) for axis in ("east", "north")], np.uint64)
    return chance.uniform(keys, np.arange(count)[:, None])


def _sensor(device: str, metric: str, point: int) -> Sensor:
    noise, resolution, least, most, reads = INSTRUMENTS[metric]
    return Sensor(device, metric, point, noise, resolution, reads, least=least, most=most)
