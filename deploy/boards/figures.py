"""How the newest readings of several series become one number, in SQL."""

from __future__ import annotations

from psycopg.sql import Literal

from citybrain.catalogue.pages import Across
from deploy.boards.statements import Expression
from rules.levels import Level

_NUMBERS: dict[Across, str] = {
    "mean": "avg(value)",
    "sum": "sum(value)",
    "low": "min(value)",
    "high": "max(value)",
    "newest": "last(value, time)",
}


def number(across: Across) -> Expression:
    """The number of readings put together."""
    return Expression(_NUMBERS[across])


def share(kept: Level) -> Expression:
    """The percentage of readings that keep a limit: those that it does not speak against."""
    limit = Literal(kept.value).as_string()
    return Expression(f"100.0 * count(*) filter (where not value {kept.operator} {limit}) / nullif(count(*), 0)")
