"""Runs query and plan rules at the scheduled instants of a span, each over what there was to see then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import sqlglot
from sqlglot import exp

from citybrain.store.connection import Connection
from citybrain.store.sql import query
from rules import scheduled
from rules.backtest.alerts import Alerts
from rules.backtest.replay import LEAST_WARM_UP_US, Progress, Version
from rules.engine.clock import date_at
from rules.engine.saved import Row, Saved
from rules.engine.state import Key, Open
from rules.habits import StoredFacts
from rules.model import PlanIndicator, Query, Rule, Schedule
from rules.places import Places
from rules.plans.course import verdict
from rules.plans.load import indicators
from rules.scheduled import Line, QueryError

# Views whose rows say when they arrived, or never change.
WITH_ARRIVAL = frozenset({"rule_reading", "rule_hour", "rule_ledger", "rule_series"})


def unseen(rule: Rule) -> frozenset[str]:
    """The views that a rule's query reads and that only show the present, so that it can't be replayed."""
    if not isinstance(rule.source, Query):
        return frozenset()
    read = sqlglot.parse_one(rule.source.sql, dialect="postgres").find_all(exp.Table)
    views = {table.name.lower() for table in read if table.name.lower().startswith("rule_")}
    return frozenset(views - WITH_ARRIVAL)


def instants(schedule: Schedule, since_us: int, until_us: int, zone: ZoneInfo) -> list[int]:
    """The instants of a schedule in [since, until), in microseconds since 1970, ascending."""
    found = []
    at = scheduled.latest(schedule, until_us - 1, zone)
    while at >= since_us:
        found.append(at)
        at = scheduled.latest(schedule, at - 1, zone)
    return found[::-1]


def replay(
    connection: Connection,
    reader: Connection,
    version: Version,
    rule: Rule,
    places: Places,
    zone: ZoneInfo,
    alerts: Alerts,
    progress: Progress,
) -> int:
    """Run one rule at each instant of the span of `alerts`, beginning as long before as its holds need.

    Args:
        connection: of the writer; what plans recorded is read by it.
        reader: of the role that sees views of rules and nothing else.
        version: with the rule.
        rule: with a query or a plan as its source.
        places: where subjects are.
        zone: the city's.
        alerts: take what the rule says.
        progress: is told the share that is done.

    Returns:
        How many rows were judged.

    Raises:
        QueryError: the query fails at some instant.
    """
    assert isinstance(rule.source, Query | PlanIndicator)  # noqa: S101  the caller looked
    begin_us = alerts.since_us - _warm_up_us(rule, rule.source.schedule)
    due = instants(rule.source.schedule, begin_us, alerts.until_us, zone)
    lines = _Courses(connection, version, rule.source, due, zone) if isinstance(rule.source, PlanIndicator) else None
    facts = StoredFacts(version.plans)
    kept: dict[str, tuple[Row, ...]] = {}
    opened: dict[Key, Open] = {}
    rows = 0
    for number, at in enumerate(due, start=1):
        try:
            found = lines.at(at) if lines is not None else _fetch(reader, rule.source, at)
        except QueryError as error:
            raise QueryError(f"{rule.name} at {_moment(at).astimezone(zone):%Y-%m-%d %H:%M:%S}: {error}") from error
        names = dict(enumerate(kept, start=1))
        saved = tuple(row._replace(series=series) for series, name in names.items() for row in kept[name])
        run = scheduled.judge(
            version.rules,
            rule,
            version.versions.get(rule.name, 0),
            found,
            at,
            Saved(saved, opened),
            names,
            lambda name: places.of(rule, name),
            facts,
            zone,
            at,
        )
        kept = {name: left for name, left in {**kept, **run.kept}.items() if left}
        for one in run.transitions:
            key = Key(one.rule, one.subject)
            if one.kind == "cleared":
                opened.pop(key, None)
            else:
                opened[key] = Open(one.severity, one.time_us, subject_kind=one.subject_kind)
        alerts.take(run.transitions)
        rows += run.rows
        progress(number / len(due))
    return rows


def _fetch(reader: Connection, source: object, at_us: int) -> list[Line]:
    assert isinstance(source, Query)  # noqa: S101  it is no plan
    statement = query("backtest", "as_of").replace("{query}", source.sql.rstrip().rstrip(";"))
    return scheduled.fetch(reader, Query(statement, source.schedule, source.columns, source.missing), _moment(at_us))


class _Courses:
    """What a plan's indicator was on each day, as it was recorded then, against the plan as it is given."""

    def __init__(
        self, connection: Connection, version: Version, source: PlanIndicator, due: list[int], zone: ZoneInfo
    ) -> None:
        self.zone = zone
        self._by_day: dict[object, list[Line]] = {}
        if not due:
            return
        indicator = indicators(version.plans)[source.indicator]
        span = {"indicator": indicator.id, "first": date_at(due[0], zone), "last": date_at(due[-1], zone)}
        for day, region, actual in connection.execute(query("backtest", "course"), span):
            course = verdict(indicator, actual, day)
            line: Mapping[str, object] = {
                "region": region,
                "actual": course.actual,
                "path": course.path,
                "target": course.target,
                "shortfall": course.shortfall,
                "verdict": course.verdict,
            }
            self._by_day.setdefault(day, []).append(line)

    def at(self, instant_us: int) -> list[Line]:
        """The rows of an instant's city day."""
        return self._by_day.get(date_at(instant_us, self.zone), [])


def _warm_up_us(rule: Rule, schedule: Schedule) -> int:
    holds = [hold for step in rule.steps for hold in (step.for_, step.keep)]
    lengths = [hold.duration.of(schedule.every_us) if hold.duration is not None else 0 for hold in holds]
    samples = [max(hold.samples, hold.among) * schedule.every_us for hold in holds]
    return max(*lengths, *samples, LEAST_WARM_UP_US)


def _moment(time_us: int) -> datetime:
    return datetime.fromtimestamp(time_us / 1_000_000, UTC)
