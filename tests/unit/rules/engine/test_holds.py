"""The fold of all pairs at once against a loop that takes one piece of evidence after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.engine.holds import CLEARING, FALSE, IDLE, PAIR, PENDING, RAISED, TERMS, TRUE, UNKNOWN, Evidence, Fold, fold
from rules.engine.timers import fold_in_turn

MINUTE = 60
FOREVER = float("inf")

terms = st.fixed_dictionaries(
    {
        "for_us": st.sampled_from([0, 2 * MINUTE, 5 * MINUTE]),
        "for_n": st.sampled_from([0, 0, 1, 2, 3]),
        "among": st.sampled_from([0, 0, 3, 4, 32]),
        "keep_us": st.sampled_from([0, 3 * MINUTE]),
        "keep_n": st.sampled_from([0, 0, 2]),
        "gap_us": st.sampled_from([3 * MINUTE, 10 * MINUTE]),
    }
)
# Minutes since the one before, raise and clear, out of season.
piece = st.tuples(
    st.integers(1, 6),
    st.sampled_from(
        [(TRUE, FALSE), (FALSE, TRUE), (FALSE, FALSE), (UNKNOWN, FALSE), (FALSE, UNKNOWN), (UNKNOWN, UNKNOWN)]
    ),
    st.integers(0, 20).map(lambda number: number == 0),
)
histories = st.lists(st.tuples(terms, st.lists(piece, max_size=30)), min_size=1, max_size=4)


class Loop:
    """One pair, as the meaning of holds is written down."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self.asked = asked
        self.latched = False
        self.runs: dict[str, list[int]] = {"raise": [], "clear": []}  # times of the run that goes on
        self.known: list[tuple[int, bool]] = []  # evidence of raise since the last long pause
        self.changes: list[tuple[int, bool]] = []

    def take(self, time: int, raise_: int, clear: int, out: bool) -> None:
        if out:
            if self.latched:
                self.changes.append((time, False))
            self.latched, self.known = False, []
            self.runs = {"raise": [], "clear": []}
            return
        self._run("raise", time, raise_)
        self._run("clear", time, clear)
        if raise_ != UNKNOWN:
            if self.known and time - self.known[-1][0] > self.asked["gap_us"]:
                self.known = []
            self.known.append((time, raise_ == TRUE))
        if raise_ == TRUE and self._met(time) and not self.latched:
            self.latched = True
            self.changes.append((time, True))
        elif clear == TRUE and self._kept(time) and self.latched:
            self.latched = False
            self.changes.append((time, False))

    def _run(self, which: str, time: int, value: int) -> None:
        run = self.runs[which]
        if value == FALSE or (run and value == TRUE and time - run[-1] > self.asked["gap_us"]):
            run.clear()
        if value == TRUE:
            run.append(time)

    def _met(self, time: int) -> bool:
        if self.asked["among"] and self.asked["for_n"]:
            return sum(true for _, true in self.known[-self.asked["among"] :]) >= self.asked["for_n"]
        if self.asked["for_n"]:
            return len(self.runs["raise"]) >= self.asked["for_n"]
        return time - self.runs["raise"][0] >= self.asked["for_us"]

    def _kept(self, time: int) -> bool:
        if self.asked["keep_n"]:
            return len(self.runs["clear"]) >= self.asked["keep_n"]
        return time - self.runs["clear"][0] >= self.asked["keep_us"]


def rows_of(asked: list[dict[str, Any]], change: bool = False) -> np.ndarray[Any, Any]:
    rows = np.zeros(len(asked), TERMS)
    for row, one in zip(rows, asked, strict=True):
        among = one["among"] if one["for_n"] else 0
        row["for_us"], row["for_n"], row["for_among"] = one["for_us"], one["for_n"], among
        row["keep_us"], row["keep_n"], row["change"] = one["keep_us"], one["keep_n"], change
        row["gap_us"] = FOREVER if change else one["gap_us"]
    return rows


def evidence_of(items: list[tuple[int, int, int, int, int, bool]]) -> Evidence:
    """Items (pair, order, time, raise, clear, out) by pair and order."""
    columns = list(zip(*sorted(items), strict=True)) or [()] * 6
    kinds = ("i8", "i8", "i8", "i1", "i1", "?")
    return Evidence(*(np.array(column, kind) for column, kind in zip(columns, kinds, strict=True)))


