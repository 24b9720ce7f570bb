"""Rain gauges: how much has fallen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulators.model import HOUR, MINUTE, Happening, Times, Values
from simulators.sentinel.places import Measured, Places
from simulators.weather import Weather


class Gauges:
    """What has fallen at each gauge since the simulation began, in mm."""

    def __init__(self, places: Places, gauges: Measured, weather: Weather) -> None:
        self._weather, self._gauges = weather, gauges
        self._longitudes, self._latitudes = places.longitudes[gauges.sites], places.latitudes[gauges.sites]
        self._fallen = np.zeros(len(gauges.sites))
        self._minute = 0

    def sharp(self, happenings: Sequence[Happening]) -> list[int]:
        """None: it adds up."""
        return []

    def begin(self, before: Times, happenings: Sequence[Happening]) -> None:
        """Begin at nothing."""
        self._fallen, self._minute = np.zeros(len(self._gauges.sites)), int(before[-1])

    def fill(self, times: Times, values: Values) -> None:
        """Millimetres, interpolated between full minutes."""
        minutes = np.arange(self._minute, times[-1] + MINUTE, MINUTE)
        rain = self._weather.rain(minutes[:-1] + MINUTE // 2, self._longitudes, self._latitudes) * (MINUTE / HOUR)
        fallen = self._fallen[:, None] + np.cumsum(np.pad(rain, ((0, 0), (1, 0))), axis=1)
        for row, total in zip(self._gauges.rows, fallen, strict=True):
            values[row] = np.interp(times, minutes, total)
        # Only full minutes are remembered, so that no rain is lost or counted twice after an instant between them.
        done = int(times[-1] - self._minute) // MINUTE
        self._fallen, self._minute = fallen[:, done], int(minutes[done])
