"""Truths: comparisons and what AND, OR and NOT make of them, with where `value` then lies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlglot import exp

from citybrain.catalogue.messages import hint
from rules.conditions import bounds, logic, syntax
from rules.conditions.draft import Draft
from rules.conditions.model import Bounds
from rules.conditions.terms import WRONG, Term, applied

MAX_LISTED = 12  # values that a message names


@dataclass(frozen=True, slots=True)
class Comparison:
    """How it is computed, and between what `value` on its left lies when it is true and when it is false."""

    operation: logic.Binary
    true_within: Callable[[Bounds], Bounds]
    false_within: Callable[[Bounds], Bounds]
    exchanged: type[exp.Expr]  # what says the same with the sides exchanged
    orders: bool = True


def _anywhere(limit: Bounds) -> Bounds:
    return bounds.unbounded


COMPARISONS: Mapping[type[exp.Expr], Comparison] = {
    exp.LT: Comparison(logic.comparison(np.less), bounds.at_most, bounds.at_least, exp.GT),
    exp.LTE: Comparison(logic.comparison(np.less_equal), bounds.at_most, bounds.at_least, exp.GTE),
    exp.GT: Comparison(logic.comparison(np.greater), bounds.at_least, bounds.at_most, exp.LT),
    exp.GTE: Comparison(logic.comparison(np.greater_equal), bounds.at_least, bounds.at_most, exp.LTE),
    exp.EQ: Comparison(logic.comparison(np.equal), bounds.equal, _anywhere, exp.EQ, orders=False),
    exp.NEQ: Comparison(logic.comparison(np.not_equal), _anywhere, bounds.equal, exp.NEQ, orders=False),
}


def compare(draft: Draft, kind: type[exp.Expr], nodes: Sequence[exp.Expr], terms: Sequence[Term]) -> Term:
    """The term on the left compared with that on the right."""
    for node, term, other in ((nodes[0], terms[0], nodes[1]), (nodes[1], terms[1], nodes[0])):
        if term.kind == "null":
            instead = syntax.sql(other)
            return draft.wrong(node, f"a comparison with NULL is never true: write {instead} IS NULL, or IS NOT NULL")
    comparison = COMPARISONS[kind]
    if not comparison.orders and any(_never(draft, nodes[i], nodes[1 - i], terms[i], terms[1 - i]) for i in (0, 1)):
        return WRONG
    coded = [_coded(draft, nodes[i], terms[i], terms[1 - i]) for i in (0, 1)]
    agreed = draft.agree(nodes, coded)
    if not agreed:
        return WRONG
    left, right = agreed[0]
    if comparison.orders and (left.kind == "boolean" or "state" in (terms[0].kind, terms[1].kind)):
        return draft.wrong(nodes[0], "states, true and false have no order: compare them with = or <>, or use IN")
    run, fixed = applied(comparison.operation, left, right)
    if right.is_value:
        left, right, comparison = right, left, COMPARISONS[comparison.exchanged]
    if not left.is_value:
        return Term("boolean", run, constant=fixed)
    return Term(
        "boolean",
        run,
        true_within=comparison.true_within(right.within),
        false_within=comparison.false_within(right.within),
    )


def every(terms: Sequence[Term]) -> Term:
    """AND of truths."""
    if any(term.kind == "wrong" for term in terms):
        return WRONG
    run, fixed = applied(logic.every, *terms)
    return Term(
        "boolean",
        run,
        constant=fixed,
        true_within=bounds.both([term.true_within for term in terms]),
        false_within=bounds.either([term.false_within for term in terms]),
    )


def some(terms: Sequence[Term]) -> Term:
    """OR of truths."""
    if any(term.kind == "wrong" for term in terms):
        return WRONG
    run, fixed = applied(logic.some, *terms)
    return Term(
        "boolean",
        run,
        constant=fixed,
        true_within=bounds.either([term.true_within for term in terms]),
        false_within=bounds.both([term.false_within for term in terms]),
    )


def opposite(term: Term) -> Term:
    """NOT of a truth."""
    if term.kind == "wrong":
        return WRONG
    run, fixed = applied(logic.inverse, term)
    return Term("boolean", run, constant=fixed, true_within=term.false_within, false_within=term.true_within)


def _never(draft: Draft, node: exp.Expr, other_node: exp.Expr, term: Term, other: Term) -> bool:
    """Whether a text is compared with one that it can't be, which is reported at that one."""
    if term.values is None or not isinstance(other.literal, str) or other.literal in term.values:
        return False
    advice = hint(other.literal, term.values)
    if not advice and len(term.values) <= MAX_LISTED:
        advice = "; it is one of " + ", ".join(f"'{value}'" for value in sorted(term.values))
    draft.wrong(other_node, f"{syntax.name(node)} is never '{other.literal}'{advice}")
    return True


def _coded(draft: Draft, node: exp.Expr, term: Term, other: Term) -> Term:
    """The term; a text that is compared with a state becomes that state's code, and the state a number."""
    if term.kind == "state" and isinstance(other.literal, str):
        return term.as_code()
    if other.kind != "state" or other.codes is None or not isinstance(term.literal, str):
        return term
    if term.literal not in other.codes:
        known = ", ".join(other.codes)
        return draft.wrong(node, f"unknown state '{term.literal}'{hint(term.literal, other.codes)} (states: {known})")
    return draft.number(other.codes[term.literal])
