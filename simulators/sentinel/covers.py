"""Covers: whether they are open, and how they are tilted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simulators import chance
from simulators.model import HOUR, SECOND, Fault, Happening, Times, Values
from simulators.sentinel.faults import CoverTheft, CoverTilt, CoverTraffic, CoverWork
from simulators.sentinel.places import Measured, Places

MOST_AT_REST = 2.0  # deg that a cover in order lies aslant
OPEN_TILT = 90.0  # deg, of a cover that was taken off
SHOCK_TILT = 20.0  # deg, of a loose cover under a wheel
TILT_FILTER = 2.0  # s; the sensor of tilt passes over what is shorter, so that vehicles do not make it report

OPENINGS = (CoverTheft, CoverWork)
"""What leaves a well open."""


class Covers:
    """All covers with a contact; some have a sensor of tilt, too. They have no memory."""

    faults: ClassVar[tuple[type[Fault], ...]] = (*OPENINGS, CoverTraffic, CoverTilt)

    def __init__(self, places: Places, contacts: Measured, tilts: Measured) -> None:
        self._places = places
        self._contacts, self._tilts = contacts, tilts
        self._rest = MOST_AT_REST * places.chance("tilt")[tilts.sites]
        self._happenings: list[tuple[int, Happening]] = []

    def sites(self, fault: Fault) -> NDArray[np.int64]:
        """The one whose cover it is.

        Raises:
            SimulationError: there is none.
        """
        measured = self._tilts if isinstance(fault, CoverTilt) else self._contacts
        return self._places.nearest(fault, measured.sites)

    def sharp(self, happenings: Sequence[Happening]) -> list[int]:
        """The instants at which shocks begin and end, us."""
        return [
            int(instant)
            for site, happening in self._own(happenings)
            if isinstance(happening.fault, CoverTraffic)
            for edges in shocks(happening, happening.fault, self._places.keys[site])
            for instant in edges
        ]

    def begin(self, before: Times, happenings: Sequence[Happening]) -> None:
        """Know what happens."""
        self._happenings = self._own(happenings)

    def fill(self, times: Times, values: Values) -> None:
        """Whether each is open (1 or 0), and its tilt in degrees."""
        values[self._contacts.rows] = 0
        values[self._tilts.rows] = self._rest[:, None]
        for site, happening in self._happenings:
            opened, tilt = self._effect(site, happening, times)
            contact, sensor = self._contacts.at(site), self._tilts.at(site)
            values[contact] = np.maximum(values[contact], opened)
            values[sensor] = np.minimum(values[sensor] + tilt, 180)

    def _own(self, happenings: Sequence[Happening]) -> list[tuple[int, Happening]]:
        """Those of covers, each with its site."""
        return [(int(self.sites(h.fault)[0]), h) for h in happenings if isinstance(h.fault, self.faults)]

    def _effect(self, site: int, happening: Happening, times: Times) -> tuple[Values, Values]:
        fault, active = happening.fault, happening.active(times).astype(float)
        if isinstance(fault, CoverTraffic):
            starts, ends = shocks(happening, fault, self._places.keys[site]).T
            index = np.searchsorted(starts, times, "right") - 1
            shaken = ((index >= 0) & (times < ends[index])).astype(float)
            return shaken, shaken * (SHOCK_TILT if fault.shock > TILT_FILTER else 0.0)
        if isinstance(fault, CoverTilt):
            share = np.clip((times - happening.start) / (fault.settles.total_seconds() * SECOND), 0, 1)
            return np.zeros(len(times)), active * share * fault.tilt
        return active, active * OPEN_TILT


def shocks(happening: Happening, fault: CoverTraffic, key: np.uint64) -> NDArray[np.int64]:
    """Start and end of each shock in us, a row for each; one falls somewhere into each even part of the time."""
    gap = HOUR / fault.per_hour
    count = np.arange(max(1, int((happening.end - happening.start) / gap)), dtype=np.int64)
    share = chance.uniform(np.array([key ^ chance.key(happening.start)]), count)
    lasts = round(fault.shock * SECOND)
    starts = happening.start + ((count + share) * gap).astype(np.int64)
    starts = np.minimum(starts, happening.end - lasts)
    return np.stack([starts, starts + lasts], axis=1)
