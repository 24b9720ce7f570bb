"""What is allowed and probably not meant: holds below the interval, steps that don't nest, limits that are missing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, product
from math import inf

import numpy as np
import numpy.typing as npt

from citybrain.catalogue.document import Steps
from citybrain.catalogue.errors import Problem
from citybrain.catalogue.model import Catalogue, Site
from rules.conditions import Condition, Value
from rules.grammar import limits
from rules.grammar.entry import Entry
from rules.grammar.steps import on_value
from rules.grammar.terms import Terms, interval_us
from rules.model import Absence, Limit, Rule, Step, Stream

_GRID = 501  # values between the least and the greatest number of two steps
_SHOWN = 3  # sites that a warning names


def of(rules: Iterable[tuple[Entry, Rule]], catalogue: Catalogue, terms: Terms) -> Iterator[Problem]:
    """The doubts about rules that are right; the sites are those of the catalogue that have devices."""
    equipped = {device.site for device in catalogue.devices.values()}
    sites = [site for id_, site in catalogue.sites.items() if id_ in equipped]
    for entry, rule in rules:
        interval = _interval_us(rule, terms)
        yield from _short_holds(entry, rule, interval)
        yield from _short_gap(entry, rule, interval)
        yield from _idle(entry, rule)
        yield from _apart(entry, rule)
        yield from _without_limit(entry, rule, sites, terms)
        yield from _untested(entry, rule)


def _place(entry: Entry, step: Step, *key: str) -> Steps:
    """Where a key of a step stands: at the step or at the rule."""
    ladder = entry.tree.get("ladder", ())
    own = next((n for n, one in enumerate(ladder) if int(one["severity"]) == step.severity), None)
    return (*(() if own is None or not entry.has(("ladder", own, *key)) else ("ladder", own)), *key)


def _interval_us(rule: Rule, terms: Terms) -> float:
    """Expected between two readings that the rule judges; infinite where that is not known."""
    if isinstance(rule.source, Stream):
        known = terms.metrics(rule.domain)
        return interval_us([metric for name in rule.source.metrics for metric in known.get(name, [])])
    return inf if isinstance(rule.source, Absence) else float(rule.source.schedule.every_us)


def _short_gap(entry: Entry, rule: Rule, interval: float) -> Iterator[Problem]:
    if rule.gap.of(interval) < interval < inf:
        message = f"shorter than the interval of {interval / 1e6:g}s: a hold longer than one reading is never met"
        yield entry.problem(("gap",), message)


def _idle(entry: Entry, rule: Rule) -> Iterator[Problem]:
    """What is named and never used."""
    if isinstance(rule.source, Stream):
        for name, count in Counter(rule.source.metrics).items():
            if count > 1:
                yield entry.problem(("metric",), f"{name} is given {count} times; once is enough")
    stated = {_limit_place(entry, step, name): name for step in rule.steps for name in step.limits}
    used = {_limit_place(entry, step, name) for step in rule.steps for name in step.limits.keys() & _read_by(step)}
    for place, name in stated.items():
        if place not in used:
            yield entry.problem(place, f"no condition reads `{name}`; remove it")
    for alias in rule.with_.keys() - frozenset().union(*map(_read_by, rule.steps)):
        yield entry.problem(("with", alias), f"no condition reads `{alias}`; remove it")


def _read_by(step: Step) -> frozenset[str]:
    """The names that the conditions of a step read."""
    conditions = [one for one in (step.raise_, step.clear) if one]
    columns = frozenset().union(*(one.columns for one in conditions))
    return columns | {call.column for one in conditions for call in one.calls}


def _limit_place(entry: Entry, step: Step, name: str) -> Steps:
    return _place(entry, step, *(("limit",) if name == "limit" else ("limits", name)))


def _short_holds(entry: Entry, rule: Rule, interval: float) -> Iterator[Problem]:
    for place, hold in {
        _place(entry, step, key): hold for step in rule.steps for key, hold in (("for", step.for_), ("keep", step.keep))
    }.items():
        if hold.duration and 0 < hold.duration.of(interval) < interval < inf:
            yield entry.problem(place, f"shorter than the interval of {interval / 1e6:g}s: two readings meet it")


def _apart(entry: Entry, rule: Rule) -> Iterator[Problem]:
    """A more severe step should only be raised where the milder one is."""
    for severe, mild in pairwise(rule.steps):
        pair = [(severe, severe.raise_), (mild, mild.raise_)]
        if not all(
            one and on_value(one, step.limits) and one.value and one.value.kind == "number" for step, one in pair
        ):
            continue
        value = _first_apart(severe, mild)
        if value is not None:
            message = f"severity {severe.severity} is raised at {value:g} and severity {mild.severity} is not"
            yield entry.problem(_place(entry, severe, "severity"), f"{message}; steps should nest")


def _first_apart(severe: Step, mild: Step) -> float | None:
    steps = (severe, mild)
    both = {f"{step.severity} {name}": limit for step in steps for name, limit in step.limits.items()}
    for chosen in limits.versions(both):
        known = {name: one.value for name, one in chosen.items() if one.value is not None}
        literals = [number for step in steps if step.raise_ for number in step.raise_.literals]
        values = _around([*known.values(), *literals])
        raised = [_true(step.raise_, f"{step.severity} ", known, values) for step in steps if step.raise_]
        apart = values[raised[0] & ~raised[1]]
        if apart.size:
            return float(min(apart.tolist(), key=lambda value: (len(repr(value)), value)))
    return None


def _around(numbers: Sequence[float]) -> npt.NDArray[np.float64]:
    low, high = min(numbers, default=0.0), max(numbers, default=0.0)
    reach = max(high - low, 1.0)
    edges = np.array([*numbers, *np.linspace(low - reach, high + reach, _GRID)])
    return np.unique(np.concatenate([edges, np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf)]))


def _true(
    condition: Condition, prefix: str, known: dict[str, float], values: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    def column(name: str) -> Value:
        return Value(values if name == "value" else np.array([known[prefix + name]]))

    return condition.evaluate(column, values.size)[0]


def _without_limit(entry: Entry, rule: Rule, sites: Sequence[Site], terms: Terms) -> Iterator[Problem]:
    """A limit without an entry is NULL: `a OR b` is then true or unknown, and never false."""
    if not isinstance(rule.source, Stream):
        return
    known = terms.metrics(rule.domain)
    judged = [metric for name in rule.source.metrics for metric in known.get(name, [])]
    pairs = [(metric.name, site) for metric, site in product(judged, sites) if metric.domain == site.domain]
    if not pairs:
        return
    admitted = _matching(rule.where, pairs) if rule.where else np.ones(len(pairs), np.bool_)
    seen: set[Steps] = set()
    for step in rule.steps:
        for name, limit in step.limits.items():
            place = _limit_place(entry, step, name)
            if place in seen or any(one.where is None for one in limit):
                continue
            seen.add(place)
            missing = admitted & ~_covered(limit, pairs)
            names = sorted({pair[1].id for pair, lacks in zip(pairs, missing, strict=True) if lacks})
            if names:
                others = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
                message = f"no entry counts for {', '.join(names[:_SHOWN])}{others}, which `where` admits"
                yield entry.problem(place, f"{message}: the limit is NULL there; admit fewer sites or add an entry")


def _covered(limit: Limit, pairs: Sequence[tuple[str, Site]]) -> npt.NDArray[np.bool_]:
    found = np.zeros(len(pairs), np.bool_)
    for one in limit:
        found |= _matching(one.where, pairs) if one.where else True
    return found


def _matching(where: Condition, pairs: Sequence[tuple[str, Site]]) -> npt.NDArray[np.bool_]:
    """Which series, each a metric at a site, a condition on attributes is true for; kinds of devices are not known."""

    def column(name: str) -> Value:
        cells = [_attribute(name, metric, site) for metric, site in pairs]
        null = np.array([cell is None for cell in cells])
        kind = next((type(cell) for cell in cells if cell is not None), str)
        dtype = {str: np.object_, float: np.float64, bool: np.bool_}[kind]
        return Value(np.array([kind() if cell is None else cell for cell in cells], dtype), null)

    return where.evaluate(column, len(pairs))[0]


def _attribute(name: str, metric: str, site: Site) -> str | float | bool | None:
    fixed = {"metric": metric, "region": site.region, "site_kind": site.kind}
    return fixed.get(name, site.attributes.get(name.removeprefix("site_")))


def _untested(entry: Entry, rule: Rule) -> Iterator[Problem]:
    tests = entry.tree.get("tests", [])
    expected = " ".join(
        " ".join(test["expect"]) if isinstance(test["expect"], list) else test["expect"] for test in tests
    )
    for step in rule.steps:
        if not re.search(rf"\b(raised|escalated|downgraded) {step.severity}\b", expected):
            place = _place(entry, step, "severity")
            yield entry.problem(place, f"no test reaches severity {step.severity}; add one that raises it")
