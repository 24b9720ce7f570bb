"""Areas of a city with air stations: what they measure, and what the air there truly is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import ClassVar, NamedTuple

import numpy as np
from pydantic import Field

from citybrain.catalogue import messages, schema
from citybrain.catalogue.model import Site, Text
from simulators import chance
from simulators.air import base, plume
from simulators.air.base import Level, Pollutant, Station
from simulators.air.episodes import AirFault, Dust, Inversion, Places, Plume, Wind, pollute, seen, wind_with
from simulators.chance import Keys
from simulators.model import (
    HOUR,
    MINUTE,
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
from simulators.weather import METRES_PER_DEGREE, Weather

STEP = 10 * MINUTE  # of the truth; a part of half an hour, so that hours keep their means

BIAS = 0.06  # by which a small station's place differs from what lies between the large ones; platform assumption
FLICKER = 0.05  # by which it differs more or less from hour to hour; platform assumption


class Precision(NamedTuple):
    """How a quantity is measured: standard deviation and step of a display, in the metric's unit."""

    noise: float
    step: float


# Noise is a platform assumption; small stations have twice as much.
POLLUTANTS: dict[Pollutant, Precision] = {
    "pm25": Precision(0.5, 1),
    "pm10": Precision(0.8, 1),
    "so2": Precision(0.7, 1),
    "no2": Precision(1.0, 1),
    "co": Precision(0.02, 0.01),
    "o3": Precision(1.5, 1),
}
WEATHER = {
    "temperature": Precision(0.1, 0.1),
    "dew_point": Precision(0.1, 0.1),
    "air_pressure": Precision(0.1, 0.1),
    "wind_speed": Precision(0.1, 0.1),
    "wind_direction": Precision(3.0, 1),
}


class Area(Block):
    """Air stations in a part of the city, whose air is that of a recorded year without its worst hours."""

    region: str
    """Id of the region they lie in."""
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    """Part of the sites' ids, and the place of what happens here."""
    title: schema.Title
    """The area's name in both languages."""
    longitude: float = Field(ge=-180, le=180)
    """Of its middle, degrees east."""
    latitude: float = Field(ge=-85, le=85)
    """Of its middle, degrees north."""
    span: float = Field(8000.0, gt=0, le=100_000)
    """Metres over which the small stations are spread; the others stand in the inner part."""
    stations: tuple[Station, ...] = Field(("Aotizhongxin", "Changping", "Dongsi"), min_length=1)
    """For each station the recorded one whose air it has."""
    micro_stations: int = Field(30, ge=0)
    """Small stations between them, in a city of its usual size."""
    levels: dict[Pollutant, Level] = Field({})
    """Where the base differs from the record in another way than usual."""

    def build(self, context: Context) -> Air:
        """The area's source.

        Raises:
            SimulationError: there is no such region.
        """
        regions = context.catalogue.regions
        if self.region not in regions:
            raise SimulationError(f"there is no region {self.region!r}{messages.hint(self.region, regions)}")
        micro = context.scaled(self.micro_stations) if self.micro_stations else 0
        return Air(self, micro, context.seed, context.weather)


