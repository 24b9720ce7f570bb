"""Query and plan rules: their rows at one scheduled instant are readings of their subjects."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
from psycopg.rows import dict_row

from citybrain.errors import Correctable
from citybrain.store.connection import Connection
from citybrain.store.sql import query
from rules.conditions import Column, Condition, Value
from rules.engine import evaluate, saved
from rules.engine.carry import carry, reconcile
from rules.engine.clock import local
from rules.engine.directory import Series
from rules.engine.facts import Facts
from rules.engine.plan import Plan, compile_scheduled
from rules.engine.saved import Row, Saved
from rules.engine.state import Delta, Key, Open
from rules.engine.view import Readings
from rules.model import PlanIndicator, Query, Rule, RuleSet, Schedule, Vocabulary
from rules.transition import Transition

# The only parameter of a query; what stands in texts, quoted names and comments is none.
NOW = re.compile(r"""'[^']*'|"[^"]*"|--[^\n]*|/\*.*?\*/|(?<!:)(:now)\b""", re.DOTALL)
MOST_ROWS = 100_000  # rows of one run; more are a mistake of the query
LONGEST_SUBJECT = 500  # characters; an index of alerts holds no more than 2,700 bytes

Line = Mapping[str, Any]  # a row, by column


class QueryError(Correctable):
    """A rule's query could not be run or gave something else than the rule declares; the text says what."""


@dataclass(frozen=True)
class Run:
    """What one run of a rule made: changes of alerts, and what is to be remembered of its subjects."""

    transitions: tuple[Transition, ...]
    kept: Mapping[str, tuple[Row, ...]]  # of each subject that was judged, the rows that are not idle
    rows: int


def latest(schedule: Schedule, now_us: int, zone: ZoneInfo) -> int:
    """The newest instant of a schedule that is not after now, in microseconds since 1970."""
    clock = int(local(np.array([now_us]), zone)[0])
    since = (clock - schedule.at_us) % schedule.every_us
    return now_us - since


def fetch(connection: Connection, rule: Query, instant: datetime) -> list[Line]:
    """The rows of a query at an instant; `connection` has the role that may see views of rules and nothing else.

    Raises:
        QueryError: the query is refused, fails, takes too long, or gives too many rows.
    """
    _, rows = _executed(connection, rule.sql, instant, MOST_ROWS + 1)
    if len(rows) > MOST_ROWS:
        raise QueryError(f"The query gave more than {MOST_ROWS} rows: group or filter them.")
    return [{name.lower(): value for name, value in row.items()} for row in rows]


def prepare(connection: Connection, rule: Rule) -> None:
    """Have the database read a rule's query, without any of its rows.

    Raises:
        QueryError: it is refused, or lacks the subject or a column that the rule declares.
    """
    assert isinstance(rule.source, Query)  # noqa: S101  no other has a query
    names, _ = _executed(connection, rule.source.sql, datetime.now(UTC), 0)
    if not names & {rule.subject, "subject"}:
        raise QueryError(f"The query gives no subject: name it in a column {rule.subject} or subject.")
    if missing := [name for name in rule.source.columns if name.lower() not in names]:
        raise QueryError(f"The query gives no column {', '.join(missing)}, which the rule declares.")


def subject_of(rule: Rule, line: Line) -> str:
    """The subject that a row is about: the column `subject`, or the one named for the kind of subject.

    Raises:
        QueryError: it has neither, or it is NULL or too long.
    """
    for name in (rule.subject, "subject"):
        if line.get(name) is not None:
            subject = str(line[name])
            if len(subject) > LONGEST_SUBJECT:
                raise QueryError(f"A subject has more than {LONGEST_SUBJECT} characters: {subject[:50]} ...")
            return subject
    raise QueryError(f"A row has no subject: name it in a column {rule.subject} or subject.")


