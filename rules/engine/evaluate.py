"""The engine: readings in, transitions out; the same function for live, test and backtest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from citybrain.quality import DOUBTFUL, Flag
from rules.engine.clock import date_at, start_of_day
from rules.engine.facts import Facts
from rules.engine.holds import (
    FALSE,
    IDLE,
    PAIR,
    RAISED,
    TRUE,
    UNKNOWN,
    Changes,
    Evidence,
    Fold,
    fold,
)
from rules.engine.latches import Change, Settlement
from rules.engine.plan import Group, Plan, Program, Reads
from rules.engine.state import NEVER, Delta, Key, State
from rules.engine.timers import due_at, fold_in_turn
from rules.engine.view import Arrivals, Readings, View
from rules.model import DAY_US
from rules.transition import Cell, Transition

Array = npt.NDArray[Any]

GRACE_US = 10_000_000  # microseconds that a timer waits for a contrary reading under way
SEASON_GRACE_US = DAY_US  # so long after a season a series that says nothing is released by the clock

_NO_ROWS = np.empty(0, PAIR)
_NO_PAIRS = np.empty(0, "i8")


def evaluate(plan: Plan, facts: Facts, state: State, readings: Readings, now_us: int) -> tuple[Delta, list[Transition]]:
    """Judge readings that were just stored; `state` is not changed, `state.apply(delta)` moves it on.

    Args:
        plan: the rules for the series there are; readings of other series are passed over.
        facts: usual values and glide paths.
        state: as of before.
        readings: in order of arrival. Late readings are passed over, doubtful ones but by rules that ask for them.
        now_us: when they arrived, in microseconds since 1970; it only tells what is past.
    """
    readings = _known(plan, readings)
    late = (readings.quality & int(Flag.LATE)) != 0
    good = ~late & ((readings.quality & int(DOUBTFUL)) == 0)
    arrivals = Arrivals(state, readings, good)
    items = _Items()
    chosen = _chosen(plan, state, readings, late, good)
    for number, rows in _by_group(plan, readings, np.flatnonzero(~late)):
        group = plan.groups[number]
        for reads, programs in plan.by_group[number].items():
            wanted = _whole_series(plan, readings, group, rows, *chosen[reads])
            if len(wanted):
                view = View(plan, facts, arrivals, group, readings, wanted)
                for program in programs:
                    _judge(state, view, program, items)
    folded = _fold(plan, state, items.evidence())
    changes = _changes(plan, folded)
    pairs = np.concatenate([part.pair for part in folded]) if folded else _NO_PAIRS
    rows = np.concatenate([part.rows for part in folded]) if folded else _NO_ROWS
    moved = rows != state.rows[pairs]

    def values(change: Change) -> Mapping[str, Cell]:
        # What ran out before the reading came was decided by none of its values.
        return {} if change.timer else _values(items.views[change.pair], change)

    settlement = Settlement(plan, state, now_us, values)
    settlement.settle(changes)
    delta = Delta(
        pairs=pairs[moved],
        rows=rows[moved],
        alerts=settlement.alerts,
        latched=settlement.latched,
        newest=arrivals.latest(),
        fresh=arrivals.fresh,
        current=_current(plan, state, settlement, readings, good, now_us),
        unknown=items.unknown,
        judged=arrivals.series,
    )
    return delta, settlement.transitions


def tick(plan: Plan, facts: Facts, state: State, now_us: int) -> tuple[Delta, list[Transition]]:
    """Let the timers run out of metrics that report on change, and release what outlived its season in silence."""
    pairs, rows, changes = [], [], []
    busy = np.flatnonzero(state.busy)
    for pair in busy[plan.terms["change"][busy] | plan.terms["season"][busy]].tolist():
        program, series = plan.owner(pair)
        row = state.rows[pair]
        over = _season_over(plan, program, series, state, now_us)
        due = due_at(row, plan.terms[pair])
        if due is not None and (due + GRACE_US > now_us or not _in_season(plan, pair, due)):
            due = None
        if due is None and over is None:
            continue
        latched = bool(row["code"] >= RAISED)
        if due is not None:
            latched = not latched
            changes.append(Change(pair, program, series, 0, due, latched, timer=True))
        new = np.zeros(1, PAIR)
        if over is None:
            new["code"] = RAISED if latched else IDLE
            new["bits"], new["bits_at"] = row["bits"], row["bits_at"]
        elif latched:
            changes.append(Change(pair, program, series, 0, over, latched=False, timer=True, reason="out of season"))
        pairs.append(pair)
        rows.append(new)

    def values(change: Change) -> Mapping[str, Cell]:
        return {"value": _cell(state.newest_value[change.series])}

    settlement = Settlement(plan, state, now_us, values)
    settlement.settle(changes)
    delta = Delta(
        pairs=np.array(pairs, "i8"),
        rows=np.concatenate(rows) if rows else _NO_ROWS,
        alerts=settlement.alerts,
        latched=settlement.latched,
    )
    return delta, settlement.transitions


def apply(state: State, delta: Delta) -> State:
    """Bring a delta into force, after the commit."""
    state.apply(delta)
    return state


class _Items:
    """Evidence of active pairs, collected step by step."""

    def __init__(self) -> None:
        self.parts: list[Evidence] = []
        self.views: dict[int, tuple[Program, View]] = {}
        self.unknown: dict[int, int] = {}

    def evidence(self) -> Evidence:
        """All of it, by pair and arrival."""
        if not self.parts:
            none = np.empty(0, "i8")
            return Evidence(none, none, none, none, none, none.astype(bool))
        joined = Evidence(
            *(np.concatenate([getattr(part, name) for part in self.parts]) for name in Evidence.__dataclass_fields__)
        )
        return joined.where(np.lexsort((joined.order, joined.pair)))


def _judge(state: State, view: View, program: Program, items: _Items) -> None:
    """Judge readings by one step, and add the evidence of its active pairs."""
    n = len(view)
    rule = program.rule
    judged = np.ones(n, bool) if program.member is None else program.member[view.position]
    out = np.zeros(n, bool)
    if rule.season is not None:
        out = judged & ~view.active(rule.season)
    if rule.hours is not None:
        judged = judged & (view.active(rule.hours) | out)
    pair = program.first + view.position.astype("i8")
    busy = judged & state.busy[pair] if state.busy_by_program[program.number] else None
    if busy is None and (out | ~judged).all():
        return
    raised, unknown = program.raise_.evaluate(lambda name: view.column(program, name), n)
    raised = raised & judged & ~out
    if unknown is not None:
        items.unknown[program.number] = int((unknown & judged).sum())
    active = raised if busy is None else raised | busy
    if not active.any():
        return
    # A pair that becomes active in this batch needs all of its readings in it.
    series = np.zeros(len(view.group.series), bool)
    series[view.position[active]] = True
    rows = np.flatnonzero(series[view.position] & judged)
    chosen = view.take(rows)
    clear, clear_unknown = program.clear.evaluate(lambda name: chosen.column(program, name), len(rows))
    raise_ = raised[rows].astype("i1")
    if unknown is not None:
        raise_[unknown[rows]] = UNKNOWN
    clear_ = np.where(clear, TRUE, FALSE).astype("i1")
    if clear_unknown is not None:
        clear_[clear_unknown] = UNKNOWN
    if view.readings.missing is not None:
        missing = view.readings.missing[chosen.order]
        raise_[missing], clear_[missing] = FALSE, TRUE
    # Where both hold, raise wins; where clear holds, raise that can't be told does not.
    clear_[raise_ == TRUE] = FALSE
    raise_[(clear_ == TRUE) & (raise_ == UNKNOWN)] = FALSE
    for one in np.unique(pair[rows]).tolist():
        items.views[one] = (program, chosen)
    items.parts.append(Evidence(pair[rows], chosen.order, chosen.time, raise_, clear_, out[rows]))


def _chosen(plan: Plan, state: State, readings: Readings, late: Array, good: Array) -> dict[Reads, tuple[Array, Array]]:
    """For each way of reading: which readings can be judged, and which of them must be."""
    busy = state.busy_by_series[readings.series] > 0
    quiet = plan.quiet_by_series[readings.series]
    loud = ~((readings.value > quiet[:, 0]) & (readings.value < quiet[:, 1]))
    doubtful = (readings.quality & int(DOUBTFUL)) != 0
    return {
        "noisy": (good, good & (busy | loud)),
        "good": (good, good),
        "flagged": (~late, ~late & (busy | doubtful)),
        "any": (~late, ~late),
    }


def _whole_series(plan: Plan, readings: Readings, group: Group, rows: Array, can: Array, must: Array) -> Array:
    """Of a group's rows those that can be judged, of the series of which one must be."""
    needed = must[rows]
    if not needed.any():
        return _NO_PAIRS
    position = plan.rank_by_series[readings.series[rows]]
    series = np.zeros(len(group.series), bool)
    series[position[needed]] = True
    found: Array = rows[series[position] & can[rows]]
    return found


