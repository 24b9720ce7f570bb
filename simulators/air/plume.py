"""Gaussian plume of a point source, with reflection at the ground.

    C = Q / (2 pi u sy sz) exp(-y^2 / 2 sy^2) (exp(-(z - H)^2 / 2 sz^2) + exp(-(z + H)^2 / 2 sz^2))

at x downwind, y across and z above the ground (Pasquill 1961; Turner, Workbook of Atmospheric Dispersion Estimates,
1970), with sy and sz of Briggs (Diffusion Estimation for Small Emissions, 1973, https://doi.org/10.2172/5118833), which
hold from 0.1 to 10 km. Each instant is taken as steady.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from simulators.model import DAY, Times, Values

Terrain = Literal["urban", "rural"]
Classes = NDArray[np.int64]
"""Pasquill's stability, 0 (A, very unstable) to 5 (F, stable)."""

STABLE = 5  # class F

LEAST_WIND = 0.5  # m/s; in calmer air there is no plume to speak of
INLET = 4.0  # m above the ground where stations take their air; platform assumption
NEAREST = 1.0  # m; nearer to the source the plume has no width

# Briggs: sy = a x (1 + b x)^-1/2, sz = c x (1 + d x)^e, for A to F; metres.
_A = {"urban": [0.32, 0.32, 0.22, 0.16, 0.11, 0.11], "rural": [0.22, 0.16, 0.11, 0.08, 0.06, 0.04]}
_B = {"urban": 0.0004, "rural": 0.0001}
_C = {"urban": [0.24, 0.24, 0.20, 0.14, 0.08, 0.08], "rural": [0.20, 0.12, 0.08, 0.06, 0.03, 0.016]}
_D = {"urban": [0.001, 0.001, 0, 0.0003, 0.0015, 0.0015], "rural": [0, 0, 0.0002, 0.0015, 0.0003, 0.0003]}
_E = {"urban": [0.5, 0.5, 0, -0.5, -0.5, -0.5], "rural": [0, 0, -0.5, -0.5, -1, -1]}

# Pasquill's table; where it has two classes it is the more stable, and nights are clear. The nights below 2 m/s that
# the table leaves out are taken as F, as Turner does.
_WINDS = (2.0, 3.0, 5.0, 6.0)  # m/s between the columns
_HEIGHTS = (0.0, 35.0, 60.0)  # degrees of the sun between night, slight, moderate and strong (Turner)
_STABILITY = np.array(
    [
        [5, 5, 4, 3, 3],
        [1, 2, 2, 3, 3],
        [1, 1, 2, 3, 3],
        [0, 1, 1, 2, 2],
    ]
)


def sun_height(times: Times, longitude: float, latitude: float) -> Values:
    """Degrees of the sun above the horizon; without the equation of time, so up to 4 degrees off.

    The declination is Cooper's (Solar Energy 12, 1969).
    """
    moment = times.astype("datetime64[us]")
    day = (moment - moment.astype("datetime64[Y]")).astype(np.int64) / DAY  # since the new year
    declination = np.radians(23.45) * np.sin(2 * np.pi * (285 + day) / 365)
    angle = 2 * np.pi * (times % DAY / DAY - 0.5) + np.radians(longitude)
    north = np.radians(latitude)
    height = np.sin(north) * np.sin(declination) + np.cos(north) * np.cos(declination) * np.cos(angle)
    return np.asarray(np.degrees(np.arcsin(height)))


def stability(wind_speed: Values, sun: Values) -> Classes:
    """Pasquill's class by wind (m/s, at 10 m) and height of the sun (degrees)."""
    return np.asarray(_STABILITY[np.searchsorted(_HEIGHTS, sun), np.searchsorted(_WINDS, wind_speed, side="right")])


def spread(downwind: Values, classes: Classes, terrain: Terrain) -> tuple[Values, Values]:
    """Standard deviations of the plume across and upwards, in metres, at metres downwind."""
    a, c, d, e = (np.array(table[terrain])[classes] for table in (_A, _C, _D, _E))
    across = a * downwind / np.sqrt(1 + _B[terrain] * downwind)
    return np.asarray(across), np.asarray(c * downwind * (1 + d * downwind) ** e)


def concentration(
    rate: float,
    height: float,
    downwind: Values,
    across: Values,
    wind_speed: Values,
    classes: Classes,
    terrain: Terrain,
    above: Values | float = INLET,
) -> Values:
    """Of what a source gives off, in g/m3.

    Args:
        rate: G/s.
        height: Metres above the ground at which the plume travels: the stack's, and what it rises.
        downwind: Metres from the source with the wind; nothing comes upwind.
        across: Metres from the plume's axis.
        wind_speed: M/s.
        classes: Of `stability`.
        terrain: Whose spread it has.
        above: Metres above the ground.
    """
    x = np.maximum(downwind, NEAREST)
    wide, high = spread(x, classes, terrain)
    speed = np.maximum(wind_speed, LEAST_WIND)
    sides = np.exp(-0.5 * (across / wide) ** 2)
    layers = np.exp(-0.5 * ((above - height) / high) ** 2) + np.exp(-0.5 * ((above + height) / high) ** 2)
    return np.where(downwind >= NEAREST, rate / (2 * np.pi * speed * wide * high) * sides * layers, 0.0)


def along(east: Values, north: Values, wind_direction: Values) -> tuple[Values, Values]:
    """Metres downwind and across of what lies so many metres east and north; the wind comes from degrees of north."""
    angle = np.radians(wind_direction)
    downwind = -east * np.sin(angle) - north * np.cos(angle)
    return np.asarray(downwind), np.asarray(east * np.cos(angle) - north * np.sin(angle))
