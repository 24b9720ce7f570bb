"""The air without episodes: a recorded year, moved to the city, as a course within each hour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from simulators.model import HOUR, Times, Values
from simulators.weather import DAYS, RECORDED, recorded_hours

Station = Literal["Aotizhongxin", "Changping", "Dongsi"]
Pollutant = Literal["pm25", "pm10", "so2", "no2", "co", "o3"]

PARTS = ("pm25", "coarse", "so2", "no2", "co", "o3")
"""What the air is computed of: PM10 is PM2.5 and the coarse particles, so that it is never below."""

# In 5 % of the recorded hours both instruments say the same, which would look like a fault of one. A steppe is never
# without dust.
LEAST_COARSE, LEAST_DUST = 0.15, 8.0  # of PM2.5; ug/m3; platform assumptions


class Level(BaseModel):
    """How the base of one pollutant differs from what was recorded."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    factor: float = Field(gt=0, le=10)
    """What a low concentration is multiplied by."""
    most: float = Field(gt=0, le=5000)
    """What a high one comes near and never exceeds, ug/m3 (CO: mg/m3)."""

    def apply(self, recorded: Values) -> Values:
        """The base of these recorded concentrations."""
        return np.asarray(self.most * -np.expm1(-self.factor * recorded / self.most))


# Platform assumptions, not measured anywhere: a steppe city has half of Beijing's PM2.5 and NO2, more coal smoke, and
# about as much dust and ozone. `most` keeps the base below the class II limits of GB 3095-2026, those from 2031 too: a
# polluted hour is then always one that a scenario asked for, and its truth is known.
LEVELS: dict[Pollutant, Level] = {
    "pm25": Level(factor=0.5, most=45),
    "pm10": Level(factor=0.8, most=90),
    "so2": Level(factor=1.2, most=40),
    "no2": Level(factor=0.6, most=45),
    "co": Level(factor=0.7, most=2.5),
    "o3": Level(factor=0.9, most=140),
}


def hours(stations: Sequence[Station], levels: dict[Pollutant, Level]) -> Values:
    """Hourly means of the base year, [part, station, hour]; ug/m3, CO in mg/m3.

    Hours that a station lacks are filled with the mean of the others, and what all lack between the hours around.
    """
    pollutants = list(levels)
    recorded = pl.read_parquet(RECORDED, columns=["station", "time", *pollutants]).sort("station", "time")
    filled = recorded.with_columns(pl.col(p).fill_null(pl.col(p).mean().over("time")) for p in pollutants)
    whole = filled.with_columns(pl.col(pollutants).interpolate().forward_fill().backward_fill().over("station"))
    year = {station: whole.filter(station=station) for station in dict.fromkeys(stations)}
    found: dict[str, Values] = {
        pollutant: np.array([level.apply(year[s][pollutant].cast(pl.Float64).to_numpy()) for s in stations])
        for pollutant, level in levels.items()
    }
    found["coarse"] = np.maximum(found["pm10"] - found["pm25"], LEAST_DUST + LEAST_COARSE * found["pm25"])
    return np.array([found[part] for part in PARTS])


def course(year: Values, times: Times) -> Values:
    """Concentrations at times whose mean over each hour is exactly that hour's of the year.

    Two straight lines an hour, from the mean of two neighbouring hours at their border to whatever keeps the mean in
    the middle. Where that would be negative the border is lowered to twice the smaller of the two.

    Args:
        year: Of `hours`.
        times: Of a grid that has the halves of hours, or the mean is missed.

    Returns:
        [part, station, time].
    """
    start = times // HOUR * HOUR
    before, own, after = (year[:, :, _index(start + step)] for step in (-HOUR, 0, HOUR))
    first, last = _border(before, own), _border(own, after)
    middle = 2 * own - (first + last) / 2
    share = (times - start) / HOUR * 2
    return np.where(share < 1, first + (middle - first) * share, middle + (last - middle) * (share - 1))


def _border(one: Values, other: Values) -> Values:
    return np.asarray(np.minimum((one + other) / 2, 2 * np.minimum(one, other)))


def _index(hours: Times) -> NDArray[np.int64]:
    return recorded_hours(hours).astype(np.int64) % (DAYS * 24)
