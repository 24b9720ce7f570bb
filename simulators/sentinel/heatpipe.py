"""Heat-pipe wells: their temperature, and water in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simulators.model import DAY, HOUR, MINUTE, SECOND, Fault, Happening, Times, Values
from simulators.sentinel.faults import HeatLeak, WellFlooded
from simulators.sentinel.ground import Ground
from simulators.sentinel.places import Measured, Places
from simulators.weather import LOCAL

PIPE_WARMS = 14.0  # K that a pipe in service warms its well by: platform assumption
SPREAD = 3.0  # K between the warmest and the coldest well, for the pipes' insulation differs
GROUND_SETTLES = 10 * DAY  # us, time constant of the ground around a pipe that begins to be warm: platform assumption
LEAK_REACH = 20.0  # m, on which a leak's warmth falls to 37 %: platform assumption
LEAK_FADES = 12 * HOUR  # us, time constant of the ground's cooling after a leak is closed: platform assumption
WATER_RISES = 20 * MINUTE  # us, until the sensor on the floor is wet
WATER_DRAINS = 6 * HOUR  # us, until the floor is dry again
SEEN = 8.0  # K of rise above which alerts of a well are of the leak; the rule asks for 10 over the week's usual

SEASON = ((10, 15), (4, 16))  # first day with heat and first without: the shipped calendar `heating`


class HeatWells:
    """The wells of heat pipes with a sensor of temperature and one of water."""

    faults: ClassVar[tuple[type[Fault], ...]] = (HeatLeak, WellFlooded)

    def __init__(self, places: Places, ground: Ground, temperature: Measured, water: Measured) -> None:
        self._places, self._ground = places, ground
        self._temperature, self._water = temperature, water
        self._differs = SPREAD * (places.chance("insulation")[temperature.sites] - 0.5)
        self._leaks: list[tuple[Happening, HeatLeak, Values]] = []
        self._wet: list[tuple[int, int, int]] = []

    def sites(self, fault: Fault) -> NDArray[np.int64]:
        """The well that is flooded, or those that a leak warms enough to be seen.

        Raises:
            SimulationError: there is no such well.
        """
        if isinstance(fault, HeatLeak):
            seen = fault.rise * self._share(fault) >= SEEN
            return np.union1d(self._places.nearest(fault, self._temperature.sites), self._temperature.sites[seen])
        return self._places.nearest(fault, self._water.sites)

    def sharp(self, happenings: Sequence[Happening]) -> list[int]:
        """The instants at which water comes and goes, us."""
        return [instant for _, start, end in self._water_in(happenings) for instant in (start, end)]

    def begin(self, before: Times, happenings: Sequence[Happening]) -> None:
        """Know what happens; the wells' answer to it is known in closed form."""
        self._leaks = [(h, h.fault, self._share(h.fault)) for h in happenings if isinstance(h.fault, HeatLeak)]
        self._wet = self._water_in(happenings)

    def fill(self, times: Times, values: Values) -> None:
        """The temperature in degC, and whether there is water (1 or 0)."""
        usual = self._ground.well_temperature(times) + PIPE_WARMS * in_service(times)
        warm = usual + self._differs[:, None]
        for happening, leak, share in self._leaks:
            warm += (leak.rise * share)[:, None] * answer(
                happening, round(leak.settles.total_seconds() * SECOND), times
            )
        values[self._temperature.rows] = np.minimum(warm, 100)  # water boils
        values[self._water.rows] = 0
        for site, start, end in self._wet:
            rows = self._water.at(site)
            values[rows] = np.maximum(values[rows], (times >= start) & (times < end))

    def _water_in(self, happenings: Sequence[Happening]) -> list[tuple[int, int, int]]:
        """Sites in which water stands, from when until when."""
        found = []
        for h in happenings:
            if isinstance(h.fault, HeatLeak):
                site = int(self._places.nearest(h.fault, self._temperature.sites)[0])
                found.append((site, h.start + WATER_RISES, h.end + WATER_DRAINS))
            elif isinstance(h.fault, WellFlooded):
                found.append((int(self.sites(h.fault)[0]), h.start, h.end))
        return found

    def _share(self, leak: HeatLeak) -> Values:
        site = int(self._places.nearest(leak, self._temperature.sites)[0])
        return np.asarray(np.exp(-self._places.away(site, self._temperature.sites) / LEAK_REACH))


def answer(happening: Happening, settles: int, times: Times) -> Values:
    """How far a well has warmed, from 0 to 1: a first-order answer with `settles` (us), then with `LEAK_FADES`."""
    rising = 1 - np.exp(-np.clip(np.minimum(times, happening.end) - happening.start, 0, None) / settles)
    return np.asarray(rising * np.exp(-np.clip(times - happening.end, 0, None) / LEAK_FADES))


def in_service(times: Times) -> Values:
    """How far pipes in service have warmed the ground around them, from 0 to 1."""
    local = (times + LOCAL).astype("datetime64[us]")
    january = local.astype("datetime64[Y]").astype("datetime64[M]")
    on, off = (
        ((january + month - 1).astype("datetime64[D]") + day - 1).astype("datetime64[us]") for month, day in SEASON
    )
    before = (january + SEASON[0][0] - 13).astype("datetime64[D]") + SEASON[0][1] - 1  # last year's
    beginning = np.where(local < on, before.astype("datetime64[us]"), on)
    warming = 1 - np.exp(-(local - beginning).astype(np.int64) / GROUND_SETTLES)
    cooling = np.exp(-np.clip((local - off).astype(np.int64), 0, None) / GROUND_SETTLES)
    return np.asarray(np.where((local >= off) & (local < on), cooling, warming))