def _known(plan: Plan, readings: Readings) -> Readings:
    """The readings of series that the plan has."""
    size = len(plan.group_by_series)
    known = readings.series < size
    known &= plan.group_by_series[np.where(known, readings.series, 0)] >= 0
    if known.all():
        return readings
    return Readings(
        readings.series[known],
        readings.time[known],
        readings.value[known],
        readings.quality[known],
        readings.message[known],
    )


def _by_group(plan: Plan, readings: Readings, rows: Array) -> Iterable[tuple[int, Array]]:
    """Rows by group, in order of arrival within each; groups that no rule judges are left out."""
    group = plan.group_by_series[readings.series[rows]]
    order = np.argsort(group, kind="stable")
    rows, group = rows[order], group[order]
    if not len(rows):
        return
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]]).tolist()
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        number = int(group[start])
        if plan.by_group[number]:
            yield number, rows[start:end]


def _fold(plan: Plan, state: State, evidence: Evidence) -> list[Fold]:
    """Fold all evidence: pairs with timers one by one, all others at once."""
    if not len(evidence.pair):
        return []
    timed = plan.terms["change"][evidence.pair]
    parts = []
    in_season = partial(_in_season, plan)
    for chosen, folding in ((~timed, fold), (timed, partial(fold_in_turn, in_season=in_season))):
        part = evidence if chosen.all() else evidence.where(chosen)
        if len(part.pair):
            pairs = part.pair[np.r_[True, part.pair[1:] != part.pair[:-1]]]
            parts.append(folding(part, state.rows[pairs], plan.terms[pairs]))
    return parts


