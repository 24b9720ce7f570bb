"""The page of a domain: what its card on the overview says, and its panels; from `domains/<id>/page.yaml`.

A domain without that file has a page of its metrics and sites. After a change here,
`python -m citybrain.catalogue.pages` writes the JSON Schema again.
"""

from __future__ import annotations

import json
from itertools import islice
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, WithJsonSchema, field_validator, model_validator

from citybrain.catalogue.model import Domain, Metric
from citybrain.catalogue.schema import (
    FOLDER,
    Boolean,
    Entry,
    Line,
    Name,
    Number,
    Title,
    json_schema,
    matching,
)

Across = Literal["mean", "sum", "low", "high", "newest"]
"""How the newest readings of several series become one number."""
Worst = Literal["high", "low", "away"]
"""Which end of a metric is the bad one; `away`: both, for it is a deviation from 0."""
PanelKind = Literal["vitals", "table", "curve", "series", "tiles", "states", "map"]

_RULE = r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$"
RuleName = Annotated[
    str,
    AfterValidator(matching(_RULE, "the name of a rule such as water.end_pressure")),
    WithJsonSchema({"type": "string", "pattern": _RULE}),
]

DEFAULT_FIGURES, DEFAULT_COLUMNS = 5, 6  # of a page that nobody wrote


class Measure(Entry):
    """A metric of several series as one number, made of their newest good readings."""

    title: Title | None = None
    """What it is called; without it, as its metric."""
    metric: Name
    """The metric of this domain."""
    kinds: list[Name] = Field([])
    """The kinds of sites where it is measured; without it, all."""
    across: Across | None = None
    """How series become one number: `mean` (a number's default), `sum`, `low`, `high` or `newest` (all others')."""

    def combined(self, metric: Metric) -> Across:
        """How series become one number, where it isn't said by the kind of `metric`."""
        return self.across or ("mean" if metric.kind == "number" else "newest")


class Kept(Entry):
    """A limit, named by the rule that judges by it: its number and its side stand there."""

    rule: RuleName
    """The rule; where it is not in force there is no share."""
    severity: int | None = Field(None, ge=1, le=4)
    """The step of its ladder; without it, the mildest."""


class Figure(Measure):
    """One number of the whole domain, or, with `keeps`, the share of series that keep a limit."""

    keeps: Kept | None = None
    """Makes it the percentage of series whose newest reading keeps the limit of a rule."""

    @field_validator("keeps")
    @classmethod
    def _share_or_number(cls, value: Kept | None, info: ValidationInfo) -> Kept | None:
        if value is not None and info.data.get("across"):
            raise ValueError("a share of series is not taken across them; remove across or keeps")
        return value


class Vital(Figure):
    """The number that says most about a domain: the overview shows it with its course and its usual band."""

    beside: list[Figure] = Field([], max_length=2)
    """Up to two numbers beside it."""

    @model_validator(mode="after")
    def _has_a_course(self) -> Self:
        # The course of a mean or a sum is made of the hours of regions, which know no kinds of sites.
        if self.keeps is not None:
            raise ValueError("a share has no course, so it can't be the vital sign; put it in beside")
        if self.kinds and self.across not in ("low", "high", "newest"):
            raise ValueError("the course of a mean or a sum is that of all sites: remove kinds, or say across: low")
        return self


class Subjects(Entry):
    """The sites that a panel tells of, one by one."""

    kinds: list[Name] = Field([])
    """Kinds of sites; without it, all of the domain."""
    gather: Name | None = None
    """An attribute: to each of them belongs what is measured at any site with the same value of it."""


class Column(Measure):
    """One thing told of each subject."""

    show: Literal["value", "bar", "trend", "days"] = "value"
    """A `value`, a `bar` from zero beside it, the `trend` of 24 hours, or bars of `days`."""
    usual: Boolean = False
    """Whether the mean of the same time of the last seven days stands beside it; a value far from it is marked."""
    days: int = Field(28, ge=7, le=60)
    """Days that are shown, of `show: days`."""
    sigmas: Number = Field(3, gt=0, le=10)
    """Standard deviations from their median that still are usual, of `show: days` or `usual`."""


class Order(Entry):
    """What comes first, after subjects with open alerts."""

    metric: Name
    """One of the columns' metrics."""
    worst: Worst = "high"
    """The `high` ones first, the `low` ones, or those furthest `away` from zero."""


class Table(Subjects):
    """A row for each subject, those with alerts first."""

    columns: list[Column] = Field(min_length=1, max_length=12)
    """What is told of each."""
    order: Order | None = None
    """What comes first after alerts; without it, by id."""
    measured: Boolean = False
    """Whether those are left out at which nothing of the columns is measured."""
    most: int = Field(50, ge=1, le=200)
    """Rows at most."""

    @field_validator("order")
    @classmethod
    def _by_a_column(cls, value: Order | None, info: ValidationInfo) -> Order | None:
        known = [column.metric for column in info.data.get("columns", [])]
        if value is not None and known and value.metric not in known:
            raise ValueError(f"{value.metric} is the metric of no column; expected one of {', '.join(known)}")
        return value


