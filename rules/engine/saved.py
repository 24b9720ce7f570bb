"""The engine's state as rows that outlive the process, and back again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rules.engine.holds import PAIR
from rules.engine.plan import Plan
from rules.engine.state import Key, Open, State

Array = npt.NDArray[Any]


class Row(NamedTuple):
    """A pair that is not idle, by the names of its rule, step and series; the rest as in holds.PAIR."""

    rule: str
    severity: int
    series: int
    code: int
    since: int
    last: int
    run: int
    bits: int
    bits_at: int

    @property
    def idle(self) -> bool:
        """Whether there is nothing to remember."""
        return not self.code and not self.bits


@dataclass(frozen=True)
class Saved:
    """All that must be remembered; newest values and windows are read from the readings again."""

    rows: tuple[Row, ...] = ()
    alerts: Mapping[Key, Open] = field(default_factory=dict)


def rows_of(plan: Plan, pairs: Array, rows: Array) -> list[Row]:
    """Pairs with their rows of PAIR, by names; idle ones are to be forgotten."""
    found = []
    for pair, cells in zip(pairs.tolist(), rows.tolist(), strict=True):
        program, series = plan.owner(pair)
        found.append(Row(program.rule.name, program.step.severity, series, *cells))
    return found


def dump(plan: Plan, state: State) -> Saved:
    """What is to be remembered of a state."""
    pairs = np.flatnonzero(state.busy)
    return Saved(tuple(rows_of(plan, pairs, state.rows[pairs])), dict(state.alerts))


def restore(plan: Plan, saved: Saved, newest: tuple[Array, Array, Array], history: tuple[Array, Array, Array]) -> State:
    """A state as it was.

    Args:
        plan: rows of rules, steps and series that it lacks are passed over.
        saved: what `dump` gave.
        newest: of each series its newest good reading: series i4, time i8 (us), value f8.
        history: good readings that came in order, as far back as `plan.keep_by_series` says: series (ascending), time
            (ascending in a series), value.
    """
    state = State(plan)
    pairs, rows = pairs_of(plan, saved.rows)
    state.restore(pairs, rows, saved.alerts)
    series, time, value = newest
    known = series < len(state.newest_time)
    state.newest_time[series[known]] = time[known]
    state.newest_value[series[known]] = value[known]
    series, time, value = history
    kept = series < len(plan.keep_by_series)
    kept[kept] = time[kept] >= state.newest_time[series[kept]] - plan.keep_by_series[series[kept]]
    kept[kept] &= plan.keep_by_series[series[kept]] > 0
    if kept.any():
        state.windows.advance(state.windows.write(series[kept], time[kept], value[kept]))
    return state


def pairs_of(plan: Plan, saved: Iterable[Row]) -> tuple[Array, Array]:
    """The pairs of saved rows, ascending, and their rows of PAIR; those that the plan lacks are left out."""
    found = sorted((pair, tuple(row[3:])) for row, pair in located(plan, saved) if pair is not None)
    return np.array([pair for pair, _ in found], "i8"), np.array([cells for _, cells in found], PAIR)


def located(plan: Plan, saved: Iterable[Row]) -> Iterator[tuple[Row, int | None]]:
    """Saved rows with their pairs; None: the plan has no such rule or step, or it does not judge the series."""
    steps = {(program.rule.name, program.step.severity, program.group.metric): program for program in plan.programs}
    for row in saved:
        series = plan.series.get(row.series)
        program = steps.get((row.rule, row.severity, series.metric)) if series is not None else None
        position = int(plan.rank_by_series[row.series]) if program is not None else 0
        if program is None or (program.member is not None and not program.member[position]):
            yield row, None
        else:
            yield row, program.first + position