def judge(
    rules: RuleSet,
    rule: Rule,
    version: int,
    lines: Sequence[Line],
    instant_us: int,
    remembered: Saved,
    names: Mapping[int, str],
    place: Callable[[str], Series],
    facts: Facts,
    zone: ZoneInfo,
    now_us: int,
    *,
    alike: bool = True,
) -> Run:
    """Judge the rows of one instant; pure.

    Args:
        rules: with the calendars and the vocabulary.
        rule: with a query or a plan as its source.
        version: of the rule.
        lines: by subject and column; of several about one subject the last counts.
        instant_us: the scheduled instant.
        remembered: rows whose series are numbers of `names`, and the rule's alerts.
        names: subjects by number.
        place: a subject with its region, domain, site and device, as far as they are known.
        facts: usual values and plans.
        zone: the city's.
        now_us: the present.
        alike: whether the rule judges as it did when `remembered` was written.

    Raises:
        QueryError: a row lacks its subject or a column, or a value is of another type.
    """
    numbers = {name: number for number, name in names.items()}
    by_subject = {subject_of(rule, line): line for line in lines}
    for name in (*by_subject, *(key.subject for key in remembered.alerts)):
        numbers.setdefault(name, len(numbers) + 1)
    series = [_numbered(place(name), number, name, _interval(rule)) for name, number in numbers.items()]
    plan = compile_scheduled(rules, rule, series, zone, version)
    likes = {rule.name} if alike else set()
    kept = carry(plan, remembered.rows, likes)
    empty = (np.empty(0, "i4"), np.empty(0, "i8"), np.empty(0, "f8"))
    state = saved.restore(plan, Saved(tuple(kept), remembered.alerts), empty, empty)
    transitions: list[Transition] = []

    def move(delta: Delta, found: list[Transition]) -> None:
        state.apply(delta)
        transitions.extend(found)

    if not alike:
        move(*reconcile(plan, state, likes, now_us))
    chosen = _matching(plan, rule, by_subject)
    gone = sorted(numbers.keys() - set(chosen)) if _clears(rule) else []
    readings = _readings(
        rule, [(numbers[name], by_subject[name]) for name in chosen], [numbers[n] for n in gone], instant_us
    )
    move(*evaluate.evaluate(plan, facts, state, readings, now_us))
    move(*evaluate.tick(plan, facts, state, now_us))
    rows = saved.dump(plan, state).rows
    judged = {name: tuple(row for row in rows if row.series == number) for name, number in numbers.items()}
    return Run(tuple(replace(one, series=_series(rule, place(one.subject))) for one in transitions), judged, len(lines))


def remembered(connection: Connection, rule: str, alerts: Mapping[Key, Open]) -> tuple[Saved, dict[int, str]]:
    """What is remembered of a rule's subjects, and their names by number."""
    found = connection.execute(query("rules", "subject_state"), {"rule": rule}).fetchall()
    names = dict(enumerate(dict.fromkeys(row[0] for row in found), start=1))
    numbers = {name: number for number, name in names.items()}
    rows = tuple(Row(rule, severity, numbers[name], *cells) for name, severity, *cells in found)
    return Saved(rows, alerts), names


def remember(connection: Connection, rule: Rule, run: Run) -> None:
    """Keep what a run left of its subjects."""
    connection.execute(query("rules", "forget_subjects"), {"rule": rule.name})
    rows = [(name, row) for name in sorted(run.kept) for row in run.kept[name]]
    if rows:
        columns = dict(zip(Row._fields, map(list, zip(*(row for _, row in rows), strict=True)), strict=True))
        columns["series"] = [0] * len(rows)
        connection.execute(query("rules", "save_state"), {**columns, "subject": [name for name, _ in rows]})


def _executed(connection: Connection, text: str, instant: datetime, most: int) -> tuple[set[str], Sequence[Line]]:
    """The names of a query's columns, and its first rows."""
    bound = NOW.sub(lambda found: "($1::timestamptz)" if found[1] else found[0], text)
    # The text was checked to be one SELECT; here it can be nothing else, and its role sees what rules may see.
    statement = f"select * from ({bound}\n) bounded limit {most}"  # noqa: S608
    try:
        # What a query did to its session, such as to the time-out, is taken back with the transaction.
        with (
            connection.transaction(force_rollback=True),
            psycopg.RawCursor(connection, row_factory=dict_row) as cursor,
        ):
            cursor.execute(statement.encode(), [instant])
            names = {column.name.lower() for column in cursor.description or ()}
            return names, cursor.fetchall()
    except psycopg.errors.QueryCanceled as error:
        raise QueryError("The query took more than 5 s: bound its time, or have it look at fewer series.") from error
    except psycopg.Error as error:
        if connection.broken:
            raise
        raise QueryError(f"The query failed: {str(error).strip()}") from error


