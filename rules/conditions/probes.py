"""What conditions say of values that have not come yet: whether two contradict each other, whether one is ever true."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from rules.conditions.model import BoolArray, Condition, FloatArray, Value

_GRID = 1_001  # values spread over the plausible range
_MAX_NUMBERS = 40  # limits and literals that are combined with each other; more would be too many pairs
_WIDE = 1e9  # how far an open range is tried


def conflict(raise_: Condition, clear: Condition, limits: Mapping[str, float], low: float, high: float) -> float | None:
    """A value from `low` to `high` for which both are true; None: none was found.

    Both read only `value` and limits. Tried are a grid, each limit, literal and combination of two by + - * /, the
    numbers just beside them, and those half-way between neighbours: between two thresholds of a kind, all are alike.
    Of the values that are found, the one that is written shortest is given.
    """
    values = _values(raise_, clear, limits, low, high)
    found = values[_true(raise_, limits, values) & _true(clear, limits, values)]
    return min(found.tolist(), key=lambda value: (len(repr(value)), value), default=None)


def ever_true(condition: Condition, limits: Mapping[str, float], low: float, high: float) -> bool:
    """Whether it is true for some value from `low` to `high`, tried as by `conflict`; of a text, any may come."""
    values = _values(condition, condition, limits, low, high)
    return not values.size or bool(_true(condition, limits, values).any())


def _values(one: Condition, other: Condition, limits: Mapping[str, float], low: float, high: float) -> FloatArray:
    column = one.value or other.value
    if column and column.kind == "boolean":
        return np.array([0.0, 1.0])
    if column and column.kind == "text":
        return np.empty(0)
    if column and column.kind == "state":
        return np.array(sorted(map(float, (column.codes or {}).values())))
    numbers = np.unique(np.array([*limits.values(), *one.literals, *other.literals], np.float64))
    numbers = numbers[np.isfinite(numbers)][:_MAX_NUMBERS]
    with np.errstate(all="ignore"):
        pairs = [
            operation.outer(numbers, numbers).ravel() for operation in (np.add, np.subtract, np.multiply, np.divide)
        ]
        steps = np.concatenate([numbers, -numbers, *pairs])
    steps = steps[np.isfinite(steps)]
    reach = max(_WIDE, 2 * float(np.abs(numbers).max(initial=0)))
    low, high = max(low, -reach), min(high, reach)
    edges = np.unique(np.concatenate([steps, [low, high], np.linspace(low, high, _GRID)]))
    between = (edges[1:] + edges[:-1]) / 2
    values = np.concatenate([edges, np.nextafter(edges, -np.inf), np.nextafter(edges, np.inf), between])
    return np.unique(values[(values >= low) & (values <= high)])


def _true(condition: Condition, limits: Mapping[str, float], values: FloatArray) -> BoolArray:
    def columns(name: str) -> Value:
        if name == "value":
            return Value(values)
        limit = limits[name]
        return Value(np.array([limit]), np.array([True]) if np.isnan(limit) else None)

    return condition.evaluate(columns, values.size)[0]
