"""What a test of a rule may give: columns with their sequences, and constants."""

from __future__ import annotations

from collections.abc import Collection

from rules.model import Absence, PlanIndicator, Query, Rule

PLAN_COLUMNS = ("actual", "path", "target", "shortfall", "verdict")


def columns(rule: Rule) -> tuple[str, ...]:
    """The columns of which a test of the rule gives sequences."""
    if isinstance(rule.source, Absence):
        return ("heard",)
    if isinstance(rule.source, Query):
        return tuple(rule.source.columns)
    return PLAN_COLUMNS if isinstance(rule.source, PlanIndicator) else ("value", *rule.with_)


def texts(source: Query | PlanIndicator) -> Collection[str]:
    """The columns of rows that are texts; the others are numbers."""
    if isinstance(source, PlanIndicator):
        return ("verdict",)
    return [name for name, column in source.columns.items() if column.kind == "text"]


def constants(rule: Rule) -> tuple[str, ...]:
    """What a test of the rule may state beside readings."""
    attributes = _site_attributes(rule)
    if isinstance(rule.source, Absence):
        return ("gateway", "interval", *attributes)
    if isinstance(rule.source, Query | PlanIndicator):
        return (*plan_limits(rule), "region", "place", "device_kind", "site_kind", *attributes)
    habits = (f"usual({column})" for column in ("value", *rule.with_))
    belonging = ("region", "site", "device", "gateway", "metric", "place", "interval", "device_kind", "site_kind")
    return (*habits, *plan_limits(rule), *belonging, *attributes)


def plan_limits(rule: Rule) -> dict[str, set[tuple[str, str]]]:
    """The limits whose numbers plans say, by name: each plan/indicator with what is used of it, path or target."""
    found: dict[str, set[tuple[str, str]]] = {}
    for step in rule.steps:
        for name, limit in step.limits.items():
            for entry in limit:
                if entry.plan:
                    found.setdefault(name, set()).add((entry.plan, entry.use))
    return found


def _site_attributes(rule: Rule) -> list[str]:
    """The attributes of sites that something in the rule reads."""
    entries = [entry for step in rule.steps for limit in step.limits.values() for entry in limit]
    conditions = [
        rule.where,
        *(condition for step in rule.steps for condition in (step.raise_, step.clear)),
        *(entry.where for entry in entries),
    ]
    read = {name for condition in conditions if condition for name in condition.columns}
    read |= {entry.attribute for entry in entries if entry.attribute} | {with_.same for with_ in rule.with_.values()}
    return sorted(name for name in read if name.startswith("site_"))
