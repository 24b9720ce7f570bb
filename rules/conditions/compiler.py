"""Syntax tree to condition: an allow-list of nodes and of their arguments, each with its meaning."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from sqlglot import exp

from rules.conditions import bounds, functions, logic, syntax, terms, truths
from rules.conditions.draft import Draft
from rules.conditions.model import Column, Columns, Condition, ConditionError, Mistake, Run, Value
from rules.conditions.terms import NULL, WRONG, Term, applied, constant

MAX_DEPTH = 100  # operators inside each other: each is a few frames of Python's stack, here and when evaluated

_ARITHMETIC: Mapping[type[exp.Expr], np.ufunc] = {
    exp.Add: np.add,
    exp.Sub: np.subtract,
    exp.Mul: np.multiply,
    exp.Div: np.divide,
    exp.Mod: np.fmod,
}


def parse(text: str, scope: Mapping[str, Column], advice: Mapping[str, str] = MappingProxyType({})) -> Condition:
    """The condition that a text is, where these names can be read; `advice` says of others what to write instead.

    Raises:
        ConditionError: with all that is wrong.
    """
    try:
        tree = syntax.tree(text)
        draft = Draft({name.lower(): column for name, column in scope.items()}, advice)
        if type(tree) is exp.Null:
            draft.wrong(tree, "the condition is always NULL, neither true nor false")
        term = _Reader(draft).truth(tree)
        if draft.mistakes:
            raise ConditionError(tuple(sorted(draft.mistakes, key=lambda mistake: mistake.offset)))
        return Condition(
            syntax.sql(tree),
            frozenset(draft.columns),
            tuple(draft.calls.values()),
            tuple(sorted(draft.literals)),
            draft.scope.get("value"),
            _quiet(term.run) if tree.find(*_ARITHMETIC, exp.Anonymous) else term.run,
            term.true_within,
            term.false_within,
        )
    except RecursionError:
        raise ConditionError(
            (Mistake(0, f"nested too deeply: at most {syntax.MAX_DEPTH} levels can be read"),)
        ) from None


def _quiet(run: Run) -> Run:
    """Without numpy's warnings: what is not finite becomes NULL."""

    def silently(columns: Columns) -> Value:
        with np.errstate(all="ignore"):
            return run(columns)

    return silently


