"""GCJ-02, the coordinates of Chinese web maps, and WGS-84. Pure.

GCJ-02 shifts WGS-84 by some hundred metres, by an algorithm that its authority never published. The formula and its
constants are those that open implementations agree on (such as coordtransform and eviltransform); confidence B.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Degrees = NDArray[np.float64]

SEMI_MAJOR = 6_378_245.0  # m, of the ellipsoid of Krasovsky 1940
ECCENTRICITY_SQUARED = 0.00669342162296594323  # of the same

# The shift is a sum of waves over degrees east of 105 and north of 35.
ORIGIN = np.array([105.0, 35.0])
# Where it applies: a rectangle around China, west, south, east, north in degrees.
BOX = (72.004, 0.8293, 137.8347, 55.8271)

ROUNDS = 4  # each makes what is left about a hundred times smaller: less than a millimetre after these


def from_wgs84(places: Degrees) -> Degrees:
    """GCJ-02 of places in WGS-84; both with longitude and latitude in two columns, degrees."""
    return places + _shift(places)


def to_wgs84(places: Degrees) -> Degrees:
    """WGS-84 of places in GCJ-02, found by stepping back until the way there leads to them."""
    found = places
    for _ in range(ROUNDS):
        found = places - _shift(found)
    return found


def _shift(places: Degrees) -> Degrees:
    """By how many degrees each of these places in WGS-84 is off in GCJ-02."""
    x, y = (places - ORIGIN).T
    pi = np.pi
    waves = (20 * np.sin(6 * pi * x) + 20 * np.sin(2 * pi * x)) * 2 / 3
    root, product = np.sqrt(np.abs(x)), x * y
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * product + 0.1 * root + waves
    east += (
        (20 * np.sin(pi * x) + 40 * np.sin(pi / 3 * x) + 150 * np.sin(pi / 12 * x) + 300 * np.sin(pi / 30 * x)) * 2 / 3
    )
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * product + 0.2 * root + waves
    north += (
        (20 * np.sin(pi * y) + 40 * np.sin(pi / 3 * y) + 160 * np.sin(pi / 12 * y) + 320 * np.sin(pi / 30 * y)) * 2 / 3
    )
    latitude = np.radians(places[:, 1])
    bend = 1 - ECCENTRICITY_SQUARED * np.sin(latitude) ** 2
    along_meridian = np.radians(SEMI_MAJOR * (1 - ECCENTRICITY_SQUARED) / bend**1.5)  # m in a degree of latitude
    along_parallel = np.radians(SEMI_MAJOR / np.sqrt(bend) * np.cos(latitude))  # m in a degree of longitude
    west, south, eastern, northern = BOX
    inside = (places[:, 0] > west) & (places[:, 0] < eastern) & (places[:, 1] > south) & (places[:, 1] < northern)
    return np.where(inside[:, None], np.column_stack((east / along_parallel, north / along_meridian)), 0.0)
