"""Between what `value` lies when a comparison is true: necessary bounds for each series, sound before tight.

Ends are computed with the very operations that the comparison is evaluated with. Rounding is monotonic, so an end is
never beyond what a number between the ends can give. NaN is a constant that is always NULL: nothing compares with it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rules.conditions.model import Bounds, Constants, Interval


def unbounded(constants: Constants) -> Interval | None:
    """Nothing is known."""
    return None


def exactly(number: float) -> Bounds:
    """A literal."""
    interval = np.array([number]), np.array([number])
    return lambda constants: interval


def column(name: str) -> Bounds:
    """A limit or an attribute that is a number."""
    return lambda constants: constants(name)


def at_least(limit: Bounds) -> Bounds:
    """`value` above, or at, something that lies within `limit`."""
    return _compared(limit, below=False, above=True)


def at_most(limit: Bounds) -> Bounds:
    """`value` below, or at, something that lies within `limit`."""
    return _compared(limit, below=True, above=False)


def equal(limit: Bounds) -> Bounds:
    """`value` equal to something that lies within `limit`."""
    return _compared(limit, below=False, above=False)


def both(parts: Sequence[Bounds]) -> Bounds:
    """The intersection: all are true."""

    def intersection(constants: Constants) -> Interval | None:
        known = [interval for part in parts if (interval := part(constants)) is not None]
        if not known:
            return None
        low, high = known[0]
        for other_low, other_high in known[1:]:
            low, high = np.maximum(low, other_low), np.minimum(high, other_high)
        return low, high

    return intersection


def either(parts: Sequence[Bounds]) -> Bounds:
    """The hull: one of them is true."""

    def hull(constants: Constants) -> Interval | None:
        result: Interval | None = None
        for part in parts:
            interval = part(constants)
            if interval is None:
                return None
            result = (
                interval
                if result is None
                else (
                    np.minimum(result[0], interval[0]),
                    np.maximum(result[1], interval[1]),
                )
            )
        return result

    return hull


def calculated(operation: np.ufunc, a: Bounds, b: Bounds) -> Bounds:
    """The sum, difference, product or quotient of two numbers that lie within bounds."""

    def corners(constants: Constants) -> Interval | None:
        first, second = a(constants), b(constants)
        if first is None or second is None:
            return None
        null = np.isnan(first[0]) | np.isnan(second[0])
        with np.errstate(all="ignore"):
            results = [operation(x, y) for x in first for y in second]
        # Beyond a pole, and where a corner is undefined (0 * inf), everything is possible.
        open_ = np.logical_or.reduce([np.isnan(result) for result in results])
        if operation is np.divide:
            open_ = open_ | ((second[0] <= 0) & (second[1] >= 0))
        low, high = np.minimum.reduce(results), np.maximum.reduce(results)
        low, high = np.where(open_, -np.inf, low), np.where(open_, np.inf, high)
        return np.where(null, np.nan, low), np.where(null, np.nan, high)

    return corners


def negative(a: Bounds) -> Bounds:
    """Minus a number that lies within bounds."""

    def mirrored(constants: Constants) -> Interval | None:
        interval = a(constants)
        return None if interval is None else (-interval[1], -interval[0])

    return mirrored


def _compared(limit: Bounds, *, below: bool, above: bool) -> Bounds:
    def bounds(constants: Constants) -> Interval | None:
        interval = limit(constants)
        if interval is None:
            return None
        null = np.isnan(interval[0])
        low = np.full_like(interval[0], -np.inf) if below else interval[0]
        high = np.full_like(interval[1], np.inf) if above else interval[1]
        return np.where(null, np.inf, low), np.where(null, -np.inf, high)

    return bounds
