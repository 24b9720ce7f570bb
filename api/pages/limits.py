"""The limits that a metric's value is held against, as the rules in force say them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import Field
from sqlglot import exp

from api.views import rules as told
from api.views.documents import Operator, Words
from api.views.rules import RuleLimit
from citybrain.catalogue.pages import Kept
from rules.conditions.model import ConditionError
from rules.conditions.syntax import tree

_OPERATORS: dict[type[exp.Expr], Operator] = {exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
_TURNED: dict[Operator, Operator] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


class RuleInForce(NamedTuple):
    """A rule as boards know it."""

    rule: str
    title_zh: str
    title_en: str
    definition: dict[str, Any]


class Level(RuleLimit):
    """A limit of a rule in force: an alert is raised where the value lies beyond it."""

    rule: str = Field(examples=["water.end_pressure"])
    rule_title: Words
    operator: Operator = Field(description="How the value stands to the limit when the alert is raised.")
    absolute: bool = Field(description="Whether the value's distance from zero is meant, on either side.")
    series_where: str | None = Field(description="The series that the rule judges; null: all of the metric.")


class _Side(NamedTuple):
    operator: Operator
    name: str
    absolute: bool


def levels(rules: Iterable[RuleInForce], day: date) -> dict[str, list[Level]]:
    """The limits that count on `day` (of the city), by metric: the mildest first, rule by rule."""
    found: dict[str, list[Level]] = {}
    for rule in rules:
        if told.mode(rule.definition) == "live":
            own = sorted(_levels(rule, day), key=lambda level: -(level.severity or 0))
            for metric in told.metrics(rule.definition):
                found.setdefault(metric, []).extend(own)
    return found


def kept(wanted: Kept, levels: Iterable[Level]) -> Level | None:
    """The one limit that a share of series is about; None: no such is in force that is a number for all of them."""
    fitting = (
        level
        for level in levels
        if level.rule == wanted.rule
        and wanted.severity in (None, level.severity)
        and level.value is not None
        and level.where is None
        and not level.absolute
    )
    return next(fitting, None)


def _levels(rule: RuleInForce, day: date) -> Iterator[Level]:
    definition = rule.definition
    for limit in told.limits(definition):
        if not (limit.since or "") <= day.isoformat() <= (limit.until or "9999-12-31"):
            continue
        for side in _sides(_raise(definition, limit.severity)):
            if side.name == limit.name:
                yield Level(
                    **limit.model_dump(),
                    rule=rule.rule,
                    rule_title=Words(zh=rule.title_zh, en=rule.title_en),
                    operator=side.operator,
                    absolute=side.absolute,
                    series_where=definition.get("where"),
                )


def _raise(definition: Mapping[str, Any], severity: int | None) -> str:
    """The condition of a step; a ladder's step may leave it to the rule."""
    steps = [step for step in definition.get("ladder", ()) if step.get("severity") == str(severity)]
    return str({**definition, **(steps[0] if steps else {})}.get("raise", ""))


@lru_cache(maxsize=1000)
def _sides(condition: str) -> tuple[_Side, ...]:
    """Where a condition compares the value, or its distance from zero, with a limit by name."""
    try:
        parsed = tree(condition)
    except ConditionError:  # none, or one that an earlier release could read
        return ()
    found = []
    for node in parsed.find_all(*_OPERATORS):
        operator = _OPERATORS[type(node)]
        left, right = node.this, node.expression
        if _is_value(right):
            left, right, operator = right, left, _TURNED[operator]
        if _is_value(left) and isinstance(right, exp.Column) and node.find_ancestor(exp.Not) is None:
            found.append(_Side(operator, right.name, isinstance(left, exp.Anonymous)))
    return tuple(found)


def _is_value(node: exp.Expr) -> bool:
    """Whether it is `value` or `abs(value)`."""
    is_distance = isinstance(node, exp.Anonymous) and node.name == "abs" and len(node.expressions) == 1
    inner = node.expressions[0] if is_distance else node
    return isinstance(inner, exp.Column) and inner.name == "value"
