"""What a condition compares with what, by name. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

from sqlglot import exp

from rules.conditions.model import ConditionError
from rules.conditions.syntax import tree

Operator = Literal["<", "<=", ">", ">="]

_OPERATORS: dict[type[exp.Expr], Operator] = {exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
_TURNED: dict[Operator, Operator] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


class Term(NamedTuple):
    """A name, or with `absolute` its distance from zero: `abs(name)`."""

    name: str
    absolute: bool = False


class Comparison(NamedTuple):
    """How one term stands to another."""

    left: Term
    operator: Operator
    right: Term

    def turned(self) -> Comparison:
        """The same, said from the other side: `limit > value` of `value < limit`."""
        return Comparison(self.right, _TURNED[self.operator], self.left)


@lru_cache(maxsize=1000)
def comparisons(condition: str) -> tuple[Comparison, ...]:
    """The comparisons of two names as they stand in a condition; none of one that can't be read.

    A name that stands in a sum or a product is no number that one could hold the other against, and below a NOT the
    comparison doesn't say when the condition holds.
    """
    try:
        parsed = tree(condition)
    except ConditionError:  # none, or one that an earlier release could read
        return ()
    found = []
    for node in parsed.find_all(*_OPERATORS):
        left, right = _term(node.this), _term(node.expression)
        if left and right and node.find_ancestor(exp.Not) is None:
            found.append(Comparison(left, _OPERATORS[type(node)], right))
    return tuple(found)


def _term(node: exp.Expr) -> Term | None:
    is_distance = isinstance(node, exp.Anonymous) and node.name == "abs" and len(node.expressions) == 1
    inner = node.expressions[0] if is_distance else node
    return Term(inner.name, is_distance) if isinstance(inner, exp.Column) else None
