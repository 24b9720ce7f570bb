"""Chance that is a function: the same seed, names and instants give the same numbers, however the time is cut.

A generator with a state would give other noise after a restart, or when history is made in other slices.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]

# The finalizer of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FRACTION = 2.0**-53


def key(*names: str | int) -> np.uint64:
    """A key for what has these names, such as a seed, a device and a metric."""
    digest = hashlib.blake2b("\0".join(map(str, names)).encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "big"))


def uniform(keys: Keys, times: NDArray[np.int64]) -> NDArray[np.float64]:
    """Numbers of [0, 1), one for each pair of the broadcast arguments."""
    return np.asarray((_mixed(keys, times) >> np.uint64(11)) * _FRACTION)


def normal(keys: Keys, times: NDArray[np.int64]) -> NDArray[np.float64]:
    """Numbers of mean 0 and standard deviation 1, at most 6 away: sums of 12 uniform ones (Irwin and Hall)."""
    total = np.zeros(np.broadcast_shapes(np.shape(keys), np.shape(times)))
    for salt in range(3):
        word = _mixed(keys + np.uint64(salt), times)
        for shift in (0, 16, 32, 48):
            total += (word >> np.uint64(shift)) & np.uint64(0xFFFF)
    return total / 65536.0 - 6.0


def _mixed(keys: Keys, times: NDArray[np.int64]) -> Keys:
    with np.errstate(over="ignore"):
        z = (keys + times.astype(np.uint64) * _GAMMA).astype(np.uint64)
        z = (z ^ (z >> np.uint64(30))) * _FIRST
        z = (z ^ (z >> np.uint64(27))) * _SECOND
        return np.asarray(z ^ (z >> np.uint64(31)), np.uint64)
