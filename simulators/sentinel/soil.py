"""Gas on its way from a leaking pipe through the ground."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.model import DAY, HOUR, Happening, Times, Values

# The bedding of a pipe leads gas along the street, for the pavement keeps it down: all platform assumptions.
BEDDING = 1.0  # m2, cross-section of the bedding
PORES = 0.3  # share of it that gas can fill
FADES = 25.0  # m on which 63 % of the gas has gone up through pavement and joints
FADES_FROZEN = 40.0  # m; frozen or wet ground lets gas travel farther (Smits et al., 2024, by controlled leaks)
FROZEN_AFTER = 3 * DAY  # us of frost, on average
DISPERSIVITY = 0.1  # of the way, as is usual for porous ground (Gelhar et al., 1992)


@dataclass(frozen=True, slots=True)
class Leak:
    """How gas of a leak comes into wells.

    Attributes:
        happening: When it leaks.
        inflow: m3/h into each site in the end.
        arrival: Hours until half of that arrives.
    """

    happening: Happening
    inflow: Values
    arrival: Values

    def flow(self, times: Times, sites: NDArray[np.int64]) -> Values:
        """M3/h into these sites, a row for each; gas on its way still arrives after the leak is closed."""
        arrival = self.arrival[sites, None]
        begun = arrived((times - self.happening.start) / HOUR, arrival)
        return self.inflow[sites, None] * (begun - arrived((times - self.happening.end) / HOUR, arrival))


def front(metres: Values, rate: float, fades: float) -> Values:
    """Hours until gas of a leak of `rate` (m3/h) has come so far along the bedding.

    Half of the rate goes each way and fades as `exp(-x / fades)`; each metre takes as long as the rest of the flow
    needs to fill the pores: `t = 2 A n / Q * integral(exp(x / fades) dx)`.
    """
    return np.asarray(2 * BEDDING * PORES / rate * fades * np.expm1(metres / fades))


def arrived(hours: Values, arrival: Values) -> Values:
    """Share of the flow that has arrived: the advection-dispersion equation's answer to a step.

    `erfc((x - v t) / (2 sqrt(D t))) / 2`, the leading term of Ogata and Banks (1961), with `D = DISPERSIVITY x v`.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(arrival > 0, hours / arrival, np.inf)
        late = (1 - ratio) / (2 * np.sqrt(DISPERSIVITY * ratio))
    late = np.where(np.isposinf(ratio), -np.inf, late)
    return np.asarray(np.where(hours > 0, 0.5 * _erfc(np.where(hours > 0, late, 0.0)), 0.0))


_erfc = np.vectorize(math.erfc, otypes=[float])
