"""The devices' batteries and how well they are heard: slow things, of which many devices share one signal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulators.model import DAY, Happening, Times, Values
from simulators.sentinel.ground import Ground

BATTERIES = 32  # ages of batteries that are told apart
LIFE = 5 * 365 * DAY  # us from a new battery to the next: platform assumption
REPLACED = 20.0  # % at which a battery is replaced
COLD_LOSS = 0.4  # % that a lithium cell shows less for each kelvin below 10 degC: platform assumption

STRONGEST, WEAKEST, STEP = -55, -125, 5  # dBm, of the signals that are told apart
# The log-distance model (Rappaport, "Wireless communications", 2002, section 4.9) with an exponent of cities;
# the level at 10 m, under a cast-iron cover, is a platform assumption.
NEAR, NEAR_DISTANCE, EXPONENT = -60.0, 10.0, 2.7  # dBm, m, 1


class Upkeep:
    """One row for each age of a battery, and one for each strength of a signal."""

    def __init__(self, ground: Ground, first_row: int) -> None:
        self._ground = ground
        self._strengths = np.arange(STRONGEST, WEAKEST - 1, -STEP, dtype=float)
        self._batteries = slice(first_row, first_row + BATTERIES)
        self._signals = slice(self._batteries.stop, self._batteries.stop + len(self._strengths))

    @property
    def rows_end(self) -> int:
        """The row after its last."""
        return self._signals.stop

    def battery_row(self, share: float) -> int:
        """That of a battery that has lived such a share, in [0, 1), of its life at the epoch."""
        return self._batteries.start + int(share * BATTERIES)

    def signal_row(self, metres: float) -> int:
        """That of a device so far from its gateway."""
        heard = NEAR - 10 * EXPONENT * np.log10(max(metres, NEAR_DISTANCE) / NEAR_DISTANCE)
        return self._signals.start + int(np.abs(self._strengths - heard).argmin())

    def sharp(self, happenings: Sequence[Happening]) -> list[int]:
        """None."""
        return []

    def begin(self, before: Times, happenings: Sequence[Happening]) -> None:
        """Nothing that happens touches them."""

    def fill(self, times: Times, values: Values) -> None:
        """Batteries in %, signals in dBm."""
        ages: NDArray[np.float64] = np.arange(BATTERIES)[:, None] / BATTERIES
        lived = (times / LIFE + ages) % 1
        cold = COLD_LOSS * np.clip(10 - self._ground.well_temperature(times), 0, None)
        values[self._batteries] = np.clip(100 - (100 - REPLACED) * lived - cold, 0, 100)
        values[self._signals] = self._strengths[:, None]