def items_of(histories: list[tuple[dict[str, Any], list[Any]]]) -> list[tuple[int, int, int, int, int, bool]]:
    items = []
    for pair, (_, pieces) in enumerate(histories):
        time = 0
        for number, (gap, (raise_, clear), out) in enumerate(pieces):
            time += gap * MINUTE
            items.append((pair, number * 10 + pair, time, raise_, clear, out))
    return items


def folded(items: list[Any], state: np.ndarray[Any, Any], asked: np.ndarray[Any, Any], folding: Any = fold) -> Fold:
    evidence = evidence_of(items)
    pairs = np.unique(evidence.pair)
    result: Fold = folding(evidence, state[pairs], asked[pairs])
    state[result.pair] = result.rows
    return result


@settings(max_examples=300, deadline=None)
@given(histories, st.randoms(use_true_random=False))
def test_any_cut_gives_what_the_loop_gives(histories: list[Any], random: Any) -> None:
    asked = rows_of([one for one, _ in histories])
    state = np.zeros(len(histories), PAIR)
    items = sorted(items_of(histories), key=lambda item: item[1])
    changes: list[tuple[int, int, bool]] = []
    at = 0
    while at < len(items):
        size = random.randint(1, len(items))
        result = folded(items[at : at + size], state, asked)
        found = result.changes
        changes += zip(found.pair.tolist(), found.time.tolist(), found.latched.tolist(), strict=True)
        at += size
    for pair, (one, pieces) in enumerate(histories):
        loop = Loop(one)
        time = 0
        for gap, (raise_, clear), out in pieces:
            time += gap * MINUTE
            loop.take(time, raise_, clear, out)
        assert [(when, latched) for who, when, latched in changes if who == pair] == loop.changes
        assert (state[pair]["code"] >= RAISED) == loop.latched


def test_codes_say_what_is_going_on() -> None:
    asked = rows_of([{"for_us": 300, "for_n": 0, "among": 0, "keep_us": 300, "keep_n": 0, "gap_us": 1000}])
    state = np.zeros(1, PAIR)
    seen = []
    for order, (time, raise_) in enumerate(
        [(0, TRUE), (300, TRUE), (600, FALSE), (800, TRUE), (1000, FALSE), (1300, FALSE)]
    ):
        folded([(0, order, time, raise_, FALSE if raise_ else TRUE, False)], state, asked)
        seen.append(int(state[0]["code"]))
    assert seen == [PENDING, RAISED, CLEARING, RAISED, CLEARING, IDLE]


@settings(max_examples=200, deadline=None)
@given(histories)
def test_metrics_that_report_on_change_differ_by_their_timers_only(histories: list[Any]) -> None:
    """With holds of samples, or of nothing, there are no timers, so both folds agree."""
    plain = [({**one, "for_us": 0, "keep_us": 0, "gap_us": FOREVER}, pieces) for one, pieces in histories]
    items = items_of(plain)
    if not items:
        return
    both = []
    for folding, change in ((fold, False), (fold_in_turn, True)):
        state = np.zeros(len(plain), PAIR)
        result = folded(items, state, rows_of([one for one, _ in plain], change), folding)
        found = sorted(
            zip(
                result.changes.pair.tolist(), result.changes.time.tolist(), result.changes.latched.tolist(), strict=True
            )
        )
        both.append((found, state["code"].tolist(), state["bits"].tolist()))
    assert both[0] == both[1]


def test_a_timer_runs_out_before_the_reading_that_comes_later_and_not_at_the_very_instant() -> None:
    asked = rows_of([{"for_us": 60, "for_n": 0, "among": 0, "keep_us": 0, "keep_n": 0, "gap_us": 0}], change=True)
    for contrary, expected in ((60, []), (61, [(60, True, True), (61, False, False)])):
        state = np.zeros(1, PAIR)
        items = [(0, 0, 0, TRUE, FALSE, False), (0, 1, contrary, FALSE, TRUE, False)]
        changes = folded(items, state, asked, fold_in_turn).changes
        assert (
            list(zip(changes.time.tolist(), changes.latched.tolist(), changes.timer.tolist(), strict=True)) == expected
        )
