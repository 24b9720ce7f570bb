"""The temperature of the ground and of the air in wells."""

from __future__ import annotations

import numpy as np

from simulators.model import DAY, HOUR, Times, Values
from simulators.weather import Weather

DIFFUSIVITY = 0.05  # m2/day, of moist soil: platform assumption
DEPTH = 1.5  # m, of the middle of a well: platform assumption
AIR_SHARE = 0.15  # of a well's temperature follows the air's mean of the last day: platform assumption
YEAR = 365.2425 * DAY  # us
_OMEGA = 2 * np.pi / YEAR  # rad/us


class Ground:
    """The ground beneath the streets.

    A yearly wave of the air's temperature goes down into it, weaker and later with depth: `T(z, t) = mean + Re(a
    exp(i w t - (1 + i) z / d))`, with the damping depth `d = sqrt(2 k / w)` (Carslaw and Jaeger, "Conduction of heat
    in solids", 1959, section 2.6; Kusuda and Achenbach, 1965, for soils).
    """

    def __init__(self, weather: Weather) -> None:
        self._weather = weather
        year = np.arange(0, round(YEAR), HOUR, dtype=np.int64)
        air = weather.temperature(year)
        self._mean = air.mean()
        wave = 2 * np.mean((air - self._mean) * np.exp(-1j * _OMEGA * year))
        damping = np.sqrt(2 * DIFFUSIVITY / (_OMEGA * DAY))
        self._wave = wave * np.exp(-(1 + 1j) * DEPTH / damping)

    def temperature(self, times: Times) -> Values:
        """Of the ground at the depth of wells, degC."""
        return np.asarray(self._mean + (self._wave * np.exp(1j * _OMEGA * times)).real)

    def well_temperature(self, times: Times) -> Values:
        """Of the air in a well without any pipe that warms it, degC."""
        day = (times[:, None] - np.arange(0, DAY, 3 * HOUR)).ravel()
        air = self._weather.temperature(day).reshape(len(times), -1).mean(axis=1)
        return np.asarray((1 - AIR_SHARE) * self.temperature(times) + AIR_SHARE * air)
