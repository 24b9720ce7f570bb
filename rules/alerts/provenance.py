"""Which limits decided a transition, and where each of them comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from rules.conditions import Value
from rules.engine.directory import Series
from rules.model import LimitEntry, Rule
from rules.transition import Cell, Transition


@dataclass(frozen=True, slots=True)
class Background:
    """What alerts need to know beyond transitions: rules in force, series by their number, the city's zone."""

    rules: Mapping[str, Rule]
    series: Mapping[int, Series]
    zone: ZoneInfo


def limits(background: Background, transition: Transition) -> dict[str, dict[str, Any]]:
    """The limits of the step that decided, by name, each with its value and provenance.

    A limit is the first entry that matches the series and whose dates contain the reading's day in the city; a name
    without such an entry is left out (its limit was NULL). The value is the one that the engine used.
    """
    rule = background.rules.get(transition.rule)
    steps = [step for step in rule.steps if step.severity == transition.step] if rule else []
    if not steps:
        return {}
    day = datetime.fromtimestamp(transition.time_us / 1_000_000, UTC).astimezone(background.zone).date()
    series = background.series.get(transition.series) if transition.series is not None else None
    found = {}
    for name, entries in steps[0].limits.items():
        used = transition.values.get(name)
        entry = next((entry for entry in entries if _counts(entry, day, series, transition, used)), None)
        if entry is not None:
            found[name] = _described(entry, entry.value if used is None else used)
    return found


def _counts(entry: LimitEntry, day: date, series: Series | None, transition: Transition, used: Cell) -> bool:
    if (entry.start and day < entry.start) or (entry.end and day > entry.end):
        return False
    if entry.where is None:
        return True
    cells = {name: _cell(name, series, transition) for name in entry.where.columns}
    if None in cells.values():
        # What is missing here (an attribute that the site lacks) leaves only the number to tell.
        return entry.value is not None and entry.value == used
    columns = {name: Value(np.array([cell], object if isinstance(cell, str) else None)) for name, cell in cells.items()}
    true, _ = entry.where.evaluate(columns.__getitem__, 1)
    return bool(true[0])


def _cell(name: str, series: Series | None, transition: Transition) -> Cell:
    """An attribute of the series, its metric, or what the condition saw."""
    seen = transition.values.get(name)
    if series is None:
        return seen
    return series.metric if name == "metric" else series.attributes.get(name, seen)


def _described(entry: LimitEntry, value: Cell) -> dict[str, Any]:
    named = {
        "unit": entry.unit,
        "source": entry.source,
        "clause": entry.clause,
        "confidence": entry.confidence,
        "attribute": entry.attribute,
        "plan": entry.plan,
    }
    return {"value": value, **{key: cell for key, cell in named.items() if cell}}
