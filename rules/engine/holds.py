"""Holds: how long raise and clear have been true, for all active pairs of step and series at once.

A pair's evidence of raise and of clear never holds at the same time, so that one run at a time is enough: of raise
while the pair is not latched, of clear while it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

IDLE, PENDING, RAISED, CLEARING = 0, 1, 2, 3
FALSE, TRUE, UNKNOWN = 0, 1, -1
BITS = 32  # pieces of evidence that `K of N samples` may look back on

# What is remembered of a pair. Times in microseconds: `since` the run's first true evidence, `last` its newest, `run`
# their number; `bits` the newest pieces of evidence of raise (bit 0 the newest), `bits_at` when the newest came.
PAIR = np.dtype([("code", "i1"), ("since", "i8"), ("last", "i8"), ("run", "i4"), ("bits", "u4"), ("bits_at", "i8")])

# What holds ask of a pair; durations in microseconds, counts of evidence. A hold of nothing has for_us 0, for_n 0.
TERMS = np.dtype(
    [
        ("for_us", "i8"),
        ("for_n", "i4"),
        ("for_among", "i4"),  # 0: for_n in a row
        ("keep_us", "i8"),
        ("keep_n", "i4"),
        ("gap_us", "f8"),
        ("change", "?"),  # the metric reports on change
        ("season", "?"),  # the rule has a season
    ]
)


@dataclass(frozen=True)
class Evidence:
    """Judged readings of active pairs, sorted by pair and arrival.

    pair i8, order i8 (arrival), time i8 (us), raise_ and clear i1 (TRUE, FALSE, UNKNOWN), out bool (out of season).
    """

    pair: Array
    order: Array
    time: Array
    raise_: Array
    clear: Array
    out: Array

    def where(self, chosen: Array) -> Evidence:
        """Some of it."""
        return Evidence(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Changes:
    """Latches that were set or released: pair i8, order i8, time i8 (us), latched, timer and out bool.

    `timer`: a hold ran out before the reading at `order` came.
    """

    pair: Array
    order: Array
    time: Array
    latched: Array
    timer: Array
    out: Array


@dataclass(frozen=True)
class Fold:
    """What evidence did: pairs (each once) with their new rows of PAIR, and the latch changes."""

    pair: Array
    rows: Array
    changes: Changes


def fold(evidence: Evidence, before: Array, terms: Array) -> Fold:
    """Fold evidence into the pairs' state; pure.

    Args:
        evidence: of pairs whose metric does not report on change, or whose holds are no durations.
        before: rows of PAIR, one a distinct pair, in order of pairs.
        terms: rows of TERMS, likewise.
    """
    pair = evidence.pair
    n = len(pair)
    first = np.flatnonzero(np.r_[True, pair[1:] != pair[:-1]]) if n else np.empty(0, "i8")
    group = np.cumsum(np.r_[False, pair[1:] != pair[:-1]]) if n else np.empty(0, "i8")
    raise_ = np.where(evidence.out, FALSE, evidence.raise_)
    clear = np.where(evidence.out, FALSE, evidence.clear)

    up = _Runs(raise_, evidence.time, group, len(first), before, before["code"] == PENDING, terms["gap_us"])
    among = terms["for_among"][group] > 0
    met = np.where(
        terms["for_n"][group] > 0, up.count >= terms["for_n"][group], evidence.time - up.since >= terms["for_us"][group]
    )
    bits, bits_at = before["bits"].copy(), before["bits_at"].copy()
    if among.any():
        counted = _Among(raise_, evidence, group, first, before, terms)
        met = np.where(among, counted.hits >= terms["for_n"][group], met)
        bits, bits_at = counted.bits, counted.bits_at
    set_ = (raise_ == TRUE) & met

    down = _Runs(clear, evidence.time, group, len(first), before, before["code"] == CLEARING, terms["gap_us"])
    kept = np.where(
        terms["keep_n"][group] > 0,
        down.count >= terms["keep_n"][group],
        evidence.time - down.since >= terms["keep_us"][group],
    )
    release = ((clear == TRUE) & kept) | evidence.out

    # The latch is what the last set or release made it; both never come at once.
    event = np.where(set_ | release, np.arange(n), -1)
    latest = np.maximum.accumulate(event) if n else event
    inherited = before["code"][group] >= RAISED
    after = np.where(latest >= first[group], set_[np.maximum(latest, 0)], inherited)
    previous = np.r_[False, after[:-1]] if n else after
    previous[first] = inherited[first]
    changed = np.flatnonzero(after != previous)

    last = np.r_[first[1:], n] - 1 if n else first
    rows = np.zeros(len(first), PAIR)
    latched = after[last]
    run = np.where(latched, down.active, up.active)
    rows["code"] = np.where(latched, np.where(run, CLEARING, RAISED), np.where(run, PENDING, IDLE))
    for name in ("since", "last", "run"):
        value = np.where(latched, getattr(down, f"final_{name}"), getattr(up, f"final_{name}"))
        rows[name] = np.where(run, value, 0)
    rows["bits"], rows["bits_at"] = bits, np.where(bits != 0, bits_at, 0)
    return Fold(
        pair[first],
        rows,
        Changes(
            pair[changed],
            evidence.order[changed],
            evidence.time[changed],
            after[changed],
            np.zeros(len(changed), bool),
            evidence.out[changed],
        ),
    )


class _Runs:
    """Runs of true evidence: since when and how often, at each piece of evidence, and what is left at the end."""

    def __init__(
        self, value: Array, time: Array, group: Array, groups: int, before: Array, active: Array, gap_us: Array
    ) -> None:
        n = len(value)
        self.since = np.zeros(n, "i8")
        self.count = np.zeros(n, "i8")
        known = np.flatnonzero(value != UNKNOWN)
        of, t, true = group[known], time[known], value[known] == TRUE
        head = np.r_[True, of[1:] != of[:-1]] if len(known) else np.empty(0, bool)
        was_true = np.r_[False, true[:-1]] if len(known) else true
        was_true[head] = active[of[head]]
        before_t = np.r_[0, t[:-1]] if len(known) else t
        before_t[head] = before["last"][of[head]]
        goes_on = true & was_true & (t - before_t <= gap_us[of])
        position = np.arange(len(known))
        start = np.maximum.accumulate(np.where(true & ~goes_on, position, -1)) if len(known) else position
        head_at = np.maximum.accumulate(np.where(head, position, 0)) if len(known) else position
        here = start >= head_at
        since = np.where(here, t[np.maximum(start, 0)], before["since"][of])
        count = np.where(here, position - start + 1, before["run"][of] + position - head_at + 1)
        self.since[known], self.count[known] = since, count

        # At the end: as the last known evidence left it, or as it was.
        self.active = active.copy()
        self.final_since, self.final_last, self.final_run = (before[name].copy() for name in ("since", "last", "run"))
        if len(known):
            tail = np.flatnonzero(np.r_[of[1:] != of[:-1], True])
            touched = of[tail]
            self.active[touched] = true[tail]
            self.final_since[touched], self.final_last[touched] = since[tail], t[tail]
            self.final_run[touched] = count[tail]


class _Among:
    """`K of N samples`: how many of the newest N pieces of evidence of raise were true, this one included."""

    def __init__(
        self, raise_: Array, evidence: Evidence, group: Array, first: Array, before: Array, terms: Array
    ) -> None:
        self.hits = np.zeros(len(raise_), "i8")
        self.bits, self.bits_at = before["bits"].copy(), before["bits_at"].copy()
        known = np.flatnonzero((raise_ != UNKNOWN) & (terms["for_among"][group] > 0))
        if not len(known):
            return
        of, t, true = group[known], evidence.time[known], (raise_[known] == TRUE).astype("i8")
        out = evidence.out[known]
        size = terms["for_among"][of].astype("i8")
        head = np.r_[True, of[1:] != of[:-1]]
        position = np.arange(len(known))
        head_at = np.maximum.accumulate(np.where(head, position, 0))
        before_t = np.r_[0, t[:-1]]
        before_t[head] = before["bits_at"][of[head]]
        # Evidence before a long pause, or before the season, no longer counts.
        broken = (t - before_t > terms["gap_us"][of]) | np.r_[False, out[:-1]] & ~head
        start = np.maximum.accumulate(np.where(broken | head, position, 0))
        inherits = (start == head_at) & ~broken[head_at]
        total = np.cumsum(true)
        low = np.maximum(start, position - size + 1)
        inside = total - total[low] + true[low]
        room = np.clip(size - 1 - (position - head_at), 0, BITS - 1)
        old = before["bits"][of].astype("i8") & ((1 << room) - 1)
        self.hits[known] = inside + np.where(inherits, _ones(old), 0)

        tail = np.flatnonzero(np.r_[of[1:] != of[:-1], True])
        bits = np.where(inherits[tail], _shifted(before["bits"][of[tail]], position[tail] - head_at[tail] + 1), 0)
        for back in range(BITS):
            at = tail - back
            mine = at >= start[tail]
            bits |= np.where(mine, true[np.maximum(at, 0)] << back, 0)
        bits &= (1 << size[tail]) - 1
        self.bits[of[tail]] = np.where(out[tail], 0, bits)
        self.bits_at[of[tail]] = t[tail]


def _ones(bits: Array) -> Array:
    return np.bitwise_count(bits).astype("i8")


def _shifted(bits: Array, places: Array) -> Array:
    """`bits` moved up; what leaves the newest 32 is gone."""
    far = places >= BITS
    return np.where(far, 0, (bits.astype("i8") << np.where(far, 0, places)) & 0xFFFFFFFF)
