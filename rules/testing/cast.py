"""Who plays in a test of a stream rule: one judged series a subject, and one for each other metric that is given."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from sqlglot import exp

from citybrain.catalogue.model import Metric
from rules.conditions import syntax
from rules.engine.directory import Series
from rules.model import Rule, Stream, Vocabulary
from rules.testing.notation import SENSOR, Given, Test
from rules.testing.sequence import Unreadable
from rules.testing.timeline import SECOND_US, interval_us


@dataclass
class Cast:
    """The series of a test. `columns` has them by subject and column, `usual` their habits by id."""

    directory: dict[int, Series] = field(default_factory=dict)
    columns: dict[str, dict[str, Series]] = field(default_factory=dict)
    usual: dict[int, float] = field(default_factory=dict)


def cast(test: Test, rule: Rule, vocabulary: Vocabulary) -> Cast:
    """The series that a test needs.

    Raises:
        Unreadable: a constant has a value that it cannot have.
    """
    found = Cast()
    ids = count()
    for name, given in test.given.items():
        judged = _judged(next(ids), name, given, rule, vocabulary)
        series = {"value": judged}
        for alias in rule.with_:
            if alias in given.sequences:
                series[alias] = _other(next(ids), judged, rule, alias, vocabulary)
        found.columns[name] = series
        for column, one in series.items():
            found.directory[one.id] = one
            habit = f"usual({column})"
            if habit in given.constants:
                found.usual[one.id] = number(given.constants[habit], habit)
    return found


def metric_of(series: Series, vocabulary: Vocabulary) -> Metric:
    """The metric of a series."""
    return vocabulary.domains[series.domain].metrics[series.metric]


def attributes(constants: Mapping[str, str], vocabulary: Vocabulary) -> dict[str, str | float | bool]:
    """The attributes among the constants, each as its kind asks."""
    return {name: _attribute(name, text, vocabulary) for name, text in constants.items() if _is_attribute(name)}


def place(text: str) -> tuple[float, float]:
    """Latitude and longitude, degrees."""
    found = re.fullmatch(r"(-?\d+(?:\.\d+)?)[ ,]+(-?\d+(?:\.\d+)?)", text)
    if found is None:
        raise Unreadable(f"given.place: {text!r} is no place: write latitude and longitude, 40.75 107.4.")
    return float(found[1]), float(found[2])


def number(text: str, name: str) -> float:
    """The number that a constant is."""
    try:
        return float(text)
    except ValueError as error:
        raise Unreadable(f"given.{name}: {text!r} is no number.") from error


def asked(rule: Rule) -> dict[str, str]:
    """The attributes that `where` asks for by equality: a test need not state them."""
    return dict(_equalities(syntax.tree(rule.where.text))) if rule.where else {}


def root_of(vocabulary: Vocabulary) -> str:
    """The region that a test is in which names none."""
    return next((region.id for region in vocabulary.regions.values() if region.parent is None), "")


def _judged(id: int, name: str, given: Given, rule: Rule, vocabulary: Vocabulary) -> Series:
    constants = {**asked(rule), **given.constants}
    domain, metric = _metric(constants.get("metric") or _first_metric(rule, vocabulary), rule, vocabulary)
    own = name or SENSOR
    region = constants.get("region") or (name if rule.subject == "region" else "") or root_of(vocabulary)
    known = {"region": region, "device_kind": "device", **attributes(constants, vocabulary)}
    for with_ in rule.with_.values():
        if _is_attribute(with_.same) and with_.same not in known:
            known[with_.same] = _unlike(with_.same, own, id, vocabulary)
    return Series(
        id=id,
        metric=metric.name,
        domain=domain,
        region=region,
        device=constants.get("device", own),
        site=constants.get("site", own),
        gateway=constants.get("gateway") or (own if rule.subject == "gateway" else None),
        place=place(constants["place"]) if "place" in constants else None,
        interval_us=interval_us(given, _interval_us(metric)),
        reports_change=metric.reports == "change",
        attributes=known,
    )


def _other(id: int, judged: Series, rule: Rule, alias: str, vocabulary: Vocabulary) -> Series:
    """The series that an alias means: it belongs to all that the judged one belongs to, but for the device."""
    with_ = rule.with_[alias]
    domain, metric = _metric(with_.metric, rule, vocabulary)
    return replace(
        judged,
        id=id,
        metric=metric.name,
        # The names of devices and gateways count within a domain.
        domain=judged.domain if with_.same in ("device", "gateway") else domain,
        device=judged.device if with_.same == "device" else f"{judged.device}.{alias}",
        interval_us=_interval_us(metric),
        reports_change=metric.reports == "change",
    )


def _first_metric(rule: Rule, vocabulary: Vocabulary) -> str:
    """The rule's first metric; of a rule on all metrics the first that has an expected interval."""
    if isinstance(rule.source, Stream) and rule.source.metrics != ("*",):
        return rule.source.metrics[0]
    own = vocabulary.domains.get(rule.domain)
    domains = [own] if own else vocabulary.domains.values()
    return next(name for domain in domains for name, metric in domain.metrics.items() if metric.interval)


def _metric(name: str, rule: Rule, vocabulary: Vocabulary) -> tuple[str, Metric]:
    """A metric and its domain: the rule's own, else the first that has it."""
    for domain in (rule.domain, *vocabulary.domains):
        if domain in vocabulary.domains and name in vocabulary.domains[domain].metrics:
            return domain, vocabulary.domains[domain].metrics[name]
    raise Unreadable(f"given.metric: there is no metric {name}.")


def _interval_us(metric: Metric) -> float:
    return metric.interval.total_seconds() * SECOND_US if metric.interval else math.inf


def _is_attribute(name: str) -> bool:
    return name == "device_kind" or name.startswith("site_")


def _kind(name: str, vocabulary: Vocabulary) -> str:
    known = vocabulary.attributes.get(name.removeprefix("site_"))
    return known.kind if known else "text"


def _attribute(name: str, text: str, vocabulary: Vocabulary) -> str | float | bool:
    kind = _kind(name, vocabulary)
    if kind == "boolean" and text.lower() in ("on", "off", "true", "false"):
        return text.lower() in ("on", "true")
    if kind == "boolean":
        raise Unreadable(f"given.{name}: {text!r} is neither on nor off.")
    return number(text, name) if kind == "number" else text.strip("'")


def _unlike(name: str, own: str, id: int, vocabulary: Vocabulary) -> str | float | bool:
    """A value of an attribute that no other subject has, so that each has its own other series."""
    return {"number": float(id), "boolean": True}.get(_kind(name, vocabulary), own)


def _equalities(node: exp.Expr) -> Iterator[tuple[str, str]]:
    if isinstance(node, exp.And):
        yield from _equalities(node.this)
        yield from _equalities(node.expression)
    elif isinstance(node, exp.Paren | exp.Or):
        yield from _equalities(node.this)
    elif isinstance(node, exp.EQ | exp.In) and isinstance(node.this, exp.Column):
        other = node.expression if isinstance(node, exp.EQ) else node.expressions[0]
        if isinstance(other, exp.Literal):
            yield node.this.name.lower(), other.name