class _Reader:
    """Gives the term of each node; `draft` takes note of what it finds."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.depth = 0

    def read(self, node: exp.Expr) -> Term:
        """The term of a node, if the node and all that hangs on it is allowed."""
        reader, known = _NODES.get(type(node), (None, ()))
        if reader is None:
            return self.draft.wrong(node, f"{syntax.name(node)} can't stand in a condition")
        if any(value and name not in known for name, value in node.args.items()):
            return self.draft.wrong(node, f"{syntax.name(node)} has a part that can't stand in a condition")
        if self.depth == MAX_DEPTH:
            message = f"more than {MAX_DEPTH} operators inside each other can't be read"
            raise ConditionError((Mistake(syntax.offset(node), message),))
        self.depth += 1
        term = reader(self, node)
        self.depth -= 1
        return term

    def column(self, node: exp.Expr) -> Term:
        column, name = self.draft.column(node), node.name.lower()
        if not column:
            return WRONG
        node.this.set("this", name)
        self.draft.columns.add(name)
        return terms.column(name, column)

    def literal(self, node: exp.Expr, sign: int = 1) -> Term:
        if node.is_string:
            return replace(constant("text", Value(np.array([node.name], object))), literal=node.name)
        value = sign * float(node.name)
        if not math.isfinite(value):
            return self.draft.wrong(node, f"{syntax.name(node)} is too large: numbers are doubles")
        return self.draft.number(value)

    def null(self, node: exp.Expr) -> Term:
        return NULL

    def boolean(self, node: exp.Expr) -> Term:
        return constant("boolean", Value(np.array([bool(node.this)])))

    def parenthesis(self, node: exp.Expr) -> Term:
        return self.read(node.this)

    def inverse(self, node: exp.Expr) -> Term:
        return truths.opposite(self.truth(node.this))

    def connection(self, node: exp.Expr) -> Term:
        # A chain of one kind hangs to the left, as deep as it is long.
        operands: list[exp.Expr] = []
        inner = node
        while type(inner) is type(node):
            operands.append(inner.expression)
            inner = inner.this
        operands.append(inner)
        operands.reverse()
        terms = [self.truth(operand) for operand in operands]
        return truths.every(terms) if type(node) is exp.And else truths.some(terms)

    def comparison(self, node: exp.Expr) -> Term:
        nodes = (node.this, node.expression)
        return truths.compare(self.draft, type(node), nodes, [self.read(part) for part in nodes])

    def between(self, node: exp.Expr) -> Term:
        low, high = node.args["low"], node.args["high"]
        term = self.read(node.this)
        return truths.every(
            [
                truths.compare(self.draft, exp.GTE, (node.this, low), (term, self.read(low))),
                truths.compare(self.draft, exp.LTE, (node.this, high), (term, self.read(high))),
            ]
        )

    def membership(self, node: exp.Expr) -> Term:
        if not node.expressions:
            return self.draft.wrong(node, "IN needs a list: value IN (1, 2)")
        term = self.read(node.this)
        return truths.some(
            [
                truths.compare(self.draft, exp.EQ, (node.this, item), (term, self.read(item)))
                for item in node.expressions
            ]
        )

    def pattern(self, node: exp.Expr) -> Term:
        text = self.draft.expect("text", node.this, self.read(node.this))
        if not (type(node.expression) is exp.Literal and node.expression.is_string):
            return self.draft.wrong(node.expression, "the pattern must be a text in quotes: region LIKE '1508%'")
        if not text:
            return WRONG
        run, fixed = applied(logic.like(node.expression.name, ignore_case=type(node) is exp.ILike), text)
        term = Term("boolean", run, constant=fixed)
        return truths.opposite(term) if node.args.get("negate") else term

    def test(self, node: exp.Expr) -> Term:
        term, what = self.read(node.this), node.expression
        if type(what) is exp.Null:
            run, fixed = applied(logic.is_null, term)
            result = Term("boolean", run, constant=fixed)
            return truths.opposite(result) if node.args.get("negate") else result
        if type(what) is not exp.Boolean:
            return self.draft.wrong(node, "after IS comes NULL, TRUE or FALSE; equality is written with =")
        truth = self.draft.expect("boolean", node.this, term) or WRONG
        if truth.kind == "wrong":
            return WRONG
        run, fixed = applied(logic.is_true if what.this else logic.is_false, truth)
        within = truth.true_within if what.this else truth.false_within
        return Term("boolean", run, constant=fixed, true_within=within)

    def arithmetic(self, node: exp.Expr) -> Term:
        operation = _ARITHMETIC[type(node)]
        nodes = (node.this, node.expression)
        terms = [self.read(part) for part in nodes]
        if type(node) not in (exp.Mul, exp.Div):
            result = functions.calculation(self.draft, operation, nodes, terms)
        else:
            left, right = (self.draft.expect("number", part, term) for part, term in zip(nodes, terms, strict=True))
            if not left or not right:
                return WRONG
            run, fixed = applied(logic.arithmetic(operation), left, right)
            result = Term("number", run, _unit(type(node), left.unit, right.unit), fixed)
        if type(node) is exp.Mod or result is WRONG:
            return result
        within = bounds.calculated(operation, terms[0].within, terms[1].within)
        return Term("number", result.run, result.unit, result.constant, within=within)

    def minus(self, node: exp.Expr) -> Term:
        if type(node.this) is exp.Literal and not node.this.is_string:
            return self.literal(node.this, -1)
        number = self.draft.expect("number", node.this, self.read(node.this))
        if not number:
            return WRONG
        run, fixed = applied(logic.numeric(np.negative), number)
        return Term("number", run, number.unit, fixed, within=bounds.negative(number.within))

    def case(self, node: exp.Expr) -> Term:
        branches: Sequence[exp.Expr] = node.args["ifs"]
        operand = self.read(node.this) if node.this else None
        tests = [self.when(node.this, operand, branch.this) for branch in branches]
        nodes = [branch.args["true"] for branch in branches]
        results = [self.read(result) for result in nodes]
        default = node.args.get("default")
        nodes.append(default or exp.Null())
        results.append(self.read(default) if default else NULL)
        agreed = self.draft.agree(nodes, results)
        if not agreed or any(test.kind == "wrong" for test in tests):
            return WRONG
        same, unit = agreed
        pairs = [term for pair in zip(tests, same[:-1], strict=True) for term in pair]
        run, fixed = applied(logic.case, *pairs, same[-1])
        return Term(same[0].kind, run, unit, fixed, codes=same[0].codes)

    def when(self, operand_node: exp.Expr | None, operand: Term | None, node: exp.Expr) -> Term:
        """The test of a branch: a truth of its own, or that it is equal to the operand."""
        if operand_node and operand:
            return truths.compare(self.draft, exp.EQ, (operand_node, node), (operand, self.read(node)))
        return self.truth(node)

    def call(self, node: exp.Expr) -> Term:
        return functions.call(self.draft, node, self.read)

    def truth(self, node: exp.Expr) -> Term:
        """The term of a node that must be true or false."""
        return self.draft.expect("boolean", node, self.read(node)) or WRONG


def _unit(kind: type[exp.Expr], left: str | None, right: str | None) -> str | None:
    """The unit of a product or quotient: one with a number keeps it, all others have none."""
    if kind is exp.Mul:
        return None if left and right else left or right
    return None if right else left


_BINARY = ("this", "expression")
_NODES: Mapping[type[exp.Expr], tuple[Callable[[_Reader, exp.Expr], Term], Sequence[str]]] = {
    exp.Column: (_Reader.column, ("this",)),
    exp.Literal: (_Reader.literal, ("this", "is_string")),
    exp.Null: (_Reader.null, ()),
    exp.Boolean: (_Reader.boolean, ("this",)),
    exp.Paren: (_Reader.parenthesis, ("this",)),
    exp.Not: (_Reader.inverse, ("this",)),
    exp.And: (_Reader.connection, _BINARY),
    exp.Or: (_Reader.connection, _BINARY),
    **dict.fromkeys(truths.COMPARISONS, (_Reader.comparison, _BINARY)),
    exp.Between: (_Reader.between, ("this", "low", "high")),
    exp.In: (_Reader.membership, ("this", "expressions", "field")),
    exp.Like: (_Reader.pattern, (*_BINARY, "negate")),
    exp.ILike: (_Reader.pattern, (*_BINARY, "negate")),
    exp.Is: (_Reader.test, (*_BINARY, "negate")),
    **dict.fromkeys(_ARITHMETIC, (_Reader.arithmetic, (*_BINARY, "typed", "safe"))),
    exp.Neg: (_Reader.minus, ("this",)),
    exp.Case: (_Reader.case, ("this", "ifs", "default")),
    exp.Anonymous: (_Reader.call, ("this", "expressions")),
}
