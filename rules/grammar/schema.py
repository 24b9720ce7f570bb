"""What rule files and the calendars may say: one source of the checks and of the published JSON Schemas.

The models only say what each key may hold. That a key is there at all, and that keys go together, is checked where
they are resolved: so one wrong key does not hide what else is wrong with a rule. After a change here,
`python -m rules.grammar.schema` writes the JSON Schemas again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainValidator,
    RootModel,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from citybrain.catalogue.schema import Id, Line, Name, Number, Title, Unit, json_schema, matching
from rules import model
from rules.grammar import notation

FOLDER = Path(__file__).parents[1] / "schemas"

_T = TypeVar("_T")

_RULE = r"^[a-z][a-z0-9_]{0,62}\.[a-z][a-z0-9_]{0,62}$"
_INDICATOR = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}/[a-z][a-z0-9_]{0,62}$"
_PATTERN = r"^[a-z*][a-z0-9_*]{0,62}\.[a-z*][a-z0-9_*]{0,62}$"
_CONFIDENCE = r"^[ABCDSX][+-]?$"
_DISTANCE = r"^[0-9]{1,6}(\.[0-9]{1,3})?k?m$"
MAX_TEXT = 20_000  # characters of a condition or query; more is not written by hand


def _written(read: Callable[[str], _T]) -> Callable[[Any], _T]:
    """`read` of a text; what is no text at all is shown to it as none."""
    return lambda value: read(value if isinstance(value, str) else "")


def _text(pattern: str) -> WithJsonSchema:
    # An editor's YAML parser takes a bare 0 for a number.
    return WithJsonSchema({"type": ["string", "integer"], "pattern": pattern})


class _OneOrMore:
    """A list of which a single entry may stand for itself."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        listed = handler(schema)
        return {"anyOf": [listed["items"], listed]}


def _shaped(shape: str) -> BeforeValidator:
    """Shows the shape of a mapping where something else stands."""

    def check(value: Any) -> Any:
        if not isinstance(value, dict):
            found = "a list" if isinstance(value, list) else repr(str(value))
            raise ValueError(f"expected a mapping such as {shape}, found {found}")
        return value

    return BeforeValidator(check)


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


_one_or_more = BeforeValidator(_listed)

Sql = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT)]
RuleName = Annotated[
    str,
    AfterValidator(matching(_RULE, "a name such as water.end_pressure: domain, dot, name, in lower case")),
    WithJsonSchema({"type": "string", "pattern": _RULE}),
]
RulePattern = Annotated[
    str,
    AfterValidator(matching(_PATTERN, "the name of a rule, or a pattern such as water.*")),
    WithJsonSchema({"type": "string", "pattern": _PATTERN}),
]
IndicatorName = Annotated[
    str,
    AfterValidator(matching(_INDICATOR, "plan/indicator")),
    WithJsonSchema({"type": "string", "pattern": _INDICATOR}),
]
Confidence = Annotated[
    str,
    AfterValidator(matching(_CONFIDENCE, "a mark of confidence: A, B, C or S, also with - as in B-")),
    WithJsonSchema({"type": "string", "pattern": _CONFIDENCE}),
]
Duration = Annotated[model.Duration, PlainValidator(_written(notation.duration)), _text(notation.DURATION)]
Span = Annotated[int, PlainValidator(_written(notation.span_us)), _text(notation.SPAN)]
Hold = Annotated[model.Hold, PlainValidator(_written(notation.hold)), _text(notation.HOLD)]
Severity = Annotated[
    int,
    PlainValidator(_written(notation.severity)),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 4}),
]
Distance = Annotated[
    float, PlainValidator(_written(notation.metres)), WithJsonSchema({"type": "string", "pattern": _DISTANCE})
]
Date = Annotated[date, PlainValidator(_written(notation.a_date)), WithJsonSchema({"type": "string", "format": "date"})]
Day = Annotated[
    tuple[int, int] | date,
    PlainValidator(_written(notation.day)),
    WithJsonSchema({"type": "string", "pattern": notation.DAY}),
]
Hours = Annotated[
    tuple[int, int],
    PlainValidator(_written(notation.hours)),
    WithJsonSchema({"type": "string", "pattern": notation.HOURS}),
]
Words = Annotated[Title, _shaped("{zh: 压力过低, en: Low pressure}")]
Metrics = Annotated[
    list[Name | Literal["*"]],
    _one_or_more,
    Field(min_length=1),
    WithJsonSchema({"type": ["string", "array"], "items": {"type": "string"}}),
]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, validate_by_name=True)


