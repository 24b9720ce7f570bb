"""Reads one rule: all of its keys, resolved to what the engine works with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from citybrain.catalogue.model import Text
from rules.conditions import Column
from rules.grammar import sources, steps
from rules.grammar.entry import Entry
from rules.grammar.schema import RuleEntry
from rules.grammar.sources import Judged
from rules.grammar.terms import NO_READING, Terms, check_free, check_same, refer, text_of, value_column
from rules.model import Absence, Duration, Inhibition, Query, Rule, Stream, Together, With
from rules.testing import stage

Scope = dict[str, Column]

_UNKNOWN = {"value": Column("number", spans=True), "metric": Column("text")}  # columns where the source is not known


def read(entry: Entry, terms: Terms) -> Rule:
    """The rule of an entry. Where something is wrong with it that is reported, and the rule is not to be used."""
    mistakes = len(entry.document.problems)
    file = entry.read(RuleEntry, {})
    for key, expected in (("rule", "a name such as water.end_pressure"), ("title", "what happened, in zh and en")):
        if not entry.has((key,)):
            entry.report((key,), f"the key is missing: expected {expected}")
    name = file.rule or ""  # An ill-formed name has been reported, and counts as none.
    domain = name.partition(".")[0]
    # A rule whose source is not known is still read as one, in which nothing has a unit.
    known = sources.read(entry, file, domain, terms)
    judged = known or Judged(Stream(()), file.subject or "series", _UNKNOWN)
    where = _where_scope(judged, domain, terms)
    with_, aliases = _with(entry, file, judged, domain, terms)
    scope = {**aliases, **terms.calendar_columns, **terms.attributes_of(domain), **judged.columns}
    _check_calendars(entry, file, terms)
    _check_subject(entry, file, judged)
    if file.gap == Duration():
        entry.report(("gap",), "expected more than 0: with no pause allowed, no two readings would belong together")
    rule = Rule(
        name=name,
        title=file.title.text() if file.title else Text("", ""),
        source=judged.source,
        steps=steps.read(entry, file, judged, scope, where, terms),
        advice=file.advice.text() if file.advice else None,
        where=entry.condition(("where",), file.where, where, NO_READING),
        season=file.season,
        hours=file.hours,
        any_quality=file.quality == "any",
        with_=with_,
        gap=file.gap,
        subject=judged.subject,
        at_least=file.at_least,
        together=_together(entry, file),
        inhibits=_inhibits(entry, file, terms),
        mode=file.mode,
        definition=plain(entry.tree),
        file=entry.document.file,
        line=entry.line,
    )
    _check_tests(entry, file)
    # A rule that can't be used can't be tried.
    if len(entry.document.problems) == mistakes:
        for position in range(len(file.tests)):
            for message in stage.check(entry.tree["tests"][position], rule, terms.vocabulary):
                entry.report(("tests", position), message)
    return rule


def plain(tree: Any) -> Any:
    """A tree of texts without what only its file knows: which of them stood in quotes."""
    if isinstance(tree, dict):
        return {str(key): plain(value) for key, value in tree.items()}
    return [plain(value) for value in tree] if isinstance(tree, list) else str(tree)


def _where_scope(judged: Judged, domain: str, terms: Terms) -> Scope:
    """What `where` sees: what a series is, its metric, and the columns of a query's row."""
    source = judged.source
    own: Mapping[str, Column] = {}
    if isinstance(source, Query):
        own = judged.columns
    elif isinstance(source, Stream):
        own = {"metric": judged.columns["metric"]}
    elif isinstance(source, Absence) and source.of == "series":
        own = {"metric": text_of(terms.metrics(domain))}
    return {**terms.attributes_of(domain), **own}


def _with(entry: Entry, file: RuleEntry, judged: Judged, domain: str, terms: Terms) -> tuple[dict[str, With], Scope]:
    found: dict[str, With] = {}
    columns: Scope = {}
    taken = {**judged.columns, **terms.attributes, **terms.calendar_columns}
    own, every = terms.metrics(domain), terms.every_metric
    for alias, one in file.with_.items():
        here = ("with", alias)
        check_free(entry, here, alias, taken)
        check_same(entry, (*here, "same"), one.same, terms)
        columns[alias] = Column("number", spans=True)
        if one.metric is None:
            if not entry.has((*here, "metric")):
                entry.report((*here, "metric"), "the key is missing: expected the name of a metric")
        elif refer(entry, (*here, "metric"), one.metric, {**every, **own}, "metric"):
            columns[alias] = value_column(own.get(one.metric) or every[one.metric])
            found[alias] = With(one.metric, one.same, one.max_age)
    # An alias that is wrong from the ground up has been reported, and still has its name.
    return found, dict.fromkeys(entry.keys(("with",)), Column("number", spans=True)) | columns


def _check_calendars(entry: Entry, file: RuleEntry, terms: Terms) -> None:
    for key, name in (("season", file.season), ("hours", file.hours)):
        if name is None or not refer(entry, (key,), name, terms.calendars, "calendar"):
            continue
        if key == "season" and terms.calendars[name].hours:
            entry.report((key,), f"{name} has hours and no days; write `hours: {name}`")


def _check_subject(entry: Entry, file: RuleEntry, judged: Judged) -> None:
    if file.at_least > 1 and judged.subject == "series":
        entry.report(("at_least",), "a series has no other series; name a wider subject, such as site")
    if "together" in entry.tree and judged.subject in ("region", "text"):
        entry.report(("together",), f"a {judged.subject} has no place to measure a distance from; remove the key")


def _together(entry: Entry, file: RuleEntry) -> Together | None:
    if file.together is None:
        return None
    if file.together.within is None:
        if not entry.has(("together", "within")):
            entry.report(("together", "within"), "the key is missing: expected a distance such as 200m")
        return None
    return Together(file.together.within, file.together.count, file.together.raise_by)


def _inhibits(entry: Entry, file: RuleEntry, terms: Terms) -> Inhibition | None:
    if file.inhibits is None:
        return None
    check_same(entry, ("inhibits", "same"), file.inhibits.same, terms)
    if file.inhibits.rules is None and not entry.has(("inhibits", "rules")):
        entry.report(("inhibits", "rules"), "the key is missing: expected names of rules, or patterns such as water.*")
    patterns = tuple(file.inhibits.rules or ())
    return Inhibition(patterns, file.inhibits.same, file.inhibits.hold, file.inhibits.release)


def _check_tests(entry: Entry, file: RuleEntry) -> None:
    expected = {"name": "what the test shows", "given": "readings", "expect": "none, or all transitions in order"}
    for position in range(len(file.tests)):
        for key, what in expected.items():
            if not entry.has(("tests", position, key)):
                entry.report(("tests", position, key), f"the key is missing: expected {what}")