def _changes(plan: Plan, folded: Iterable[Fold]) -> list[Change]:
    found = []
    for part in folded:
        changes: Changes = part.changes
        columns = (getattr(changes, name).tolist() for name in Changes.__dataclass_fields__)
        for pair, order, time_us, latched, timer, out in zip(*columns, strict=True):
            program, series = plan.owner(pair)
            reason = "out of season" if out else None
            found.append(Change(pair, program, series, order, time_us, latched, timer, reason))
    return found


def _values(known: tuple[Program, View], change: Change) -> dict[str, Cell]:
    """What the step's conditions saw at the reading that decided."""
    program, view = known
    one = view.at(change.order)
    raise_ = program.raise_
    names = sorted(raise_.columns | program.clear.columns | program.calls.keys() | program.limits.keys())
    found: dict[str, Cell] = {"value": _cell(one.value[0])} if not view.readings.columns else {}
    for name in names:
        data, null = one.column(program, name)
        found[name] = None if null is not None and null[0] else _cell(data[0])
    return found


def _cell(value: Any) -> Cell:
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, float) and plain != plain:
        return None
    assert isinstance(plain, float | int | str | bool)  # noqa: S101  columns hold nothing else
    return plain


def _current(
    plan: Plan, state: State, settlement: Settlement, readings: Readings, good: Array, now_us: int
) -> tuple[Key, ...]:
    """The alerts raised as old news that are still open after a current reading of their subject."""
    past = {key for key in state.past if settlement.alerts.get(key, True) is not None}
    past |= {key for key, alert in settlement.alerts.items() if alert is not None and alert.past}
    if not past:
        return ()
    news = good & (now_us - readings.time <= plan.news_by_series[readings.series])
    series = set(readings.series[news].tolist())
    found = []
    for key in sorted(past):
        rule = plan.rule_set.rules[key.rule]
        judged = series & plan.judged.get(key.rule, frozenset())
        if any(plan.series[one].subject(rule.subject) == key.subject for one in judged):
            found.append(key)
    return tuple(found)


def _in_season(plan: Plan, pair: int, time_us: int) -> bool:
    """Whether an instant is in the season of a pair's rule."""
    program, series = plan.owner(pair)
    season = program.rule.season
    return season is None or plan.days(season, plan.series[series].region)(date_at(time_us, plan.zone))


def _season_over(plan: Plan, program: Program, series: int, state: State, now_us: int) -> int | None:
    """When the season of a rule ended for a series that has not been heard since; None: it has not, or was heard."""
    season = program.rule.season
    if season is None:
        return None
    on = plan.days(season, plan.series[series].region)
    day = date_at(now_us - SEASON_GRACE_US, plan.zone)
    if on(day):
        return None
    while not on(day - timedelta(days=1)) and day > date_at(now_us - 366 * DAY_US, plan.zone):
        day -= timedelta(days=1)
    ended = start_of_day(day, plan.zone)
    newest = int(state.newest_time[series])
    return ended if newest == NEVER or newest < ended else None
