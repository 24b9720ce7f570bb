"""The instants at which the physics beneath streets is looked at: few at rest, more when something moves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulators.model import HOUR, MINUTE, Happening, Times, Values
from simulators.sentinel import faults
from simulators.weather import Weather

REST, BUSY = 10 * MINUTE, 2 * MINUTE  # us, between two instants
LINGER = 6 * HOUR  # us that something moves after its cause is gone
SETTLED = 24 * HOUR  # us after which what goes on has become steady
SAMPLE = 5 * MINUTE  # us, between two looks at the rain
WET = 0.01  # mm/h

QUICK = (faults.GasLeak, faults.BlockedDrain, faults.HeatLeak, faults.H2S)
"""What moves its signals within minutes."""


class Instants:
    """Which instants there are; that depends on the weather and on what happens alone.

    Args:
        weather: Rain makes it busy.
        longitudes, latitudes: Where to look at the rain.
        happenings: Those of `QUICK` make it busy; nothing is missed at the start and end of any.
        sharp: More instants at which signals leap, us.
    """

    def __init__(
        self,
        weather: Weather,
        longitudes: Values,
        latitudes: Values,
        happenings: Sequence[Happening],
        sharp: Sequence[int],
    ) -> None:
        self._weather, self._longitudes, self._latitudes = weather, longitudes, latitudes
        ends = [instant for h in happenings for instant in (h.start, h.end)]
        self._sharp = np.unique(np.array([*ends, *sharp], np.int64))
        quick = [h for h in happenings if isinstance(h.fault, QUICK)]
        self._busy = [(h.start, min(h.end, h.start + SETTLED)) for h in quick]
        self._busy += [(h.end, h.end + LINGER) for h in quick]

    def between(self, after: int, until: int) -> Times:
        """The instants `after < t <= until`; both bounds are multiples of `REST`."""
        starts = np.arange(after, until, REST, dtype=np.int64)
        busy = self._wet(after, until)
        for start, end in self._busy:
            busy |= (starts < end) & (starts + REST > start)
        fine = starts[busy, None] + np.arange(BUSY, REST, BUSY)
        sharp = self._sharp[(self._sharp > after) & (self._sharp <= until)]
        return np.unique(np.concatenate([starts + REST, fine.ravel(), sharp]))

    def _wet(self, after: int, until: int) -> NDArray[np.bool_]:
        samples = np.arange(after - LINGER, until + SAMPLE, SAMPLE, dtype=np.int64)
        rain = self._weather.rain(samples, self._longitudes, self._latitudes)
        rainy = np.concatenate([[0], np.cumsum((rain > WET).any(axis=0))])
        ends = np.arange((LINGER + REST) // SAMPLE, len(samples), REST // SAMPLE)
        return np.asarray(rainy[ends + 1] > rainy[ends - (LINGER + REST) // SAMPLE])
