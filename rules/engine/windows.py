"""The newest readings of the series that span functions look back on: a ring each, in three flat arrays.

New entries are written beyond the heads, which move only with `advance`: a batch that is rolled back has changed
nothing. Entry k of a series lies at offset + (k modulo capacity), k counted from its first.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

NEWEST = 4096  # readings of a window at most: its newest
MICRO = 1_000_000  # sums are kept in millionths, as integers: the same however the readings are cut into batches
LARGEST = 2e9  # values beyond count as this in sums, so that no sum of a window overflows
SMALLEST_RING = 16  # entries; capacities are powers of two


@dataclass(frozen=True)
class Fresh:
    """Entries of a batch, written and not yet in force: `counts` of them for each of `series`."""

    series: Array
    counts: Array


class Windows:
    """Rings of (time, value) for series that a plan looks back on.

    Args:
        keep_us: by series id, how far back from its newest reading a window may reach, microseconds; 0: no ring.
    """

    def __init__(self, keep_us: Array) -> None:
        self.keep_us = keep_us
        size = len(keep_us)
        self._offset = np.zeros(size, "i8")
        self._capacity = np.zeros(size, "i8")
        self._head = np.zeros(size, "i8")  # entries ever written
        self._floor = np.zeros(size, "i8")  # entries before it are gone
        self._time = np.zeros(SMALLEST_RING, "i8")
        self._value = np.zeros(SMALLEST_RING, "f8")
        self._before = np.zeros(SMALLEST_RING, "i8")  # sum of all entries before, in millionths, modulo 2**64
        self._used = 0

    def kept(self, series: Array) -> Array:
        """Which of `series` have a ring."""
        return self.keep_us[series] > 0

    def write(self, series: Array, time: Array, value: Array) -> Fresh:
        """Write entries beyond the heads; `series` ascending, `time` (us) ascending within a series."""
        unique, first, counts = np.unique(series, return_index=True, return_counts=True)
        self._make_room(unique, counts)
        rank = np.arange(len(series)) - np.repeat(first, counts)
        index = np.repeat(self._head[unique], counts) + rank
        at = self._at(series, index)
        self._time[at] = time
        self._value[at] = value
        millionths = _millionths(value)
        running = np.cumsum(millionths) - millionths
        self._before[at] = running - np.repeat(running[first], counts) + np.repeat(self._total(unique), counts)
        return Fresh(unique, counts)

    def advance(self, fresh: Fresh) -> None:
        """Bring entries into force."""
        self._head[fresh.series] += fresh.counts

    def correct(self, series: int, time_us: int, value: float) -> None:
        """Replace the value of an entry in force, where there is one of that time."""
        rings = self.of(np.array([series]))
        low, high = rings.floor, rings.head
        place = int(rings.search(low, high, np.array([time_us - 1]))[0])
        if place >= int(high[0]) or int(rings.times(np.array([place]))[0]) != time_us:
            return
        at = self._at(np.array([series]), np.array([place]))
        later = self._at(np.full(int(high[0]) - place - 1, series), np.arange(place + 1, int(high[0])))
        self._before[later] += _millionths(np.array([value])) - _millionths(self._value[at])
        self._value[at] = value

    def of(self, series: Array) -> Rings:
        """The rings of `series`, row by row."""
        return Rings(self, series)

    def _at(self, series: Array, index: Array) -> Array:
        at: Array = self._offset[series] + (index & np.maximum(self._capacity[series] - 1, 0))
        return at

    def _total(self, series: Array) -> Array:
        """Sums of all entries ever, in millionths."""
        head = self._head[series]
        last = self._at(series, np.maximum(head - 1, 0))
        return np.where(head > self._floor[series], self._before[last] + _millionths(self._value[last]), 0)

    def _make_room(self, series: Array, counts: Array) -> None:
        """Give each ring room for `counts` entries beside what a window may still need; drop what none needs."""
        head, floor = self._head[series], self._floor[series]
        full = np.flatnonzero(head - floor + counts > self._capacity[series])
        if not len(full):
            return
        series, counts, head, floor = series[full], counts[full], head[full], floor[full]
        newest = self._time[self._at(series, np.maximum(head - 1, 0))]
        needed = self.of(series).search(floor, head, newest - self.keep_us[series] - 1)
        needed = np.maximum(needed, head - 2 * NEWEST)
        short = head - needed + counts > self._capacity[series]
        for one, count, start, end in zip(series[short], counts[short], needed[short], head[short], strict=True):
            self._grow(int(one), int(start), int(end), int(count))
        # What the new entries will overwrite is gone from now on, whatever becomes of the batch.
        self._floor[series] = np.maximum(floor, head + counts - self._capacity[series])

    def _grow(self, series: int, start: int, end: int, count: int) -> None:
        """A new ring for one series, with its entries from `start` to `end` and room for twice as many and `count`."""
        capacity = SMALLEST_RING
        while capacity < 2 * (end - start) + count:
            capacity *= 2
        index = np.arange(start, end)
        many = np.full(len(index), series)
        at = self._at(many, index)
        entries = (self._time[at], self._value[at], self._before[at])
        if self._used + capacity > len(self._time):
            self._extend(2 * (self._used + capacity))
        self._offset[series], self._capacity[series] = self._used, capacity
        self._used += capacity
        at = self._at(many, index)
        self._time[at], self._value[at], self._before[at] = entries

    def _extend(self, size: int) -> None:
        for name in ("_time", "_value", "_before"):
            old = getattr(self, name)
            new = np.zeros(size, old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)


class Rings:
    """Rings as rows ask for them; row i of each argument is about ring i. A ring that is not there reads as garbage."""

    def __init__(self, windows: Windows, series: Array) -> None:
        self._windows = windows
        self._offset = windows._offset[series]
        self._mask = np.maximum(windows._capacity[series] - 1, 0)
        self.floor = windows._floor[series]  # first index of the entries in force ...
        self.head = windows._head[series]  # ... and one past the last

    def take(self, rows: Array) -> Rings:
        """Some of the rows."""
        some = copy(self)
        for name in ("_offset", "_mask", "floor", "head"):
            setattr(some, name, getattr(self, name)[rows])
        return some

    def search(self, low: Array, high: Array, time: Array, guess: Array | None = None) -> Array:
        """The first index in [low, high) whose time is later than `time` (us), else high; by row.

        A guess that is right saves the search.
        """
        if guess is not None:
            guess = np.minimum(np.maximum(guess, low), high)
            right = ((guess == low) | (self.times(guess - 1) <= time)) & ((guess == high) | (self.times(guess) > time))
            if right.all():
                return guess
            low, high = np.where(right, guess, low), np.where(right, guess, high)
        while (searching := low < high).any():
            middle = (low + high) >> 1
            later = self.times(middle) > time
            high = np.where(searching & later, middle, high)
            low = np.where(searching & ~later, middle + 1, low)
        return low

    def times(self, index: Array) -> Array:
        """Times of entries (us)."""
        times: Array = self._windows._time[self._offset + (index & self._mask)]
        return times

    def values(self, index: Array) -> Array:
        """Values of entries."""
        values: Array = self._windows._value[self._offset + (index & self._mask)]
        return values

    def sums(self, low: Array, high: Array) -> Array:
        """Sums over [low, high), exact after each value is rounded to a millionth; every range has an entry."""
        before = self._windows._before
        first, last = self._offset + (low & self._mask), self._offset + ((high - 1) & self._mask)
        total: Array = before[last] - before[first] + _millionths(self._windows._value[last])
        return total / MICRO

    def extremes(self, function: str, low: Array, high: Array) -> Array:
        """Least (`min`) or greatest (`max`) values over [low, high); every range has an entry."""
        lengths = high - low
        starts = np.cumsum(lengths) - lengths
        index = np.arange(lengths.sum()) - np.repeat(starts - low, lengths)
        at = np.repeat(self._offset, lengths) + (index & np.repeat(self._mask, lengths))
        reduce = np.minimum if function == "min" else np.maximum
        result: Array = reduce.reduceat(self._windows._value[at], starts)
        return result


def _millionths(value: Array) -> Array:
    result: Array = np.rint(np.clip(value, -LARGEST, LARGEST) * MICRO).astype("i8")
    return result
