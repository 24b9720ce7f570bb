"""The table of `citybrain plan status`: where each indicator stands, and where it should be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console
from rich.table import Column, Table

from citybrain.store.connection import Connection
from rules.plans.evaluation import Row, evaluate
from rules.plans.model import Direction, Indicator, Plan

NONE = "-"
SIGNS: Mapping[Direction, str] = {"at_most": "<=", "at_least": ">=", "about": "~"}
STYLES = {"on_course": "green", "at_risk": "yellow", "off_course": "red", "unknown": "dim"}


def plan_status(
    connection: Connection,
    plans: Mapping[str, Plan],
    now: datetime,
    zone: ZoneInfo,
    console: Console,
    *,
    known: bool = False,
) -> None:
    """Print a table a plan, the newest document last, and how many indicators have which verdict.

    With `known` only indicators that have a value are listed; all are counted.
    """
    rows = evaluate(connection, plans, now, zone)
    for plan in sorted(plans.values(), key=lambda plan: (plan.issued or "", plan.id)):
        own = [row for row in rows if row.indicator.plan == plan.id and not (known and row.course.actual is None)]
        if known and not own:
            continue
        console.print(_table(plan, own))
        for indicator in plan.indicators.values():
            if indicator.superseded_by is not None:
                console.print(f"{indicator.name}: {indicator.superseded_by} leads", style="dim", soft_wrap=True)
    counts = {verdict: sum(row.course.verdict == verdict for row in rows) for verdict in STYLES}
    console.print(", ".join(f"{number} {_words(verdict)}" for verdict, number in counts.items()) + ".")
    if any(row.as_of for row in rows):
        console.print("* entered by hand, of the day given; all else is measured.")


def _table(plan: Plan, rows: Iterable[Row]) -> Table:
    # What is long stands in the first column, in lines, so that the table fits a terminal of 80 columns.
    table = Table(
        Column("indicator, clause", overflow="fold", min_width=12),
        Column("region", overflow="fold", max_width=8),
        *(Column(name, justify="right", no_wrap=True) for name in ("actual", "path today", "target")),
        Column("verdict", no_wrap=True),
        Column("shortfall", justify="right", no_wrap=True),
        title=f"{plan.title.zh}\n{plan.title.en} ({plan.id})",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    said: Indicator | None = None
    for row in rows:
        course, indicator = row.course, row.indicator
        # The plan's own region comes first and says what the indicator is; those inside follow it.
        table.add_row(
            "" if indicator is said else _description(indicator),
            row.region,
            f"{number(course.actual)}*\n{row.as_of}" if row.as_of else number(course.actual),
            number(course.path),
            "" if indicator is said else _target(indicator),
            _words(course.verdict),
            number(course.shortfall),
            style=STYLES[course.verdict],
        )
        said = indicator
    return table


def _description(indicator: Indicator) -> str:
    named = f"{indicator.name}, {indicator.unit}"
    lines = (indicator.title.zh, named, indicator.clause, indicator.target.words)
    return "\n".join(line for line in lines if line)


def _target(indicator: Indicator) -> str:
    value, year = indicator.target.value, indicator.target.year
    sign = NONE if value is None else f"{SIGNS[indicator.direction]} {number(value)}"
    return f"{sign}\n{year}" if year is not None else sign


def number(value: float | None) -> str:
    """A value as a person reads it, with at least four of its digits; M is a million."""
    if value is None:
        return NONE
    if abs(value) >= 1_000_000:
        return f"{value / 1_000_000:,.6g} M"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def target(indicator: Indicator) -> str:
    """What the plan asks for, such as `<= 9 (2030)`, or its words where it prints no number."""
    point = indicator.target
    if point.value is None:
        return point.words or NONE
    year = f" ({point.year})" if point.year is not None else ""
    return f"{SIGNS[indicator.direction]} {number(point.value)}{year}"


def _words(verdict: str) -> str:
    return verdict.replace("_", " ")
