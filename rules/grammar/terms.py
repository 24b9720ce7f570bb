"""What the names in rule files lead to: metrics, attributes, calendars, indicators of plans."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from citybrain.catalogue.document import Steps
from citybrain.catalogue.messages import hint
from citybrain.catalogue.model import Domain, Metric
from rules.conditions import Column
from rules.grammar.entry import Entry
from rules.model import Calendar, Vocabulary

FLAGS = {name: Column("boolean") for name in ("is_stuck", "is_step", "is_out_of_range", "is_ahead")}
PLACES = ("device", "site", "gateway", "region")  # what two series or alerts may share besides an attribute
SUBJECTS = ("subject", "series", *PLACES)  # columns in which a query's row names its subject
RESERVED = {"value", "metric", *FLAGS}
NO_READING = {"value": "a where sees attributes and metric only"}  # advice for the conditions of a `where`


@dataclass(frozen=True)
class Terms:
    """What rules may name; `plans` has the unit of each plan/indicator, None where it has none."""

    vocabulary: Vocabulary
    calendars: Mapping[str, Calendar]
    plans: Mapping[str, str | None]

    @cached_property
    def attributes(self) -> dict[str, Column]:
        """The columns of what a series, device or site is."""
        fixed = {
            "region": text_of(self.vocabulary.regions),
            "device_kind": text_of(("device", "gateway")),
            "site_kind": text_of(kind for domain in self.vocabulary.domains.values() for kind in domain.site_kinds),
        }
        declared = self.vocabulary.attributes.items()
        return fixed | {f"site_{name}": Column(attribute.kind, attribute.unit) for name, attribute in declared}

    def attributes_of(self, domain: str) -> dict[str, Column]:
        """The attributes as a rule of that domain sees them: with the kinds of its own sites."""
        return self.attributes | {"site_kind": text_of(kind for one in self._seen(domain) for kind in one.site_kinds)}

    @cached_property
    def calendar_columns(self) -> dict[str, Column]:
        """A column for each calendar: whether it is on. One that hides another column is none."""
        names = self.calendars.keys() - RESERVED - self.attributes.keys()
        return {name: Column("boolean") for name in self.calendars if name in names}

    def metrics(self, domain: str) -> dict[str, list[Metric]]:
        """The metrics that a rule of that domain sees, by name; one of no domain of the catalogue sees all."""
        return _by_name(self._seen(domain))

    def _seen(self, domain: str) -> Collection[Domain]:
        own = self.vocabulary.domains.get(domain)
        return [own] if own else self.vocabulary.domains.values()

    @cached_property
    def every_metric(self) -> dict[str, list[Metric]]:
        """The metrics of all domains by name."""
        return _by_name(self.vocabulary.domains.values())

    @cached_property
    def units(self) -> frozenset[str]:
        """The units of metrics, of attributes and of plans, and what changes by the hour of those."""
        stated = {metric.unit for metrics in self.every_metric.values() for metric in metrics}
        stated |= {column.unit for column in self.attributes.values()} | set(self.plans.values())
        known = {unit for unit in stated if unit}
        return frozenset(known | {f"{unit}/h" for unit in known})


def text_of(values: Iterable[str]) -> Column:
    """A column of texts that are among these; where there is none, nothing is known of them."""
    return Column("text", values=frozenset(values) or None)


def _by_name(domains: Iterable[Domain]) -> dict[str, list[Metric]]:
    found: dict[str, list[Metric]] = {}
    for domain in domains:
        for name, metric in domain.metrics.items():
            found.setdefault(name, []).append(metric)
    return found


def value_column(metrics: Collection[Metric]) -> Column:
    """What `value` is for readings of these metrics, which have one unit and kind."""
    first = next(iter(metrics))
    if first.kind == "number":
        return Column("number", first.unit, spans=True, interval_us=interval_us(metrics))
    if first.kind == "state":
        return Column("state", codes=first.states)
    return Column("boolean" if first.kind == "boolean" else "number")


def interval_us(metrics: Collection[Metric]) -> float:
    """The shortest expected interval, infinite where all report on change; in microseconds."""
    expected = (metric.interval for metric in metrics if metric.reports == "interval")
    return min((interval.total_seconds() * 1e6 for interval in expected if interval), default=float("inf"))


def refer(entry: Entry, steps: Steps, name: str, known: Collection[str], what: str) -> bool:
    """Whether a name is known; reports it where it isn't."""
    if name not in known:
        entry.report(steps, f"unknown {what} {name}{hint(name, known)}")
    return name in known


def check_same(entry: Entry, steps: Steps, same: str, terms: Terms) -> None:
    """Report a `same` that is neither a place nor an attribute of sites."""
    known = [*PLACES, *(name for name in terms.attributes if name.startswith("site_") and name != "site_kind")]
    refer(entry, steps, same, known, "attribute")


def check_free(entry: Entry, steps: Steps, name: str, taken: Collection[str]) -> None:
    """Report a name that hides a column."""
    if name in taken:
        entry.report(steps, f"{name} hides the column of that name; choose another name")
