"""Columns of answers: what they are called, in which unit, with which words, colours and links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from grafana_foundation_sdk.models.dashboard import Threshold, ValueMap, ValueMappingResult

from citybrain.catalogue.model import Metric
from deploy.boards.thresholds import SEVERITIES
from deploy.boards.words import Words

UNITS = {
    "m3/h": "m³/h",
    "m3": "m³",
    "ug/m3": "µg/m³",
    "mg/m3": "mg/m³",
    "degC": "°C",
    "deg": "°",
}  # as they are written
VERDICTS = {"off_course": SEVERITIES[2], "at_risk": SEVERITIES[3]}  # the others stay quiet
COLUMNS = ("red", "orange", "yellow", "blue")  # of counts by severity, the worst first

_FLAGS_AT_MOST = 6  # flags whose every combination gets words; 64 of them


@dataclass(frozen=True)
class Link:
    """Where a click on a value leads; `url` may hold variables, and `${__data.fields.x}` of the same row."""

    title: str
    url: str


@dataclass(frozen=True)
class Field:
    """A column of an answer, and what it looks like.

    Attributes:
        name: Of the column, or, with `every`, a regular expression that its name matches.
        title: What it is called instead.
        unit: One of Grafana's, or what `unit` gives.
        mapping: Words for values.
        colours: Colours for values that have words.
        steps: Colours from values on.
        colour: One for all values.
        links: Where a click leads.
        hidden: Whether it is there for links only.
        bar: Whether a table draws it as a bar from zero.
    """

    name: str
    title: str | None = None
    unit: str | None = None
    mapping: Mapping[str, str] | None = None
    colours: Mapping[str, str] | None = None
    steps: Sequence[Threshold] = ()
    colour: str | None = None
    links: Sequence[Link] = ()
    hidden: bool = False
    bar: bool = False
    every: bool = False

    @property
    def coloured(self) -> bool:
        """Whether its colour says something about its value."""
        return bool(self.steps or self.colours)


def unit(name: str | None) -> str:
    """Grafana's name for a unit of the catalogue: as a text behind the number; without one, none."""
    return f"suffix: {UNITS.get(name, name)}" if name else "none"


def properties(field: Field) -> Iterator[tuple[str, object]]:
    """What a field has that others have not, as Grafana names it."""
    if field.title is not None:
        yield "displayName", field.title
    if field.unit is not None:
        yield "unit", field.unit
    if field.mapping is not None:
        yield "mappings", [_mapping(field.mapping, field.colours or {})]
    if field.steps:
        yield "thresholds", {"mode": "absolute", "steps": list(field.steps)}
    if field.bar:
        yield "min", 0
    if field.colour is not None:
        yield "color", {"mode": "fixed", "fixedColor": field.colour}
    elif field.coloured:
        yield "color", {"mode": "thresholds"}
    if field.links:
        yield "links", [{"title": link.title, "url": link.url, "targetBlank": True} for link in field.links]


def severity(words: Words, name: str = "severity") -> Field:
    """A severity from 1 to 4, as word and colour."""
    colours = {str(level): colour for level, colour in SEVERITIES.items()}
    steps = [Threshold(None if level == 1 else level, colour) for level, colour in SEVERITIES.items()]
    return Field(name, words("column.severity"), mapping=words.group("severity"), colours=colours, steps=steps)


def severities(words: Words) -> list[Field]:
    """Counts by severity, a column each."""
    return [
        Field(column, words(f"severity.{level}"), colour=colour)
        for column, (level, colour) in zip(COLUMNS, SEVERITIES.items(), strict=True)
    ]


def named(words: Words, *names: str) -> list[Field]:
    """Columns that are called as they are, in words."""
    return [Field(name, words(f"column.{name}")) for name in names]


def states(metric: Metric, words: Words) -> dict[str, str] | None:
    """Words for the values of a metric, by what they are stored as; None: it is a number."""
    if metric.kind == "boolean":
        return {"0": words("state.false"), "1": words("state.true")}
    titles = {
        code: words.of(metric.state_titles[name]) if name in metric.state_titles else name
        for name, code in metric.states.items()
    }
    if metric.kind == "state":
        return {str(code): title for code, title in titles.items()}
    if metric.kind == "flags" and len(titles) <= _FLAGS_AT_MOST:
        sets = (chosen for n in range(1, len(titles) + 1) for chosen in combinations(titles, n))
        return {str(sum(chosen)): words("state.join").join(titles[code] for code in chosen) for chosen in sets}
    return None


def _mapping(texts: Mapping[str, str], colours: Mapping[str, str]) -> ValueMap:
    return ValueMap(
        {
            value: ValueMappingResult(text=text, color=colours.get(value), index=index)
            for index, (value, text) in enumerate(texts.items())
        }
    )
