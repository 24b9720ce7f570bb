"""The functions of conditions: of values of one reading, and over the readings of a span."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlglot import exp

from citybrain.catalogue.messages import hint
from citybrain.catalogue.schema import duration
from rules.conditions import logic
from rules.conditions.draft import Draft
from rules.conditions.model import OVER_SPANS, WEEKS_US, Call, Column, Value, written
from rules.conditions.terms import WRONG, Kind, Term, applied, known_values

MAX_READINGS = 512  # expected in a span; what needs more is a derived metric or usual()
HABITS_US = {"7d": 7 * 86_400_000_000, "4w": WEEKS_US}  # microseconds

Build = Callable[[Draft, Sequence[exp.Expr], Sequence[Term]], Term]


@dataclass(frozen=True, slots=True)
class Function:
    """A function of one reading's values: how many arguments it takes (`most` None: any number), and its term."""

    usage: str
    build: Build
    least: int = 1
    most: int | None = 1


def call(draft: Draft, node: exp.Expr, read: Callable[[exp.Expr], Term]) -> Term:
    """A call; `read` gives the terms of arguments."""
    name, arguments = str(node.this).lower(), node.expressions
    node.set("this", name)
    if name in OVER_SPANS or name == "usual":
        return _over_span(draft, node, name, arguments)
    function = FUNCTIONS.get(name)
    if function is None:
        draft.wrong(node, f"unknown function {name}{hint(name, [*FUNCTIONS, *OVER_SPANS, 'usual'])}")
        for argument in arguments:
            read(argument)
        return WRONG
    terms = [read(argument) for argument in arguments]
    if len(terms) < function.least or (function.most is not None and len(terms) > function.most):
        return draft.wrong(node, f"{name} has {len(terms)} arguments; it is written {function.usage}")
    return function.build(draft, arguments, terms)


def calculation(draft: Draft, operation: np.ufunc, nodes: Sequence[exp.Expr], terms: Sequence[Term]) -> Term:
    """A number computed from two of one unit: a sum, a difference, a remainder."""
    numbers = [draft.expect("number", node, term) for node, term in zip(nodes, terms, strict=True)]
    agreed = draft.agree(nodes, [number or WRONG for number in numbers])
    if not agreed:
        return WRONG
    run, constant = applied(logic.arithmetic(operation), *agreed[0])
    return Term("number", run, agreed[1], constant)


def _over_span(draft: Draft, node: exp.Expr, name: str, arguments: Sequence[exp.Expr]) -> Term:
    """A span function or usual(): read by the engine, and for the condition a column like others."""
    sample = "usual(value, '7d')" if name == "usual" else f"{name}(value, '5m')"
    if len(arguments) != 2 or type(arguments[0]) is not exp.Column:
        instead = {"min": "; the least of several values is least(a, b)", "max": "; the greatest is greatest(a, b)"}
        return draft.wrong(node, f"{name} goes over a span of one column: write {sample}{instead.get(name, '')}")
    column = draft.column(arguments[0])
    of = arguments[0].name.lower()
    arguments[0].this.set("this", of)
    span_us = _span_us(draft, name, arguments[1])
    if column is None or span_us is None:
        return WRONG
    if not column.spans:
        return draft.wrong(node, f"{name} goes over readings: of `value` and aliases of `with`, not of `{of}`")
    if name != "count" and column.kind != "number":
        return draft.wrong(node, f"{name} needs numbers, and `{of}` has none: count(value, '5m') can be asked")
    if name != "usual" and span_us > MAX_READINGS * column.interval_us:
        longest = written(int(MAX_READINGS * column.interval_us))
        return draft.wrong(
            arguments[1],
            f"{arguments[1]} holds more than {MAX_READINGS} expected readings of `{of}`: shorten it to {longest}, "
            "or use a derived metric or usual()",
        )
    wanted = Call(name, of, span_us)
    text = wanted.text
    draft.calls[text] = wanted
    arguments[1].set("this", text.split("'")[1])
    return Term("number", lambda columns: columns(text), _unit(name, column))


def _span_us(draft: Draft, name: str, node: exp.Expr) -> int | None:
    if type(node) is not exp.Literal or not node.is_string:
        draft.wrong(node, f"write the span of {name} in quotes: '5m'")
        return None
    if name == "usual":
        if node.name not in HABITS_US:
            draft.wrong(node, "usual knows '7d', this hour of the last 7 days, and '4w', this weekday of 4 weeks")
        return HABITS_US.get(node.name)
    try:
        return round(duration(node.name).total_seconds()) * 1_000_000
    except ValueError as error:
        draft.wrong(node, f"the span of {name} is no duration: {error}")
        return None


def _unit(name: str, column: Column) -> str | None:
    if name == "count" or column.unit is None:
        return None
    return f"{column.unit}/h" if name == "rate" else column.unit


def _number(operation: np.ufunc, *, keeps_unit: bool = True) -> Build:
    def build(draft: Draft, nodes: Sequence[exp.Expr], terms: Sequence[Term]) -> Term:
        number = draft.expect("number", nodes[0], terms[0])
        if not number:
            return WRONG
        run, constant = applied(logic.numeric(operation), number)
        return Term("number", run, number.unit if keeps_unit else None, constant)

    return build


def _text(operation: Callable[..., Value], kind: Kind = "text") -> Build:
    def build(draft: Draft, nodes: Sequence[exp.Expr], terms: Sequence[Term]) -> Term:
        texts = [text for node, term in zip(nodes, terms, strict=True) if (text := draft.expect("text", node, term))]
        if len(texts) < len(terms):
            return WRONG
        run, constant = applied(operation, *texts)
        return Term(kind, run, constant=constant)

    return build


def _choice(operation: Callable[..., Value]) -> Build:
    """A function that gives one of its arguments."""

    def build(draft: Draft, nodes: Sequence[exp.Expr], terms: Sequence[Term]) -> Term:
        agreed = draft.agree(nodes, terms)
        if not agreed:
            return WRONG
        same, unit = agreed
        run, constant = applied(operation, *same)
        return Term(same[0].kind, run, unit, constant, codes=same[0].codes, values=known_values(same))

    return build


def _modulo(draft: Draft, nodes: Sequence[exp.Expr], terms: Sequence[Term]) -> Term:
    return calculation(draft, np.fmod, nodes, terms)


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function("abs(value)", _number(np.absolute)),
    "sign": Function("sign(value)", _number(np.sign, keeps_unit=False)),
    # Half to even, as PostgreSQL rounds its doubles.
    "round": Function("round(value)", _number(np.rint)),
    "floor": Function("floor(value)", _number(np.floor)),
    "ceil": Function("ceil(value)", _number(np.ceil)),
    "mod": Function("mod(a, b)", _modulo, 2, 2),
    "greatest": Function("greatest(a, b)", _choice(logic.extreme(np.greater_equal)), 1, None),
    "least": Function("least(a, b)", _choice(logic.extreme(np.less_equal)), 1, None),
    "coalesce": Function("coalesce(a, b)", _choice(logic.coalesce), 1, None),
    "nullif": Function("nullif(a, b)", _choice(logic.nullif), 2, 2),
    "lower": Function("lower(region)", _text(logic.textual(str.lower))),
    "upper": Function("upper(region)", _text(logic.textual(str.upper))),
    "starts_with": Function("starts_with(region, '1508')", _text(logic.starts_with, "boolean"), 2, 2),
}
