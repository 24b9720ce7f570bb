"""What pollutes the air of an area for hours or days: an inversion, dust, a plume; and what the wind does meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from citybrain.catalogue.schema import Duration
from simulators.air import plume
from simulators.air.base import PARTS
from simulators.model import HOUR, SECOND, Fault, Happening, Times, Values
from simulators.weather import METRES_PER_DEGREE

FLUSHED = HOUR  # in which, after an episode, all but 1/e is blown out of the city; platform assumption
MICROSECOND = timedelta(microseconds=1)


class AirFault(Fault):
    """An episode in an area."""

    place: str
    """Name of the area."""


class Inversion(AirFault):
    """The air over the whole area stands still, and what the city gives off stays in it.

    What comes with each ug/m3 of PM2.5 is the median of the 2,300 recorded hours of November to February above 150
    ug/m3; of the ozone 3 in 47 parts are left, and the wind is half of what it is in the clean hours of these months.
    """

    name: ClassVar[str] = "air.inversion"

    pm25: float = Field(180.0, gt=0, le=1000)
    """PM2.5 that it adds when it is full, ug/m3."""
    ramp: Duration = timedelta(hours=12)
    """How long it takes to build up."""


class Dust(AirFault):
    """A front of dust crosses the area with the wind."""

    name: ClassVar[str] = "air.dust"

    pm10: float = Field(700.0, gt=0, le=9000)
    """PM10 that it adds, ug/m3."""
    pm25_share: float = Field(0.2, ge=0, le=1)
    """How much of that is PM2.5."""
    ramp: Duration = timedelta(hours=2)
    """How long it takes at a place until the dust is full."""
    wind_speed: float = Field(12.0, gt=0, le=40)
    """Of the wind that brings it, m/s."""
    wind_direction: float = Field(315.0, ge=0, le=360)
    """Where that wind comes from, degrees from north."""


class Plume(AirFault):
    """One source, such as a fire or a stack without its filter, whose plume goes with the wind."""

    name: ClassVar[str] = "air.plume"

    longitude: float = Field(ge=-180, le=180)
    """Of the source, degrees east."""
    latitude: float = Field(ge=-90, le=90)
    """Of the source, degrees north."""
    pollutant: Literal["pm25", "pm10", "so2", "no2", "co"] = "pm25"
    """What it gives off. PM10 is coarse dust only; PM2.5 counts in PM10, too."""
    rate: float = Field(gt=0, le=1e6)
    """How much, g/s."""
    height: float = Field(20.0, ge=0, le=500)
    """Metres above the ground at which the plume travels: the source's, and what it rises."""
    wind_direction: float | None = Field(None, ge=0, le=360)
    """Where the wind comes from as long as it lasts, degrees from north; without it the weather's."""
    wind_speed: float | None = Field(None, gt=0, le=40)
    """Of the wind as long as it lasts, m/s; without it the weather's."""
    terrain: plume.Terrain = "urban"
    """What lies under it."""


# What an inversion adds of each part, with 1 ug/m3 of PM2.5; ug/m3, CO in mg/m3.
WITH_PM25 = {"pm25": 1.0, "coarse": 0.07, "so2": 0.10, "no2": 0.48, "co": 0.016}
OZONE_LOST = 1 - 3 / 47
WIND_LOST = 0.5


# From when on a site counts as one where a plume can be seen: half of the 24-hour limits of class II of GB 3095-2026.
VISIBLE = {"pm25": 30.0, "coarse": 60.0, "so2": 75.0, "no2": 40.0, "co": 2.0}  # ug/m3, CO mg/m3
USUAL_WIND = 2.0  # m/s, for the same, where the wind is not given; about the mean of the recorded year


class Wind(NamedTuple):
    """Over the whole area at some times: m/s, and degrees from north where it comes from."""

    speed: Values
    direction: Values


class Places(NamedTuple):
    """Degrees east and north."""

    longitudes: Values
    latitudes: Values

    def metres(self, longitude: float, latitude: float) -> tuple[Values, Values]:
        """Metres east and north of a place, on a plane that touches the earth there."""
        east = (self.longitudes - longitude) * METRES_PER_DEGREE * np.cos(np.radians(latitude))
        return np.asarray(east), np.asarray((self.latitudes - latitude) * METRES_PER_DEGREE)