class Air:
    """The air of an area."""

    domain: ClassVar[str] = "air"
    faults: ClassVar[Sequence[type[Fault]]] = (Inversion, Dust, Plume)

    def __init__(self, area: Area, micro: int, seed: int, weather: Weather) -> None:
        """With so many small stations."""
        self.places: Collection[str] = (area.name,)
        self.lines: Sequence[Polyline] = ()
        self._area, self._weather = area, weather
        self._year = base.hours(area.stations, base.LEVELS | area.levels)
        # Where things stand is the city's, not chance, so that a scenario can name a place near a station.
        offsets = np.concatenate(
            [
                0.6 * _scattered(len(area.stations), area.name, "stations"),
                _scattered(micro, area.name, "micro"),
            ]
        )
        self._at = _places(area, offsets)
        self._weights = _weights(offsets, len(area.stations))
        layout = Layout()
        for number in range(len(offsets)):
            self._add(layout, number)
        self.sites: Sequence[Site] = layout.sites
        self.devices: Sequence[SimulatedDevice] = layout.devices
        self.sensors: Sequence[Sensor] = layout.sensors
        self._keys: Keys = np.array(
            [[chance.key(seed, site.id, part) for site in layout.sites[len(area.stations) :]] for part in base.PARTS],
            np.uint64,
        ).reshape(len(base.PARTS), micro)
        self._happenings: Sequence[Happening] = ()

    def subjects(self, fault: Fault) -> frozenset[str]:
        """All sites of the area; of a plume those downwind, or without a wind of its own those near enough."""
        if isinstance(fault, Plume):
            return frozenset(site.id for site, sees in zip(self.sites, seen(fault, self._at), strict=True) if sees)
        return frozenset(site.id for site in self.sites)

    def begin(self, at: int, happenings: Sequence[Happening]) -> None:
        """Nothing needs to settle: the air is a function of time and of what happens."""
        self._happenings = [h for h in happenings if isinstance(h.fault, AirFault) and h.fault.place in self.places]

    def signals(self, span: Span) -> Signals:
        """What is true in the next span: each pollutant at all sites, then the weather, then rain at the stations."""
        times = np.arange(span.start // STEP * STEP, -(-span.end // STEP) * STEP + 1, STEP)
        wind = self._wind(times)
        air = self._air(times, wind)
        parts = dict(zip(base.PARTS, air, strict=True))
        pollutants = [parts["pm25"] + parts["coarse"] if name == "pm10" else parts[name] for name in POLLUTANTS]
        weather = {
            "temperature": self._weather.temperature(times),
            "dew_point": self._weather.dew_point(times),
            "air_pressure": self._weather.air_pressure(times),
            "wind_speed": wind.speed,
            "wind_direction": wind.direction,
        }
        stations = slice(len(self._area.stations))
        rain = self._weather.rain(times, self._at.longitudes[stations], self._at.latitudes[stations])
        return Signals(times, np.concatenate([*pollutants, [weather[name] for name in WEATHER], rain]))

    def _wind(self, times: Times) -> Wind:
        calm = Wind(self._weather.wind_speed(times), self._weather.wind_direction(times))
        return wind_with(self._happenings, calm, times)

    def _air(self, times: Times, wind: Wind) -> Values:
        """[part, place, time]."""
        air = self._weights @ base.course(self._year, times)
        air[:, len(self._area.stations) :] *= self._local(times)
        classes = plume.stability(wind.speed, plume.sun_height(times, self._area.longitude, self._area.latitude))
        for happening in self._happenings:
            pollute(air, happening, self._at, times, wind, classes)
        return np.asarray(air)

    def _local(self, times: Times) -> Values:
        """How the places of small stations differ: for good, and by what wanders from hour to hour."""
        borders = np.arange(times[0] // HOUR * HOUR, times[-1] + HOUR + 1, HOUR)
        wandering = chance.normal(self._keys[:, :, None], borders)
        before = (times - borders[0]) // HOUR
        share = (times - borders[before]) / HOUR
        flicker = wandering[:, :, before] * (1 - share) + wandering[:, :, before + 1] * share
        bias = chance.normal(self._keys, np.zeros(1, np.int64))[:, :, None]
        return np.asarray(1 + np.clip(BIAS * bias + FLICKER * flicker, -0.5, 0.5))

    def _add(self, layout: Layout, number: int) -> None:
        """The site of this number with its device: the stations first, then the small ones."""
        area, stations = self._area, len(self._area.stations)
        large = number < stations
        own = number + 1 if large else number + 1 - stations
        titles = (
            {"zh": f"{area.title.zh}空气站{own}", "en": f"{area.title.en}, air station {own}"}
            if large
            else {"zh": f"{area.title.zh}空气微站{own}", "en": f"{area.title.en}, small air station {own}"}
        )
        site = Site(
            id=f"sim-air-{area.name}-{own}" if large else f"sim-air-{area.name}-m{own}",
            title=Text(**titles),
            region=area.region,
            domain=self.domain,
            kind="station" if large else "micro_station",
            longitude=round(float(self._at.longitudes[number]), 6),
            latitude=round(float(self._at.latitudes[number]), 6),
            attributes={"recorded_at": area.stations[number]} if large else {},
        )
        layout.add(site, *self._sensors(site.id, number, len(self._at.longitudes)))

    def _sensors(self, device: str, number: int, places: int) -> Iterator[Sensor]:
        """Those of a station, or of a small one; what they read are means of hours, timed at the hour's beginning."""
        large = number < len(self._area.stations)
        for row, (pollutant, (noise, step)) in enumerate(POLLUTANTS.items()):
            point = row * places + number
            deviation = noise if large else 2 * noise
            yield Sensor(device, pollutant, point, deviation, step, reads="mean", starts=True, least=0)
        for row, (quantity, (noise, step)) in enumerate(WEATHER.items(), len(POLLUTANTS) * places):
            if quantity == "wind_direction" and large:
                # The mean of 350 and 10 degrees is not 180, so a vane is read at the hour.
                yield Sensor(device, quantity, row, noise, step, reads="held", least=0, most=360)
            elif large or quantity == "temperature":
                least = 0 if quantity == "wind_speed" else -np.inf
                yield Sensor(device, quantity, row, noise, step, reads="mean", starts=True, least=least)
        if large:
            # The mean of an intensity in mm/h over an hour is what fell in it, in mm.
            row = len(POLLUTANTS) * places + len(WEATHER) + number
            yield Sensor(device, "rain", row, 0.0, 0.1, reads="mean", starts=True)


def _scattered(number: int, *names: str) -> Values:
    """Places of the unit square around 0, evenly and not in rows, [place, east and north].

    Roberts' R2 sequence: multiples of the powers of the inverse plastic number, so that more places change none.
    """
    golden = 1.32471795724474602596
    begin = chance.uniform(np.array([chance.key(*names, axis) for axis in ("east", "north")]), np.zeros(1, np.int64))
    steps = np.arange(number)[:, None] * np.array([golden**-1, golden**-2])
    return np.asarray((begin + steps) % 1 - 0.5)


def _places(area: Area, offsets: Values) -> Places:
    north = offsets[:, 1] * area.span / METRES_PER_DEGREE
    east = offsets[:, 0] * area.span / METRES_PER_DEGREE / np.cos(np.radians(area.latitude))
    return Places(area.longitude + east, area.latitude + north)


def _weights(offsets: Values, stations: int) -> Values:
    """How much of each station's air there is at each place: by the inverse square of the distance."""
    away = offsets[:, None, :] - offsets[None, :stations, :]
    nearness = 1 / ((away**2).sum(axis=2) + 1e-3)
    nearness[:stations] = np.eye(stations)
    return np.asarray(nearness / nearness.sum(axis=1, keepdims=True))
