"""Sewers and low points: from rain to the level in a sewer and the water on a road."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simulators.model import DAY, HOUR, MINUTE, SECOND, Fault, Happening, Times, Values
from simulators.sentinel.faults import BlockedDrain
from simulators.sentinel.hydraulics import Sewers, Water, daily
from simulators.sentinel.places import Measured, Places
from simulators.weather import Climate, Cloudburst, Weather

WARM_UP = DAY  # us, after which no water of before is left; it is looked at each minute
CHUNK = HOUR  # us that are computed at once, so that a large city fits into memory

# A cloudburst's truth is asked for without its duration.
BURST_LASTS = HOUR  # us
BURST_SEEN = 4 * HOUR  # us
PONDED = 15.0  # cm, from which rules see it


class Drainage:
    """All sewers with a level, and all low points."""

    faults: ClassVar[tuple[type[Fault], ...]] = (BlockedDrain, Cloudburst)

    def __init__(
        self, places: Places, level: Measured, flow: Measured, ponding: Measured, *, sewers: Sewers, weather: Weather
    ) -> None:
        self._places, self._weather = places, weather
        self._nodes = np.concatenate([level.sites, ponding.sites])  # the order of `sewers`
        self._sewers = sewers
        self._outputs = [
            (measured.rows, np.array([np.flatnonzero(self._nodes == site)[0] for site in measured.sites], np.int64))
            for measured in (level, flow, ponding)
        ]
        self._blocked: list[tuple[Happening, BlockedDrain, NDArray[np.bool_]]] = []
        self._water = Water.none(len(self._nodes))
        self._minute = 0
        self._last: list[Values] = []

    def sites(self, fault: Fault) -> NDArray[np.int64]:
        """The blocked ones, or those that a cloudburst floods.

        Raises:
            SimulationError: there are no sewers that could be blocked.
        """
        if isinstance(fault, Cloudburst):
            return self._nodes[self._flooded(fault)]
        return self._places.of(fault, self._nodes)

    def sharp(self, happenings: Sequence[Happening]) -> list[int]:
        """None: water needs its time."""
        return []

    def begin(self, before: Times, happenings: Sequence[Happening]) -> None:
        """Let the water of the last day come to where it is."""
        self._blocked = [
            (h, h.fault, np.isin(self._nodes, self.sites(h.fault)))
            for h in happenings
            if isinstance(h.fault, BlockedDrain)
        ]
        self._water = Water.none(len(self._nodes))
        at = int(before[-1])
        self._minute = at - WARM_UP
        while self._minute < at:
            self._last = [found[:, -1] for found in self._next(at)]

    def fill(self, times: Times, values: Values) -> None:
        """Level in m, flow in m3/h, depth of ponding in cm."""
        done = 0
        while done < len(times):
            begins = self._minute
            before = [last[:, None] for last in self._last]
            if begins < times[-1]:
                fresh = self._next(int(times[-1]))
                self._last = [found[:, -1] for found in fresh]
                before = [np.concatenate(pair, axis=1) for pair in zip(before, fresh, strict=True)]
            until = int(np.searchsorted(times, self._minute, "right"))
            at = (times[done:until] - begins) / MINUTE
            for (rows, nodes), found in zip(self._outputs, before, strict=True):
                values[rows, done:until] = _between(found[nodes], at)
            done = until

    def _next(self, until: int) -> tuple[Values, Values, Values]:
        """Level, flow and depth of all nodes at each of the next minutes, at most those of a chunk."""
        ends = np.arange(self._minute, min(until, self._minute + CHUNK), MINUTE) + MINUTE
        middle = ends - MINUTE // 2
        rain = self._weather.rain(middle, self._places.longitudes[self._nodes], self._places.latitudes[self._nodes])
        free = np.ones(rain.shape)
        for happening, fault, there in self._blocked:
            free[there] = np.minimum(free[there], 1 - fault.blocked * happening.active(middle))
        self._minute = int(ends[-1])
        return self._sewers.run(self._water, rain, daily(middle), free, MINUTE / SECOND)

    def _flooded(self, burst: Cloudburst) -> NDArray[np.bool_]:
        alone = Weather(Climate(rain_factor=0.0), (Happening("", burst, 0, BURST_LASTS),))
        middle = np.arange(0, BURST_SEEN, MINUTE) + MINUTE // 2
        rain = alone.rain(middle, self._places.longitudes[self._nodes], self._places.latitudes[self._nodes])
        water = Water.none(len(self._nodes))
        level, _, depth = self._sewers.run(water, rain, np.ones(len(middle)), np.ones(rain.shape), MINUTE / SECOND)
        low = np.isin(self._nodes, self._nodes[self._outputs[2][1]])
        seen = np.where(low, depth.max(axis=1) >= PONDED, level.max(axis=1) >= self._sewers.diameter)
        return np.asarray(seen, np.bool_)


def _between(found: Values, at: Values) -> Values:
    """Columns of `found` at fractional places, interpolated."""
    before = np.minimum(at.astype(np.int64), found.shape[1] - 1)
    after = np.minimum(before + 1, found.shape[1] - 1)
    share = at - before
    return np.asarray(found[:, before] * (1 - share) + found[:, after] * share)
