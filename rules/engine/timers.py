"""Holds of metrics that report on change: the value holds until the next reading, so that a clock meets a duration.

Such readings are few, so their pairs are folded one reading after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from rules.engine.holds import CLEARING, FALSE, IDLE, PENDING, RAISED, TRUE, UNKNOWN, Changes, Evidence, Fold

Array = npt.NDArray[Any]


def due_at(row: Any, terms: Any) -> int | None:
    """When the hold that a pair is in is met by the clock, us; None: it is in none, or counts samples."""
    if not terms["change"]:
        return None
    if row["code"] == PENDING and not terms["for_n"]:
        return int(row["since"]) + int(terms["for_us"])
    if row["code"] == CLEARING and not terms["keep_n"]:
        return int(row["since"]) + int(terms["keep_us"])
    return None


def always(pair: int, time_us: int) -> bool:
    """Every instant is in season for every pair."""
    return True


def fold_in_turn(
    evidence: Evidence, before: Array, terms: Array, in_season: Callable[[int, int], bool] = always
) -> Fold:
    """Fold evidence as `holds.fold` does, with timers: a hold that ran out before a reading came is met when it did.

    No pause is too long here. A contrary reading at the very instant prevents it, and so does the end of the season:
    `in_season` says of a pair whether an instant (us) is in it.
    """
    rows = before.copy()
    pairs = evidence.pair[np.r_[True, evidence.pair[1:] != evidence.pair[:-1]]]
    at = np.searchsorted(pairs, evidence.pair)
    found: list[tuple[int, int, int, bool, bool, bool]] = []
    columns = (getattr(evidence, name).tolist() for name in Evidence.__dataclass_fields__)
    for place, (pair, order, time, raise_, clear, out) in zip(at.tolist(), zip(*columns, strict=True), strict=True):
        row, term = rows[place], terms[place]
        due = due_at(row, term)
        if due is not None and due < time and in_season(pair, due):
            row["code"] = RAISED if row["code"] == PENDING else IDLE
            found.append((pair, order, due, bool(row["code"] == RAISED), True, False))
        latched = row["code"] >= RAISED
        _take(row, term, time, FALSE if out else raise_, FALSE if out else clear)
        if out:
            row["code"], row["bits"] = IDLE, 0
        if (row["code"] >= RAISED) != latched:
            found.append((pair, order, time, not latched, False, out))
    idle = (rows["code"] == IDLE) | (rows["code"] == RAISED)
    for name in ("since", "last", "run"):
        rows[name][idle] = 0
    rows["bits_at"][rows["bits"] == 0] = 0
    changes = Changes(*(np.array(column) for column in zip(*found, strict=True))) if found else _NONE
    return Fold(pairs, rows, changes)


_NONE = Changes(*(np.empty(0, kind) for kind in ("i8", "i8", "i8", "?", "?", "?")))


def _take(row: Any, term: Any, time: int, raise_: int, clear: int) -> None:
    """Take one piece of evidence into a pair's row."""
    latched = row["code"] >= RAISED
    if raise_ != UNKNOWN and term["for_among"]:
        size = int(term["for_among"])
        row["bits"] = ((int(row["bits"]) << 1) | (raise_ == TRUE)) & ((1 << size) - 1)
        row["bits_at"] = time
    if raise_ == TRUE:
        _run(row, time, RAISED if latched else PENDING)
        if not latched and _met(row, term, time):
            row["code"] = RAISED
    elif raise_ == FALSE and row["code"] == PENDING:
        row["code"] = IDLE
    if latched and clear == TRUE:
        _run(row, time, CLEARING)
        kept = row["run"] >= term["keep_n"] if term["keep_n"] else time - row["since"] >= term["keep_us"]
        row["code"] = IDLE if kept else CLEARING
    elif clear == FALSE and row["code"] == CLEARING:
        row["code"] = RAISED


def _met(row: Any, term: Any, time: int) -> bool:
    if term["for_among"]:
        return int(row["bits"]).bit_count() >= int(term["for_n"])
    if term["for_n"]:
        return bool(row["run"] >= term["for_n"])
    return bool(time - row["since"] >= term["for_us"])


def _run(row: Any, time: int, code: int) -> None:
    """Begin a run of that code, or go on with it."""
    if row["code"] != code:
        row["code"], row["since"], row["run"] = code, time, 0
    row["run"] += 1
    row["last"] = time
