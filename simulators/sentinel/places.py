"""Where the sites beneath streets are, and what a fault's place means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators import chance
from simulators.model import Fault, SimulationError, Values
from simulators.sentinel.faults import Somewhere
from simulators.weather import METRES_PER_DEGREE, distance


@dataclass(frozen=True, slots=True)
class Measured:
    """The sites at which something is measured, by their index, and the rows of the signals that are for them."""

    sites: NDArray[np.int64]
    rows: NDArray[np.int64]

    def at(self, site: int) -> NDArray[np.int64]:
        """The row of a site, or none."""
        return np.asarray(self.rows[self.sites == site])


@dataclass(frozen=True, slots=True)
class Place:
    """What a fault may name: some sites, and where along their street the middle is, m."""

    sites: NDArray[np.int64]
    middle: float


@dataclass(frozen=True, slots=True)
class Places:
    """All sites, in one order.

    Attributes:
        ids: Of the sites.
        keys: Of their chance, made of the seed and the id.
        kinds: One of the domain's `site_kinds` for each.
        longitudes, latitudes: Degrees.
        along: Metres from the middle of its street.
        headings: Of its street, radians from east to north.
        named: What a fault may name: each site, street and school.
    """

    ids: tuple[str, ...]
    keys: NDArray[np.uint64]
    kinds: NDArray[np.str_]
    longitudes: Values
    latitudes: Values
    along: Values
    headings: Values
    named: Mapping[str, Place]

    def chance(self, name: str) -> Values:
        """A number of [0, 1) for each site, the same whatever other sites there are."""
        return chance.uniform(self.keys ^ chance.key(name), np.zeros(1, np.int64))

    def of(self, fault: Fault, able: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those sites of a fault's place that are `able`, the nearest to its middle first.

        Raises:
            SimulationError: there is none.
        """
        if not isinstance(fault, Somewhere):
            raise TypeError(f"{fault.name} has no place.")
        place = self.named[fault.place]
        found = np.intersect1d(place.sites, able)
        if not len(found):
            kinds = ", ".join(sorted(set(self.kinds[able].tolist())))
            could = (
                f"expected a street with, or one site of, {kinds}"
                if kinds
                else "nor could anything else of these streets"
            )
            raise SimulationError(f"{fault.name}: nothing at {fault.place} could see it; {could}.")
        return np.asarray(found[np.argsort(np.abs(self.along[found] - place.middle), kind="stable")])

    def nearest(self, fault: Fault, able: NDArray[np.int64]) -> NDArray[np.int64]:
        """The first of these, alone.

        Raises:
            SimulationError: there is none.
        """
        return self.of(fault, able)[:1]

    def away(self, site: int, others: NDArray[np.int64], ahead: float = 0.0) -> Values:
        """Metres to other sites from a point that is so many metres ahead of a site on its street."""
        heading = self.headings[site]
        longitude, latitude = moved(
            self.longitudes[site], self.latitudes[site], ahead * np.cos(heading), ahead * np.sin(heading)
        )
        return distance(self.longitudes[others], self.latitudes[others], longitude, latitude)


def moved(longitude: float, latitude: float, east: float, north: float) -> tuple[float, float]:
    """The place that is so many metres east and north of another, in degrees."""
    metres_per_longitude = METRES_PER_DEGREE * np.cos(np.radians(latitude))
    return float(longitude + east / metres_per_longitude), float(latitude + north / METRES_PER_DEGREE)
