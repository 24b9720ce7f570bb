"""From one set of rules or series to the next: what is kept of the state, and which alerts end for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np

from rules.engine.holds import PAIR, RAISED
from rules.engine.latches import Settlement
from rules.engine.plan import Plan
from rules.engine.saved import Row, located
from rules.engine.state import Delta, State
from rules.transition import Transition


def carry(plan: Plan, rows: Iterable[Row], alike: Collection[str]) -> list[Row]:
    """The rows that a plan goes on with.

    Those of rules, steps and series that are gone are left out. A rule that is not in `alike` judges in another way
    than it did: its running holds are dropped, and its latches stay, for the new `clear` to decide.
    """
    kept = []
    for row, pair in located(plan, rows):
        if pair is None:
            continue
        if row.rule in alike:
            kept.append(row)
        elif row.code >= RAISED:
            kept.append(Row(row.rule, row.severity, row.series, RAISED, 0, 0, 0, 0, 0))
    return kept


def reconcile(plan: Plan, state: State, alike: Collection[str], now_us: int) -> tuple[Delta, list[Transition]]:
    """Bring the alerts of a state taken up in line with its latches; pure, like `evaluate`."""
    settlement = Settlement(plan, state, now_us, lambda _: {})
    for key in sorted({*state.alerts, *state.latched}):
        if key.rule not in plan.judged:
            reason = "rule removed"
        else:
            reason = "subject left" if key.rule in alike else "rule changed"
        settlement.review(key, reason, now_us)
    delta = Delta(np.empty(0, "i8"), np.empty(0, PAIR), settlement.alerts, settlement.latched)
    return delta, settlement.transitions
