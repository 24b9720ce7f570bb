"""Conditions: SQL boolean expressions, read against an allow-list and compiled to numpy closures."""

from rules.conditions.compiler import parse
from rules.conditions.model import Call, Column, Columns, Condition, ConditionError, Mistake, Value
from rules.conditions.probes import conflict, ever_true

__all__ = [
    "Call",
    "Column",
    "Columns",
    "Condition",
    "ConditionError",
    "Mistake",
    "Value",
    "conflict",
    "ever_true",
    "parse",
]
