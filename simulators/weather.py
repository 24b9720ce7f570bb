"""The weather of the city: a recorded year, moved to the city's climate, with cold snaps and cloudbursts on top.

Every instant of all time has its place in the recorded year, so that a simulated January has a real January's course.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from citybrain.catalogue.schema import Duration
from simulators.model import DAY, HOUR, Fault, Happening, Times, Values

RECORDED = Path(__file__).parent / "recorded" / "year.parquet"
LOCAL = 8 * HOUR  # The recording begins at midnight of UTC+8, on 1 March.
DAYS = 365
FIRST_DAY = 59  # of the year, from 0: 1 March

METRES_PER_DEGREE = 111_320.0  # of latitude; of longitude times the latitude's cosine

Quantity = Literal["temperature", "dew_point", "air_pressure", "wind_speed"]


class Climate(BaseModel):
    """How the city's weather differs from the recorded one."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    winter_offset: float = Field(-9.0, ge=-40, le=40)
    """Kelvin that the middle of January is warmer than recorded."""
    summer_offset: float = Field(-3.0, ge=-40, le=40)
    """Kelvin that the middle of July is warmer than recorded."""
    rain_factor: float = Field(0.35, ge=0, le=10)
    """Rain, as a share of what was recorded."""
    altitude: float = Field(1040.0, ge=-400, le=6000)
    """Metres above the sea, for the air's pressure."""


class ColdSnap(Fault):
    """The temperature of the whole city falls, and comes back."""

    name: ClassVar[str] = "weather.cold_snap"

    by: float = Field(12.0, gt=0, le=40)
    """Kelvin that it falls by."""
    ramp: Duration = timedelta(hours=8)
    """How long the fall takes, and the return."""


class Cloudburst(Fault):
    """Rain over a part of the city, which grows and fades as a triangle with its peak at 0.4 of its time.

    The triangle is the design storm of Yen and Chow (1980); 0.4 is a usual place of the peak.
    """

    name: ClassVar[str] = "weather.cloudburst"

    depth: float = Field(gt=0, le=500)
    """Millimetres that fall at its centre."""
    longitude: float = Field(ge=-180, le=180)
    """Of its centre, degrees east."""
    latitude: float = Field(ge=-90, le=90)
    """Of its centre, degrees north."""
    radius: float = Field(3000.0, gt=0, le=100_000)
    """Metres from the centre at which 61 % of the rain falls (one standard deviation of a bell)."""


PEAK = 0.4  # of a cloudburst's time