class LimitEntry(_Entry):
    """A number and where it comes from; one of `value`, `attribute` and `plan` says which number."""

    value: Number | None = None
    """The number."""
    attribute: Name | None = None
    """The attribute of the site that has the number: `site_design_pressure`."""
    plan: IndicatorName | None = None
    """The plan's indicator that has the number: `plan/indicator`."""
    use: Literal["path", "target"] = "target"
    """Of a plan's indicator: its target, or the point of the path to it on the reading's day."""
    unit: Unit | None = None
    """Unit of the number, as the metric's; left out where it has none."""
    source: Line | None = None
    """The standard, rule or document that has the number, or `platform default`."""
    clause: Annotated[Line, WithJsonSchema({"type": ["string", "number"]})] | None = None
    """The clause of the source."""
    confidence: Confidence | None = None
    """A found in two independent places, B in one, C to be checked against the text, S a platform default."""
    where: Sql | None = None
    """Condition on attributes: the series that the entry counts for; left out: all."""
    start: Date | None = Field(None, alias="from")
    """First day on which it counts, in the city's time zone; left out: always did."""
    end: Date | None = Field(None, alias="to")
    """Last day on which it counts; left out: still does."""


_Limit = Annotated[LimitEntry, _shaped("{value: 0.2, unit: MPa, source: platform default, confidence: S}")]
Limit = Annotated[list[_Limit], _one_or_more, Field(min_length=1, max_length=200), _OneOrMore()]
Limits = Annotated[
    dict[Name, Limit], _shaped("{low: {value: 0.2, unit: MPa, source: platform default, confidence: S}}")
]


class StepEntry(_Entry):
    """One step of a ladder; what it leaves out it takes from the rule."""

    model_config = ConfigDict(json_schema_extra={"required": ["severity"]})

    severity: Severity | None = None
    """1 red, 2 orange, 3 yellow, 4 blue; each once."""
    raise_: Sql | None = Field(None, alias="raise")
    """Condition that raises the step."""
    clear: Sql | None = None
    """Condition that clears it; left out everywhere: that `raise` is false."""
    for_: Hold | None = Field(None, alias="for")
    """How long `raise` must have held: a duration, `N samples` or `K of N samples`."""
    keep: Hold | None = None
    """How long `clear` must have held: a duration or `N samples`."""
    limit: Limit | None = None
    """The limit named `limit`."""
    limits: Limits = {}
    """Limits by the names that conditions give them."""


class WithEntry(_Entry):
    """Another metric, whose newest value conditions read under an alias."""

    model_config = ConfigDict(json_schema_extra={"required": ["metric"]})

    metric: Name | None = None
    """The other metric."""
    same: Name = "site"
    """What both series share: `device`, `site`, `gateway`, `region` or an attribute such as `site_zone`."""
    max_age: Duration | None = None
    """NULL where its newest reading is older; `0s`: not older than the reading that is judged."""


_With = Annotated[WithEntry, _shaped("{metric: flow, same: site}")]


class TogetherEntry(_Entry):
    """More severe while several subjects near each other have the alert."""

    model_config = ConfigDict(json_schema_extra={"required": ["within"]})

    within: Distance | None = None
    """Greatest distance between the subjects: `200m`, `1.5km`."""
    count: int = Field(2, ge=2, le=1000)
    """So many subjects, itself included."""
    raise_by: int = Field(1, ge=1, le=3)
    """So many levels more severe."""


class InhibitsEntry(_Entry):
    """Alerts of other rules that are recorded and not announced while this rule's alert is open."""

    model_config = ConfigDict(json_schema_extra={"required": ["rules"]})

    rules: Annotated[list[RulePattern], Field(min_length=1)] | None = None
    """Names of rules, or patterns such as `water.*`."""
    same: Name = "site"
    """What both alerts share: `device`, `site`, `gateway`, `region` or an attribute such as `site_zone`."""
    hold: Span = 30_000_000
    """So long such an alert waits for the inhibitor before it is announced."""
    release: Span = 600_000_000
    """So long after the inhibitor has cleared, what is still raised is announced."""


class TestEntry(_Entry):
    """A history with the transitions that it must cause."""

    model_config = ConfigDict(json_schema_extra={"required": ["name", "given", "expect"]})

    name: Line | None = None
    """What the test shows."""
    given: Any = None
    """A sequence of readings, sequences by column, or columns by subject."""
    expect: Annotated[Any, WithJsonSchema({"type": ["string", "array"]})] = None
    """`none`, or all transitions in order."""
    start: Line | None = None
    """Time of the first reading; 2026-01-05 00:00 if left out, and its date may be left out."""
    every: Line | None = None
    """Time between readings; the metric's interval if left out."""
    until: Line | None = None
    """How long the clock runs; to the last reading if left out."""


