"""Episodes: when something holds for a device, such as an outage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators import chance
from simulators.model import DAY, Span, Times

Indices = NDArray[np.int64]

_BITS = 40  # of an instant in a key that sorts by device and instant: 2^40 us are 12.7 days


@dataclass(frozen=True, slots=True, eq=False)
class Episodes:
    """Times of devices, in the order of device and start; those of one device do not overlap.

    Attributes:
        device: Whose; a position in the list of devices.
        start, end: From when until before when, in microseconds UTC.
        kind: What its maker knows it by.
    """

    device: Indices
    start: Times
    end: Times
    kind: Indices

    def __len__(self) -> int:
        return len(self.device)

    def covering(self, device: Indices, at: Times) -> Indices:
        """The position of the episode that holds for each pair of device and instant; -1: none does.

        The instants must lie within some days of each other.
        """
        found = self._begun(device, at)
        return np.where((found >= 0) & (at < self.end[found]) if len(self) else False, found, -1)

    def without(self, others: Episodes) -> Episodes:
        """Those that do not overlap with any of `others`."""
        if not len(self) or not len(others):
            return self
        found = others._begun(self.device, self.end - 1)
        free = (found < 0) | (others.end[found] <= self.start)
        return Episodes(self.device[free], self.start[free], self.end[free], self.kind[free])

    def _begun(self, device: Indices, at: Times) -> Indices:
        """The position of the last episode of the device that began at or before the instant; -1: none did."""
        if not len(self) or not len(at):
            return np.full(len(at), -1)
        origin = at.min()
        known = (self.device << _BITS) | np.clip(self.start - origin, 0, (1 << _BITS) - 1)
        found = np.searchsorted(known, (device << _BITS) | (at - origin), "right") - 1
        own = (found >= 0) & (self.device[found] == device) & (self.start[found] <= at)
        return np.where(own, found, -1)


def given(times: Iterable[tuple[int, int, int, int]]) -> Episodes:
    """Episodes of devices, starts, ends and kinds; those of one device that overlap become one, of the first's kind."""
    merged: list[tuple[int, int, int, int]] = []
    for device, start, end, kind in sorted(times):
        if merged and merged[-1][0] == device and start <= merged[-1][2]:
            before = merged[-1]
            merged[-1] = (device, before[1], max(before[2], end), before[3])
        else:
            merged.append((device, start, end, kind))
    columns = np.array(merged, np.int64).reshape(-1, 4)
    return Episodes(*columns.T)


def by_chance(keys: chance.Keys, rate: float, mean: float, span: Span) -> Episodes:
    """Episodes that may touch the span: of each key at most one a UTC day, and none beyond its midnight.

    Args:
        keys: One for each of those that have episodes; `device` of the episodes is the position of theirs.
        rate: Episodes a day, from 0 to 1.
        mean: Their length on average, in microseconds; they are distributed exponentially.
        span: The time.
    """
    days = np.arange(span.start // DAY, (span.end - 1) // DAY + 1) if rate else np.zeros(0, np.int64)
    drawn = chance.uniform(keys[:, None], days)
    who, which = np.nonzero(drawn < rate)
    day = days[which]
    start = day * DAY + (drawn[who, which] / (rate or 1) * DAY).astype(np.int64)
    length = -mean * np.log1p(-chance.uniform(keys[who], ~day))
    end = np.minimum(start + 1 + length.astype(np.int64), (day + 1) * DAY)
    return Episodes(who, start, end, day)