def _clears(rule: Rule) -> bool:
    return isinstance(rule.source, Query) and rule.source.missing == "clear"


def _interval(rule: Rule) -> float:
    assert isinstance(rule.source, Query | PlanIndicator)  # noqa: S101  no other is scheduled
    return float(rule.source.schedule.every_us)


def _series(rule: Rule, known: Series) -> int | None:
    """The number in the store of a subject that is a series; the engine's own numbers mean nothing outside."""
    return known.id or None if rule.subject == "series" else None


def _numbered(known: Series, number: int, name: str, interval_us: float) -> Series:
    return Series(
        id=number,
        metric="",
        domain=known.domain,
        region=known.region,
        device=known.device,
        site=known.site,
        gateway=known.gateway,
        place=known.place,
        interval_us=interval_us,
        attributes=known.attributes,
        name=name,
    )


def admits(where: Condition, attributes: Mapping[str, str | float | bool], words: Vocabulary) -> bool:
    """Whether a condition on attributes admits what has these."""
    return bool(where.evaluate(lambda name: _attribute(name, [attributes.get(name)], words), 1)[0][0])


def _matching(plan: Plan, rule: Rule, lines: Mapping[str, Line]) -> list[str]:
    """The subjects whose row the rule's `where` admits."""
    names, words = sorted(lines), plan.rule_set.vocabulary
    if rule.where is None or not names:
        return names
    series = {one.name: one for one in plan.series.values()}
    columns = _columns(rule, [lines[name] for name in names])

    def column(name: str) -> Value:
        return columns.get(name) or _attribute(name, [series[one].attributes.get(name) for one in names], words)

    admitted, _ = rule.where.evaluate(column, len(names))
    return [name for name, is_in in zip(names, admitted.tolist(), strict=True) if is_in]


def _readings(rule: Rule, lines: Sequence[tuple[int, Line]], gone: Collection[int], instant_us: int) -> Readings:
    series = np.array([number for number, _ in lines] + list(gone), "i4")
    n = len(series)
    none: Line = dict.fromkeys(_declared(rule))
    columns = _columns(rule, [line for _, line in lines] + [none] * len(gone))
    missing = np.arange(n) >= len(lines)
    return Readings(
        series, np.full(n, instant_us), np.zeros(n), np.zeros(n, "i2"), np.arange(n), columns, missing if gone else None
    )


def _declared(rule: Rule) -> Mapping[str, Column]:
    if isinstance(rule.source, Query):
        return rule.source.columns
    return {name: Column("number") for name in ("actual", "path", "target", "shortfall")} | {"verdict": Column("text")}


def _columns(rule: Rule, lines: Sequence[Line]) -> dict[str, Value]:
    found = {}
    for name, column in _declared(rule).items():
        for line in lines[:1]:
            if name.lower() not in line:
                raise QueryError(f"The query gives no column {name}, which the rule declares.")
        found[name.lower()] = _value(name, column, [line[name.lower()] for line in lines])
    return found


def _attribute(name: str, cells: Sequence[Any], words: Vocabulary) -> Value:
    known = words.attributes.get(name.removeprefix("site_"))
    return _value(name, Column("text" if known is None else known.kind), cells)


def _value(name: str, column: Column, cells: Sequence[Any]) -> Value:
    null = np.array([cell is None or cell != cell for cell in cells], bool)
    if column.kind == "text":
        data = np.array(["" if cell is None else str(cell) for cell in cells], object)
        return Value(data, null if null.any() else None)
    if column.kind == "boolean":
        return Value(np.array([bool(cell) for cell in cells]), null if null.any() else None)
    try:
        data = np.array([np.nan if cell is None else float(cell) for cell in cells], "f8")
    except (TypeError, ValueError) as error:
        raise QueryError(f"The column {name} has a value that is no number: {error}.") from error
    null = ~np.isfinite(data)
    return Value(data, null if null.any() else None)
