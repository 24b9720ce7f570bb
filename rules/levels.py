"""The limits that a metric's value is held against, as the rules in force say them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, NamedTuple

from citybrain.catalogue.model import Text
from citybrain.catalogue.pages import Kept
from rules import definitions
from rules.conditions.comparisons import Comparison, Operator, comparisons
from rules.definitions import StatedLimit


class RuleInForce(NamedTuple):
    """A rule, as far as its limits are told."""

    rule: str
    title_zh: str
    title_en: str
    definition: dict[str, Any]


@dataclass(frozen=True)
class Level(StatedLimit):
    """A limit of a rule in force: an alert is raised where the value lies beyond it.

    Attributes:
        rule: The rule's name.
        rule_title: Its title.
        operator: How the value stands to the limit when the alert is raised.
        absolute: Whether the value's distance from zero is meant, on either side.
        series_where: The series that the rule judges, as a condition; None: all of the metric.
    """

    rule: str
    rule_title: Text
    operator: Operator
    absolute: bool
    series_where: str | None


def levels(rules: Iterable[RuleInForce], day: date) -> dict[str, list[Level]]:
    """The limits that count on `day` (of the city), by metric: the mildest first, rule by rule."""
    found: dict[str, list[Level]] = {}
    for rule in rules:
        if definitions.mode(rule.definition) == "live":
            own = sorted(_levels(rule, day), key=lambda level: -(level.severity or 0))
            for metric in definitions.metrics(rule.definition):
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
    for limit in definitions.limits(definition):
        if not (limit.since or "") <= day.isoformat() <= (limit.until or "9999-12-31"):
            continue
        condition = definitions.step(definition, limit.severity).get("raise", "")
        for comparison in map(_of_the_value, comparisons(str(condition))):
            if comparison.left.name == "value" and comparison.right == (limit.name, False):
                yield Level(
                    **asdict(limit),
                    rule=rule.rule,
                    rule_title=Text(rule.title_zh, rule.title_en),
                    operator=comparison.operator,
                    absolute=comparison.left.absolute,
                    series_where=definition.get("where"),
                )


def _of_the_value(comparison: Comparison) -> Comparison:
    """The comparison from the value's side, where it has the value on one."""
    return comparison.turned() if comparison.right.name == "value" else comparison
