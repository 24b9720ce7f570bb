"""Where the indicators of the plans stand: what was measured or entered, against the path of the day."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from citybrain.store.connection import Connection
from citybrain.store.sql import query
from rules.plans.course import Course, verdict
from rules.plans.load import indicators
from rules.plans.measures import measured
from rules.plans.model import Indicator, Plan, Point


@dataclass(frozen=True, slots=True)
class Row:
    """Where an indicator stands in a region on a city day.

    `as_of` is the day that an entered value is of; None: the value was measured, or there is none.
    """

    indicator: Indicator
    region: str
    day: date
    course: Course
    as_of: date | None = None


def evaluate(
    connection: Connection,
    plans: Mapping[str, Plan],
    now: datetime,
    zone: ZoneInfo,
    only: Collection[str] | None = None,
) -> list[Row]:
    """The rows of all indicators that are not superseded, or of those whose plan/indicator is in `only`.

    Each has a row for the plan's own regions, with or without a value; one asked of each region has one, too, for
    every region inside that has a value. What is measured leads; an entered value, the newest of a day up to today,
    counts where nothing is. Reads views of boards only.
    """
    day = now.astimezone(zone).date()
    chosen = [
        indicator
        for indicator in indicators(plans).values()
        if indicator.superseded_by is None and (only is None or indicator.id in only)
    ]
    names = {indicator.measure for indicator in chosen if indicator.measure is not None}
    values = {name: measured(connection, name, now, zone) for name in sorted(names)}
    entered = {
        (indicator, region): (value, of)
        for indicator, region, of, value in connection.execute(query("plans", "entered"), {"day": day})
    }
    rows = []
    for indicator in chosen:
        here = values[indicator.measure] if indicator.measure is not None else {}
        for region in (*indicator.regions, *indicator.within):
            actual, as_of = here.get(region), None
            if actual is None:
                actual, as_of = entered.get((indicator.id, region), (None, None))
            if actual is not None or region in indicator.regions:
                rows.append(Row(indicator, region, day, verdict(indicator, actual, day), as_of))
    return rows


def record(connection: Connection, plans: Mapping[str, Plan], rows: Iterable[Row]) -> None:
    """Keep where the indicators stand, with what their plans say, in one transaction. Needs the writer's role."""
    kept = list(rows)
    described = {row.indicator.id: _description(plans[row.indicator.plan], row.indicator) for row in kept}
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(query("plans", "describe"), list(described.values()))
        cursor.executemany(
            query("plans", "record"),
            [
                {
                    "day": row.day,
                    "indicator": row.indicator.id,
                    "region": row.region,
                    "actual": row.course.actual,
                    "as_of": row.as_of,
                    "path": row.course.path,
                    "target": row.course.target,
                    "shortfall": row.course.shortfall,
                    "verdict": row.course.verdict,
                }
                for row in kept
            ],
        )


def _description(plan: Plan, indicator: Indicator) -> dict[str, object]:
    baseline = indicator.baseline or Point()
    return {
        "id": indicator.id,
        "plan": plan.id,
        "plan_zh": plan.title.zh,
        "plan_en": plan.title.en,
        "zh": indicator.title.zh,
        "en": indicator.title.en,
        "unit": indicator.unit,
        "direction": indicator.direction,
        "binding": indicator.binding,
        "clause": indicator.clause,
        "baseline": baseline.value,
        "baseline_year": baseline.year,
        "target": indicator.target.value,
        "target_year": indicator.target.year,
        "words": indicator.target.words,
    }