def wind_with(happenings: Sequence[Happening], wind: Wind, times: Times) -> Wind:
    """The wind at times, with what happens to it."""
    speed, direction = wind
    for happening in happenings:
        match happening.fault:
            case Inversion(ramp=ramp):
                speed = speed * (1 - WIND_LOST * _strength(happening, times, ramp))
            case Dust() as dust:
                strength = _strength(happening, times, dust.ramp)
                speed = np.maximum(speed, strength * dust.wind_speed)
                direction = np.where(strength > 0.5, dust.wind_direction, direction)
            case Plume() as source:
                # What is in the air when the source ends goes on with the same wind.
                there = (times >= happening.start) & (times < happening.end + FLUSHED)
                speed = np.where(there, source.wind_speed or speed, speed)
                given = direction if source.wind_direction is None else source.wind_direction
                direction = np.where(there, given, direction)
    return Wind(speed, direction)


def pollute(
    air: Values, happening: Happening, places: Places, times: Times, wind: Wind, classes: plume.Classes
) -> None:
    """Change in place what an episode changes.

    Args:
        air: [part, place, time], ug/m3 (CO mg/m3).
        happening: Of an `AirFault`.
        places: Of the air.
        times: Of the air, us UTC.
        wind: At these times.
        classes: Stability at these times.
    """
    match happening.fault:
        case Inversion() as inversion:
            strength = _strength(happening, times, inversion.ramp)
            for part, share in WITH_PM25.items():
                air[PARTS.index(part)] += inversion.pm25 * share * strength
            air[PARTS.index("o3")] *= 1 - OZONE_LOST * strength
        case Dust() as dust:
            east, north = places.metres(places.longitudes[0], places.latitudes[0])
            way, _ = plume.along(east, north, np.array(dust.wind_direction))
            late = (way - way.min()) / dust.wind_speed * SECOND
            strength = _strength(happening, times - late[:, None], dust.ramp)
            air[PARTS.index("pm25")] += dust.pm10 * dust.pm25_share * strength
            air[PARTS.index("coarse")] += dust.pm10 * (1 - dust.pm25_share) * strength
        case Plume() as source:
            downwind, across = _along(source, places, wind.direction)
            travel = np.maximum(downwind, 0) / np.maximum(wind.speed, plume.LEAST_WIND) * SECOND
            given_off = happening.active((times - np.minimum(travel, FLUSHED)).astype(np.int64))
            air[_part(source)] += given_off * _added(source, downwind, across, wind.speed, classes)


def seen(source: Plume, places: Places) -> NDArray[np.bool_]:
    """At which places a plume can be seen: of the wind that is given, or of any, in whatever stability is worst."""
    every = np.arange(plume.STABLE + 1)
    speed = np.full(len(every), source.wind_speed or USUAL_WIND)
    if source.wind_direction is None:
        downwind = np.hypot(*places.metres(source.longitude, source.latitude))[:, None]
        across = np.zeros_like(downwind)
    else:
        downwind, across = _along(source, places, np.full(len(every), source.wind_direction))
    return np.asarray(_added(source, downwind, across, speed, every).max(axis=1) >= VISIBLE[PARTS[_part(source)]])


def _along(source: Plume, places: Places, wind_direction: Values) -> tuple[Values, Values]:
    """Metres downwind of the source and across, [place, time]."""
    east, north = places.metres(source.longitude, source.latitude)
    return plume.along(east[:, None], north[:, None], wind_direction)


def _part(source: Plume) -> int:
    return PARTS.index("coarse" if source.pollutant == "pm10" else source.pollutant)


def _added(source: Plume, downwind: Values, across: Values, speed: Values, classes: plume.Classes) -> Values:
    """What a plume adds, in the pollutant's unit."""
    grams = plume.concentration(source.rate, source.height, downwind, across, speed, classes, source.terrain)
    return grams * (1e3 if source.pollutant == "co" else 1e6)  # from g/m3 to mg/m3 or ug/m3


def _strength(happening: Happening, times: Times | Values, ramp: timedelta) -> Values:
    """Of an episode: it grows for so long, and from the end on is blown out."""
    since = times - happening.start
    length = happening.end - happening.start
    grown = np.clip(np.minimum(since, length) / (ramp / MICROSECOND), 0, 1)
    return np.asarray(grown * np.exp(-np.maximum(since - length, 0) / FLUSHED))
