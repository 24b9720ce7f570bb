"""How much water is drawn, where and when.

The shapes are platform assumptions. At night about 6 % of people are active (IWA practice), and what else flows then
is use by night and leakage, so that the night flow is about a third of the mean.
"""

from __future__ import annotations

import numpy as np

from simulators import chance
from simulators.model import DAY, HOUR, MINUTE, Values
from simulators.weather import LOCAL

# Means of the hours of a day.
_HOUSEHOLDS = """
    0.40 0.32 0.28 0.27 0.30 0.50 1.10 1.60 1.50 1.25 1.15 1.20
    1.30 1.15 1.00 0.95 1.05 1.30 1.60 1.65 1.50 1.25 0.90 0.60"""
_BUSINESSES = """
    0.45 0.45 0.45 0.45 0.45 0.45 0.80 1.15 1.45 1.45 1.45 1.45
    1.45 1.45 1.45 1.45 1.45 1.45 1.25 1.05 0.90 0.75 0.60 0.50"""


def _course(text: str) -> Values:
    hours = np.array(text.split(), float)
    return np.asarray(hours / hours.mean())


HOUSEHOLD, BUSINESS = _course(_HOUSEHOLDS), _course(_BUSINESSES)

LARGE = 0.10  # share of a zone's demand from which a junction is a large customer
WEEKEND, WEEKEND_LARGE = 1.05, 0.85  # as a share of a mean day
SEASON = 0.08  # of the mean, more in the middle of July, less in that of January
DAILY, HOURLY, BRIEFLY = 0.015, 0.10, 0.08  # standard deviations: of the zone's days, of a junction's hours and minutes
STEP = 5 * MINUTE  # us


class Demand:
    """What the junctions of one zone draw, as shares of their means."""

    def __init__(self, shares: Values, key: np.uint64) -> None:
        """For junctions that have these shares of the zone's demand; the key is that of its chance."""
        self._large = shares >= LARGE
        self._key = key
        self._keys = key + np.arange(1, len(shares) + 1, dtype=np.uint64) * np.uint64(0x1_0000)
        self._phase = (chance.uniform(np.asarray(key), np.zeros(1, np.int64))[0] - 0.5) * 0.5  # hours

    def day(self, midnight: int) -> Values:
        """Of the day from a local midnight (us UTC): a row for each junction, a column for each five minutes."""
        times = midnight + np.arange(0, DAY, STEP)
        hour = (times - midnight) / HOUR
        day = (midnight + LOCAL) // DAY
        weekend = (day + 3) % 7 >= 5  # Day 0 was a Thursday.
        summer = 1 + SEASON * np.cos(2 * np.pi * (day - 196) / 365.25)
        shape = np.where(self._large[:, None], _of_hour(BUSINESS, hour), _of_hour(HOUSEHOLD, hour - self._phase))
        level = summer * (1 + DAILY * chance.normal(np.asarray(self._key), np.array([midnight]))[0])
        if weekend:
            shape *= np.where(self._large, WEEKEND_LARGE, WEEKEND)[:, None]
        knots = midnight + np.arange(0, DAY + HOUR, HOUR)
        hourly = chance.normal(self._keys[:, None], knots)
        before = np.floor(hour).astype(np.int64)
        share = hour - before
        noise = HOURLY * (hourly[:, before] * (1 - share) + hourly[:, before + 1] * share)
        noise += BRIEFLY * chance.normal(self._keys[:, None] + np.uint64(7), times)
        return np.asarray(shape * level * np.maximum(1 + noise, 0.1))


def _of_hour(means: Values, hour: Values) -> Values:
    """A course of the day through the middles of its hours."""
    return np.interp(hour, np.arange(24) + 0.5, means, period=24)