class Weather:
    """What the weather is at any time, for all sources of a city."""

    faults: ClassVar[Sequence[type[Fault]]] = (ColdSnap, Cloudburst)

    def __init__(self, climate: Climate, happenings: Sequence[Happening] = ()) -> None:
        self._climate = climate
        self._snaps = [(h, h.fault) for h in happenings if isinstance(h.fault, ColdSnap)]
        self._bursts = [(h, h.fault) for h in happenings if isinstance(h.fault, Cloudburst)]
        self._year = _recorded_year()

    def temperature(self, times: Times) -> Values:
        """Of the air outdoors, degC."""
        middle = (self._climate.winter_offset + self._climate.summer_offset) / 2
        swing = (self._climate.winter_offset - self._climate.summer_offset) / 2
        days = recorded_hours(times) / 24 + FIRST_DAY  # since a new year
        season = np.cos(2 * np.pi * (days - 14) / DAYS)  # 1 in the middle of January
        found = self._recorded("temperature", times) + middle + swing * season
        for happening, snap in self._snaps:
            ramp = snap.ramp / timedelta(microseconds=1)
            share = np.minimum((times - happening.start) / ramp, (happening.end - times) / ramp)
            found -= snap.by * np.clip(share, 0, 1)
        return np.asarray(found)

    def dew_point(self, times: Times) -> Values:
        """DegC; never above the temperature."""
        moved = self._recorded("dew_point", times) + self.temperature(times) - self._recorded("temperature", times)
        return np.asarray(np.minimum(moved, self.temperature(times)))

    def air_pressure(self, times: Times) -> Values:
        """HPa at the city's altitude, by the barometric formula of the standard atmosphere (ISO 2533)."""
        return np.asarray(self._recorded("air_pressure", times) * (1 - 2.25577e-5 * self._climate.altitude) ** 5.25588)

    def wind_speed(self, times: Times) -> Values:
        """M/s."""
        return self._recorded("wind_speed", times)

    def wind_direction(self, times: Times) -> Values:
        """Degrees from north, where the wind comes from; turned the short way between two hours."""
        at = recorded_hours(times)
        return np.asarray(
            np.degrees(np.arctan2(_cycled(self._year["east"], at), _cycled(self._year["north"], at))) % 360
        )

    def rain(self, times: Times, longitudes: Values, latitudes: Values) -> Values:
        """Intensity in mm/h, a row for each place, a column for each time."""
        hour = np.floor(recorded_hours(times)).astype(np.int64) % (DAYS * 24)
        everywhere = self._year["rain"][hour] * self._climate.rain_factor
        found = np.broadcast_to(everywhere, (len(longitudes), len(times))).copy()
        for happening, burst in self._bursts:
            length = happening.end - happening.start
            phase = (times - happening.start) / length
            shape = np.clip(np.minimum(phase / PEAK, (1 - phase) / (1 - PEAK)), 0, None)
            peak = 2 * burst.depth / (length / HOUR)  # so that the triangle's area is the depth
            away = distance(longitudes, latitudes, burst.longitude, burst.latitude)
            found += np.exp(-0.5 * (away / burst.radius) ** 2)[:, None] * peak * shape
        return found

    def _recorded(self, quantity: Quantity, times: Times) -> Values:
        return _cycled(self._year[quantity], recorded_hours(times))


def distance(longitudes: Values, latitudes: Values, longitude: float, latitude: float) -> Values:
    """Metres between places and another, on a plane that touches the earth there; exact enough within a city."""
    east = (longitudes - longitude) * METRES_PER_DEGREE * np.cos(np.radians(latitude))
    north = (latitudes - latitude) * METRES_PER_DEGREE
    return np.asarray(np.hypot(east, north))


def _recorded_year() -> dict[str, Values]:
    """Hours of the recorded year, of all stations together, without gaps."""
    wind = pl.col("wind_direction").radians()
    columns = ("temperature", "dew_point", "air_pressure", "wind_speed", "rain", "east", "north")
    hours = (
        pl.read_parquet(RECORDED)
        .with_columns(east=wind.sin(), north=wind.cos())
        .group_by("time")
        .agg(pl.col(columns).mean())
        .sort("time")
    )
    if hours.height != DAYS * 24:
        raise ValueError(f"{RECORDED.name} has {hours.height} hours, not those of a year")
    filled = hours.with_columns(pl.col(columns).interpolate().forward_fill().backward_fill().cast(pl.Float64))
    return {column: filled[column].to_numpy() for column in columns}


def _cycled(hours: Values, at: Values) -> Values:
    """Values of a year's hours at fractional hours, the last followed by the first."""
    before = np.floor(at).astype(np.int64)
    share = at - before
    size = len(hours)
    return np.asarray(hours[before % size] * (1 - share) + hours[(before + 1) % size] * share)


def recorded_hours(times: Times) -> Values:
    """Hours since the beginning of the recorded year at which it has the same time of the year.

    29 February counts as the day before once more. Whole hours are exact.
    """
    local = (times + LOCAL).astype("datetime64[us]")
    year = local.astype("datetime64[Y]")
    since = (local - year).astype(np.int64)  # the new year, us
    leap = ((year + 1).astype("datetime64[D]") - year.astype("datetime64[D]")).astype(np.int64) == DAYS + 1
    common = np.where(leap & (since >= FIRST_DAY * DAY), since - DAY, since)
    return np.asarray((common - FIRST_DAY * DAY) % (DAYS * DAY) / HOUR)
