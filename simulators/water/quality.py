"""What the water is like at the works and at taps: a function of time and of the water's age.

Free chlorine decays as C = C0 exp(-k t) with the age t of the water, k = 0.5 per day as in EPANET's example network 1.
Levels at the works, and the time in which what makes water cloudy settles, are platform assumptions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulators import chance
from simulators.model import HOUR, Happening, Times, Values
from simulators.water.faults import Turbid

DECAY = 0.5 / 24  # 1/h, of free chlorine in the water
SETTLING = 6.0  # h, in which cloudiness falls to 37 % on its way
RISING, FADING = HOUR // 2, HOUR  # us, in which cloudiness comes, and falls to 37 % when its cause is gone

# At the works: free chlorine in mg/L, turbidity in NTU, pH; and their standard deviations, of 6 at most.
_MEANS, _VARY = np.array([0.70, 0.25, 7.6]), np.array([0.05, 0.03, 0.06])
VARIES_IN = 6 * HOUR  # us between two independent values

Clouds = Sequence[tuple[Happening, Turbid]]
"""When water is cloudy, and how."""


SIGNALS = ("chlorine", "turbidity", "ph")


def waters(key: np.uint64, ages: Values, times: Times, clouds: Clouds) -> Values:
    """Free chlorine (mg/L), turbidity (NTU) and pH at the works and at taps, in the order of `SIGNALS`.

    Args:
        key: Of the zone's chance.
        ages: Hours that the water needs to each tap, (taps,).
        times: (n,), us UTC.
        clouds: What makes it cloudy.

    Returns:
        (3 * (1 + taps), n): the works first, then each tap.
    """
    hours = np.concatenate(([0.0], ages))[:, None]  # The works are a tap where the water is new.
    left = times - np.round(hours * HOUR).astype(np.int64)
    chlorine, turbidity, ph = _leaving(key, left)
    settling = np.exp(-hours / SETTLING)
    from_works = sum((_cloudy(h, fault, left) * settling for h, fault in clouds if fault.tap is None), np.zeros(1))
    turbidity = turbidity + from_works
    for happening, fault in clouds:
        if fault.tap is not None:
            turbidity[fault.tap] += _cloudy(happening, fault, times)
    found = np.stack((chlorine * np.exp(-DECAY * hours), turbidity, ph), axis=1)
    return found.reshape(-1, len(times))


def _leaving(key: np.uint64, times: Times) -> Values:
    """The three of the water that leaves the works, without what makes it cloudy: smooth chance."""
    before = times // VARIES_IN * VARIES_IN
    share = (times - before) / VARIES_IN
    keys = (key + np.arange(1, 4, dtype=np.uint64))[:, None, None, None]
    knots = chance.normal(keys, np.stack((before, before + VARIES_IN)))
    course = knots[:, 0] * (1 - share) + knots[:, 1] * share
    return np.asarray(_MEANS[:, None, None] + _VARY[:, None, None] * course)


def _cloudy(happening: Happening, fault: Turbid, times: Times) -> Values:
    """NTU that the water has more where the cause is."""
    rising = np.clip((np.minimum(times, happening.end) - happening.start) / RISING, 0, 1)
    fading = np.exp(-np.maximum(times - happening.end, 0) / FADING)
    return np.asarray(fault.turbidity * rising * fading)