class Tiles(Subjects):
    """A tile for each subject: a value, its last 24 hours, and what else says what it means."""

    metric: Name
    """The metric that is shown large, with its course."""
    worst: Worst = "high"
    """Which come first, after those with alerts."""
    also: list[Name] = Field([], max_length=6)
    """Metrics shown beside it."""
    most: int = Field(60, ge=1, le=200)
    """Tiles at most."""

    def table(self) -> Table:
        """The table of the same numbers."""
        columns = [Column(metric=self.metric, show="trend"), *(Column(metric=name) for name in self.also)]
        order = Order(metric=self.metric, worst=self.worst)
        return Table(kinds=self.kinds, gather=self.gather, columns=columns, order=order, most=self.most)


class Curve(Subjects):
    """A metric over another one, against what it should be there."""

    metric: Name
    """What is measured at the subjects: y."""
    over: Name
    """What it depends on, measured anywhere in the subject's region: x."""
    deviation: Name
    """The metric that says how far y lies above what it should be: the reference is y less this."""
    days: int = Field(7, ge=1, le=60)
    """Days whose hours are points."""


class Series(Subjects):
    """The course of metrics of the selected subject; of all, as a mean, where none is."""

    metrics: list[Name] = Field(min_length=1, max_length=4)
    """What is drawn."""
    hours: int = Field(24, ge=1, le=24 * 60)
    """How far it reaches back."""
    band: Boolean = True
    """Whether the usual band of the last seven days lies behind it."""


class States(Entry):
    """How many sites are in which state, by kind, and which are not as they should be."""

    kinds: list[Name] = Field([])
    """Kinds of sites; without it, all of the domain."""
    metric: Name | None = None
    """A boolean or state that is counted; without it, alerts and silence are."""
    normal: list[Line] = Field([])
    """The states of that metric that are as they should be; without it `false`, or the state with the code 0."""
    most: int = Field(50, ge=1, le=200)
    """Abnormal sites that are listed at most."""


class Map(Entry):
    """The domain's sites on the map."""

    kinds: list[Name] = Field([])
    """Kinds of sites; without it, all of the domain."""
    metric: Name | None = None
    """The metric whose newest value is told of each."""


Content = list[Figure] | Table | Curve | Series | Tiles | States | Map


class Panel(Entry):
    """One part of the page: a title and exactly one of the seven kinds."""

    title: Title
    """What stands above it."""
    vitals: Annotated[list[Figure], Field(min_length=1, max_length=6)] | None = None
    """A row of numbers."""
    table: Table | None = None
    """A row for each site or group of sites."""
    curve: Curve | None = None
    """A metric over another."""
    series: Series | None = None
    """Courses of what is selected."""
    tiles: Tiles | None = None
    """A tile for each site."""
    states: States | None = None
    """Counts by kind and state."""
    map: Map | None = None
    """Sites on the map."""

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        found = [kind for kind, _ in self._given()]
        if len(found) != 1:
            kinds = ", ".join(PanelKind.__args__)  # type: ignore[attr-defined]
            raise ValueError(f"expected exactly one of {kinds}; found {' and '.join(found) or 'none'}")
        return self

    @property
    def kind(self) -> PanelKind:
        """Which of the seven it is."""
        return self._given()[0][0]

    @property
    def content(self) -> Content:
        """What that kind says."""
        return self._given()[0][1]

    def _given(self) -> list[tuple[PanelKind, Content]]:
        kinds: list[tuple[PanelKind, Content | None]] = [
            ("vitals", self.vitals),
            ("table", self.table),
            ("curve", self.curve),
            ("series", self.series),
            ("tiles", self.tiles),
            ("states", self.states),
            ("map", self.map),
        ]
        return [(kind, content) for kind, content in kinds if content is not None]


class Page(Entry):
    """`page.yaml` of a folder of `domains/`: the domain's card on the overview, and its page."""

    vital: Vital
    """What the overview says of the domain."""
    panels: dict[Name, Panel] = Field(min_length=1)
    """The panels by id, in the order in which they are drawn."""


def default_page(domain: Domain) -> Page:
    """The page of a domain that has none: its metrics as figures, and a table of its sites; measured ones first."""
    metrics = sorted(domain.metrics.values(), key=lambda metric: (metric.derived, metric.kind != "number"))
    names = [metric.name for metric in metrics]
    figures = [Figure(metric=name) for name in islice(names, DEFAULT_FIGURES)]
    columns = [Column(metric=name) for name in islice(names, DEFAULT_COLUMNS)]
    return Page(
        vital=Vital(metric=names[0]),
        panels={
            "vitals": Panel(title=Title(zh="概况", en="Summary"), vitals=figures),
            "sites": Panel(title=Title(zh="点位", en="Sites"), table=Table(columns=columns)),
        },
    )


def schemas() -> dict[str, str]:
    """The published JSON Schema by file name, as text."""
    body = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | json_schema(Page)
    return {"page.schema.json": json.dumps(body, ensure_ascii=False, indent=2) + "\n"}


if __name__ == "__main__":
    for name, text in schemas().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