class RuleEntry(_Entry):
    """A rule: what it judges, when it raises an alert, and what operators read."""

    model_config = ConfigDict(json_schema_extra={"required": ["rule", "title"]})

    rule: RuleName | None = None
    """Name, unique over all files: `domain.name`."""
    title: Words | None = None
    """What happened, as the operator reads it."""
    advice: Words | None = None
    """What to do."""
    metric: Metrics | None = None
    """The metric whose readings are judged, a list of metrics of one unit, or `*`."""
    silent: Literal["series", "device", "gateway"] | None = None
    """Judge what has sent nothing for `after`."""
    after: Duration | None = None
    """Of `silent`: how long nothing came."""
    query: Sql | None = None
    """One SELECT over the rule_ views; each row is a reading of its subject at the instant `:now`."""
    plan: IndicatorName | None = None
    """The plan's indicator that is judged: `plan/indicator`."""
    every: Annotated[str, _text(notation.EVERY)] | None = None
    """Of a query or plan: how often, as a duration or as `day at 06:30`."""
    at: Annotated[str, _text(notation.SPAN)] | None = None
    """Of `every` with a duration: offset from the start of the city's day."""
    columns: dict[Name, Unit] = {}
    """Of a query: its columns, each with a unit, `number` or `text`."""
    missing: Literal["keep", "clear"] = "keep"
    """Of a query: whether a subject without a row is no evidence, or counts as clear."""
    where: Sql | None = None
    """Condition on attributes: which series, devices or rows are judged."""
    season: Name | None = None
    """Calendar outside of whose days the rule does not exist."""
    hours: Name | None = None
    """Calendar outside of which readings are ignored."""
    quality: Literal["good", "any"] = "good"
    """Whether doubtful readings are judged, too."""
    with_: Annotated[dict[Name, _With], _shaped("{inflow: {metric: flow, same: site}}")] = Field({}, alias="with")
    """Newest values of other metrics, by alias."""
    limit: Limit | None = None
    """The limit named `limit`."""
    limits: Limits = {}
    """Limits by the names that conditions give them."""
    raise_: Sql | None = Field(None, alias="raise")
    """Condition that raises the alert."""
    clear: Sql | None = None
    """Condition that clears it; left out: that `raise` is false."""
    for_: Hold | None = Field(None, alias="for")
    """How long `raise` must have held: a duration, `N samples` or `K of N samples`."""
    keep: Hold | None = None
    """How long `clear` must have held: a duration or `N samples`."""
    gap: Duration = model.Duration(intervals=3)
    """A longer pause between two pieces of evidence restarts `for` and `keep`."""
    severity: Severity | None = None
    """1 red, 2 orange, 3 yellow, 4 blue."""
    ladder: Annotated[list[StepEntry], Field(min_length=1)] | None = None
    """Steps instead of one severity."""
    subject: Literal["series", "device", "site", "gateway", "region", "text"] | None = None
    """Whose alert it is."""
    at_least: int = Field(1, ge=1, le=10_000)
    """So many series of the subject must hold the step."""
    together: TogetherEntry | None = None
    """More severe while several subjects near each other have the alert."""
    inhibits: InhibitsEntry | None = None
    """Rules whose alerts are not announced while this one's is open."""
    mode: model.Mode = "live"
    """shadow: evaluated and recorded, and nobody is told."""
    tests: list[TestEntry] = []
    """Histories with the transitions that they must cause."""


class RulesFile(RootModel[list[RuleEntry]]):
    """`rules.yaml` of a folder of `domains/`, or a file of its folder `rules/`: a list of rules."""


class SeasonEntry(_Entry):
    """Days of every year, or of one; both ends belong to it."""

    model_config = ConfigDict(json_schema_extra={"required": ["from", "to"]})

    start: Day | None = Field(None, alias="from")
    """First day: `10-15`, or `2026-10-15` to replace the yearly season that it overlaps."""
    end: Day | None = Field(None, alias="to")
    """Last day; before the first one where the season crosses new year."""
    region: Id | None = None
    """The region that it counts for, with all below; left out: all."""
    source: Line | None = None
    """Who decided it."""


class TimesEntry(_Entry):
    """Hours of every day, or single days."""

    hours: Annotated[list[Hours], _one_or_more, Field(min_length=1), _OneOrMore()] | None = None
    """`02:00-04:00`, the end exclusive and maybe after midnight, or a list of such."""
    dates: Annotated[list[Date], Field(min_length=1)] | None = None
    """Single days."""
    source: Line | None = None
    """Who decided it."""


Seasons = RootModel[Annotated[list[SeasonEntry], Field(min_length=1)]]


class CalendarsFile(RootModel[dict[Name, Seasons | TimesEntry]]):
    """`domains/calendars.yaml`: named times for `season`, `hours` and conditions."""


def schemas() -> dict[str, str]:
    """The published JSON Schemas by file name, as text."""
    found = {"rules.schema.json": json_schema(RulesFile), "calendars.schema.json": json_schema(CalendarsFile)}
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {name: json.dumps(dialect | body, ensure_ascii=False, indent=2) + "\n" for name, body in found.items()}


if __name__ == "__main__":
    for name, text in schemas().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
