"""Parts of conditions: what they are, and how they are computed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from rules.conditions import bounds, logic
from rules.conditions.model import Bounds, Column, Columns, Run, Value

Kind: TypeAlias = Literal["number", "boolean", "text", "state", "null", "wrong"]  # wrong: has been reported already

_BLANKS: Mapping[Kind, Value] = {
    "number": Value(np.array([0.0]), np.array([True])),
    "boolean": Value(np.array([False]), np.array([True])),
    "text": Value(np.array([""], object), np.array([True])),
}


@dataclass(frozen=True, slots=True)
class Term:
    """A part of a condition: what it is, and how it is computed.

    `within`: between what a number lies that is the same for all readings of a series. `true_within` and
    `false_within`: of a truth, where `value` lies when it is one or the other.
    """

    kind: Kind
    run: Run
    unit: str | None = None
    constant: bool = False
    literal: str | float | None = None
    codes: Mapping[str, int] | None = None  # of a state
    values: frozenset[str] | None = None  # all that a text can be, where that is known
    is_value: bool = False  # `value` itself
    within: Bounds = bounds.unbounded
    true_within: Bounds = bounds.unbounded
    false_within: Bounds = bounds.unbounded

    def as_code(self) -> Term:
        """A state as the number that it is stored as."""
        return replace(self, kind="number", codes=None)


def constant(kind: Kind, value: Value) -> Term:
    """A term that is the same for all readings."""
    return Term(kind, lambda columns: value, constant=True)


def number(literal: float) -> Term:
    """A number that the condition names."""
    term = constant("number", Value(np.array([float(literal)])))
    return replace(term, literal=literal, within=bounds.exactly(literal))


def column(name: str, of: Column) -> Term:
    """What a column gives."""
    own = name == "value"
    if of.kind == "boolean":
        return Term(
            "boolean",
            _truth(name),
            true_within=bounds.equal(bounds.exactly(1)) if own else bounds.unbounded,
            false_within=bounds.equal(bounds.exactly(0)) if own else bounds.unbounded,
        )
    if of.kind == "text":
        return Term("text", _text(name), values=of.values)
    return Term(
        of.kind,
        lambda columns: columns(name),
        of.unit,
        codes=of.codes,
        is_value=own,
        within=bounds.unbounded if own or of.kind == "state" else bounds.column(name),
    )


def applied(operation: Callable[..., Value], *terms: Term) -> tuple[Run, bool]:
    """How the operation's result is computed, and whether it is constant; then it is computed here."""
    runs = [term.run for term in terms]
    if all(term.constant for term in terms):
        with np.errstate(all="ignore"):
            value = operation(*(run(_no_columns) for run in runs))
        return lambda columns: value, True
    if len(runs) == 1:
        (only,) = runs
        return lambda columns: operation(only(columns)), False
    if len(runs) == 2:
        first, second = runs
        return lambda columns: operation(first(columns), second(columns)), False
    return lambda columns: operation(*(run(columns) for run in runs)), False


def as_kind(kind: Kind, term: Term) -> Term | None:
    """The term as that kind: a state is its text, too, and NULL is of any kind."""
    if term.kind == kind:
        return term
    if term.kind == "null" and kind in _BLANKS:
        return constant(kind, _BLANKS[kind])
    if term.kind == "state" and kind == "text" and term.codes is not None:
        run, _ = applied(logic.names(term.codes), term)
        return Term("text", run)
    return None


def known_values(terms: Sequence[Term]) -> frozenset[str] | None:
    """All that a text can be that is one of these; None where that is not known."""
    each = [frozenset((term.literal,)) if isinstance(term.literal, str) else term.values for term in terms]
    known = [values for values in each if values is not None]
    return frozenset().union(*known) if len(known) == len(each) else None


def _truth(name: str) -> Run:
    """A boolean column; readings are numbers, 0 and 1."""

    def run(columns: Columns) -> Value:
        data, null = columns(name)
        return logic.truth(data if data.dtype == np.bool_ else data != 0, null)

    return run


def _text(name: str) -> Run:
    """A column of texts, which may be anything where they are NULL."""

    def run(columns: Columns) -> Value:
        data, null = columns(name)
        return Value(data.astype(object) if null is None else np.where(null, "", data).astype(object), null)

    return run


def _no_columns(name: str) -> Value:
    raise LookupError(name)


WRONG = constant("wrong", _BLANKS["boolean"])
NULL = constant("null", _BLANKS["boolean"])
