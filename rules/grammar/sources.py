"""Reads what a rule judges: readings of metrics, silence, the rows of a query, a plan's indicator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import get_args

from citybrain.catalogue.messages import hint
from citybrain.catalogue.model import Metric
from rules.conditions import Column
from rules.grammar import notation, queries
from rules.grammar.entry import Entry
from rules.grammar.schema import RuleEntry
from rules.grammar.terms import FLAGS, Terms, check_free, interval_us, refer, text_of, value_column
from rules.model import DAY_US, Absence, Duration, PlanIndicator, Query, Schedule, Stream, SubjectKind
from rules.plans.course import Verdict

SOURCES = ("metric", "silent", "query", "plan")
_DAILY = Schedule(DAY_US)
_METRIC = "a metric is no column: use value, or name it under with"
_VERDICT = text_of(get_args(Verdict))
# Keys that only rules of some sources have.
_ONLY = {
    **dict.fromkeys(("with", "quality"), ("metric",)),
    **dict.fromkeys(("after",), ("silent",)),
    **dict.fromkeys(("columns", "missing"), ("query",)),
    **dict.fromkeys(("every", "at"), ("query", "plan")),
    **dict.fromkeys(
        ("raise", "clear", "for", "keep", "gap", "limit", "limits", "ladder", "at_least"), ("metric", "query", "plan")
    ),
}


@dataclass(frozen=True)
class Judged:
    """What a rule judges: the columns that it brings, the least and greatest plausible `value`, and its interval."""

    source: Stream | Absence | Query | PlanIndicator
    subject: SubjectKind
    columns: Mapping[str, Column] = field(default_factory=dict)
    low: float = -inf
    high: float = inf
    interval_us: float = inf  # expected between two readings; infinite where they come on change
    advice: Mapping[str, str] = field(default_factory=dict)  # for names that are no columns of it


def read(entry: Entry, file: RuleEntry, domain: str, terms: Terms) -> Judged | None:
    """What the rule judges; None where it does not say, which is reported as all that is wrong with it."""
    named = [key for key in SOURCES if key in entry.tree]
    if not named:
        entry.report((), f"the rule has no source; expected one of the keys {', '.join(SOURCES)}")
        return None
    if len(named) > 1:
        entry.report((named[1],), f"the rule has two sources, {named[0]} and {named[1]}; remove one of them")
        return None
    (kind,) = named
    for key, kinds in _ONLY.items():
        if key in entry.tree and kind not in kinds:
            entry.report((key,), f"a rule with {kind} has no {key}; only one with {' or '.join(kinds)} does")
    if kind == "metric":
        return _stream(entry, file, domain, terms)
    if kind == "silent":
        return _absence(entry, file)
    return _query(entry, file, terms) if kind == "query" else _plan(entry, file, terms)


def _stream(entry: Entry, file: RuleEntry, domain: str, terms: Terms) -> Judged:
    names = file.metric or []
    known = terms.metrics(domain)
    found: list[Metric] = []
    for position, name in enumerate(names):
        if name == "*" and len(names) == 1:
            continue
        if name in known:
            found += known[name]
        else:
            elsewhere = terms.every_metric.get(name)
            advice = f"; it is one of {elsewhere[0].domain}, and a rule of {domain} sees its own" if elsewhere else ""
            entry.report(("metric", position), f"unknown metric {name}{advice or hint(name, known)}")
    for metric in found[1:]:
        for what, own, first in (
            ("units", metric.unit, found[0].unit),
            ("kinds", metric.kind, found[0].kind),
            ("states", metric.states, found[0].states),
        ):
            if own != first:
                entry.report(("metric",), f"{found[0].name} and {metric.name} have different {what}; expected the same")
        if metric.derived != found[0].derived:
            message = f"{found[0].name} and {metric.name} can't be in one rule: one is computed, the other reported"
            entry.report(("metric",), message)
    value = value_column(found) if found else Column("number", spans=True)
    seen = text_of(known if "*" in names else names)
    columns = {"value": value, "metric": seen, **(FLAGS if file.quality == "any" else {})}
    if file.subject == "text":
        entry.report(("subject",), "only a query names its subjects by text")
    return Judged(
        Stream(tuple(names)),
        file.subject or "series",
        columns,
        *_plausible(found if file.quality == "good" else []),
        interval_us(found),
        dict.fromkeys(terms.every_metric, _METRIC),
    )


def _plausible(metrics: list[Metric]) -> tuple[float, float]:
    """The least and greatest value that a good reading of the metrics can have."""
    low = min((-inf if metric.low is None else metric.low for metric in metrics), default=-inf)
    return low, max((inf if metric.high is None else metric.high for metric in metrics), default=inf)


def _absence(entry: Entry, file: RuleEntry) -> Judged:
    if "after" not in entry.tree:
        entry.report(("after",), "the key is missing: expected how long nothing came, such as 5 intervals")
    if file.after == Duration():
        entry.report(("after",), "expected more than 0: nothing comes without a pause")
    of = file.silent or "device"
    if file.subject not in (None, of):
        entry.report(("subject",), f"the subject is the {of} that is silent; remove the key")
    return Judged(Absence(of, file.after or Duration(intervals=1)), of)


def _query(entry: Entry, file: RuleEntry, terms: Terms) -> Judged:
    columns = dict.fromkeys(entry.keys(("columns",)), Column("number"))
    for name, unit in file.columns.items():
        check_free(entry, ("columns", name), name, {*terms.attributes, *terms.calendar_columns})
        columns[name] = _column(unit)
    subject = file.subject or "series"
    if file.query is not None:
        entry.report_all(("query",), queries.check(file.query, columns, subject))
    schedule = _schedule(entry, file)
    query = Query(file.query or "", schedule, columns, file.missing)
    return Judged(query, subject, columns, interval_us=float(schedule.every_us))


def _column(unit: str) -> Column:
    if unit in ("number", "text"):
        return Column("number" if unit == "number" else "text")
    return Column("number", unit)


def _plan(entry: Entry, file: RuleEntry, terms: Terms) -> Judged:
    name = file.plan or ""
    unit = None
    if file.plan is not None and refer(entry, ("plan",), name, terms.plans, "indicator"):
        unit = terms.plans[name]
    numbers = dict.fromkeys(("actual", "path", "target", "shortfall"), Column("number", unit))
    if file.subject not in (None, "region"):
        entry.report(("subject",), "a plan's indicator is judged by region; expected region")
    schedule = _schedule(entry, file)
    columns = numbers | {"verdict": _VERDICT}
    return Judged(PlanIndicator(name, schedule), "region", columns, interval_us=float(schedule.every_us))


def _schedule(entry: Entry, file: RuleEntry) -> Schedule:
    if "every" not in entry.tree:
        entry.report(("every",), "the key is missing: expected a duration such as 1h, or day at 06:30")
    if file.every is None:
        return _DAILY
    try:
        schedule = notation.schedule(file.every, file.at)
    except ValueError as error:
        entry.report(("every",), str(error))
        return _DAILY
    if file.at is not None and schedule.at_us >= schedule.every_us:
        entry.report(("at",), f"expected less than the {file.every} of `every`, found {file.at!r}")
    return schedule
