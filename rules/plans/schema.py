"""What a file of `plans/` may say: one source of the checks and of the published JSON Schema.

After a change here, `python -m rules.plans.schema` writes the JSON Schema again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, WithJsonSchema, field_validator

from citybrain.catalogue.messages import hint
from citybrain.catalogue.schema import Id, Line, Name, Number, Title, Unit, json_schema
from rules.plans.measures import MEASURES
from rules.plans.model import Binding, Direction, Indicator, Kind, Plan, Point, Scope

FILE = Path(__file__).parent / "schemas" / "plan.schema.json"

_ISSUED = r"^[12][0-9]{3}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$"


def _measure(value: str) -> str:
    if value not in MEASURES:
        raise ValueError(
            f"unknown measure {value}{hint(value, MEASURES) or '; expected one of ' + ', '.join(MEASURES)}"
        )
    return value


def _issued(value: str) -> str:
    if not re.fullmatch(_ISSUED, value):
        raise ValueError(f"expected a year, a month or a day, such as 2021, 2021-11 or 2021-11-22, found {value!r}")
    return value


Measure = Annotated[str, AfterValidator(_measure), WithJsonSchema({"type": "string", "enum": list(MEASURES)})]
Year = Annotated[int, Field(ge=1949, le=2100)]
Issued = Annotated[str, AfterValidator(_issued), WithJsonSchema({"type": ["string", "integer"], "pattern": _ISSUED})]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class PointEntry(_Entry):
    """A value and the year at whose end it counts."""

    value: Number | None = None
    """The number that the plan prints; left out where it prints none."""
    year: Year | None = None
    """The year at whose end it counts; left out where the plan prints none."""
    words: Line | None = Field(None, validate_default=True)
    """What the plan says instead of the number, such as `as the region requires`."""

    @field_validator("words")
    @classmethod
    def _something(cls, value: str | None, info: ValidationInfo) -> str | None:
        # A value that is wrong by itself is missing from the data, and has been reported.
        if value is None and info.data.get("value", 0) is None and info.data.get("year", 0) is None:
            raise ValueError("expected a value, a year, or the words that stand instead of them")
        return value

    def point(self) -> Point:
        """As a plan has it."""
        return Point(self.value, self.year, self.words)


class IndicatorEntry(_Entry):
    """One number that the plan wants to reach or keep."""

    title: Title
    """The indicator's name in both languages."""
    unit: Unit
    """Its unit in ASCII, in which values are entered: %, km, ha, m2/person; a count names what it counts."""
    direction: Direction
    """`at_most`, `at_least`, or `about` (左右) where a miss on either side counts."""
    kind: Kind = "level"
    """`level`: the state at a time; `yearly_average`: due anew every year; `cumulative`: since the baseline's year."""
    baseline: PointEntry | None = Field(None, validate_default=True)
    """Where the plan starts from; left out where it names nothing. Of a cumulative, the year alone."""
    target: PointEntry
    """Where it wants to be; without a value the verdict is `unknown`."""
    binding: Binding = "not_stated"
    """The plan's own word: `binding` (约束性), `expected` (预期性), or `not_stated`."""
    clause: Line
    """Where the plan says it: chapter and section, box, clause or number of its table."""
    scope: Scope = "whole"
    """`whole`: of the plan's regions; `each`: asked of every region in them, too."""
    measure: Measure | None = None
    """What computes it from readings; left out where values are entered."""
    margin: Number | None = Field(None, ge=0)
    """How far short is at risk rather than off course, in the unit; left out: the platform's default."""
    superseded_by: Line | None = None
    """The plan/indicator of a later document that leads instead; this one is no longer judged."""
    note: Title | None = None
    """What a reader of the number must know."""

    @field_validator("baseline")
    @classmethod
    def _start(cls, value: PointEntry | None, info: ValidationInfo) -> PointEntry | None:
        if info.data.get("kind") == "cumulative":
            if value is None or value.year is None:
                raise ValueError("a cumulative counts from the end of a year; expected the baseline's year")
            if value.value is not None:
                raise ValueError("a cumulative starts at 0; expected the baseline's year alone")
        return value

    @field_validator("target")
    @classmethod
    def _later(cls, value: PointEntry, info: ValidationInfo) -> PointEntry:
        baseline = info.data.get("baseline")
        start = baseline.year if baseline else None
        if start is not None and value.year is not None and value.year <= start:
            raise ValueError(f"expected a year after the baseline's, which is {start}, found {value.year}")
        return value

    def indicator(self, plan: str, name: str, regions: Sequence[str], below: Sequence[str]) -> Indicator:
        """As a plan has it; `below` are the regions inside the plan's `regions`."""
        fields = self.model_dump(exclude={"title", "baseline", "target", "note"})
        return Indicator(
            plan=plan,
            name=name,
            title=self.title.text(),
            note=self.note.text() if self.note else None,
            baseline=self.baseline.point() if self.baseline else None,
            target=self.target.point(),
            regions=tuple(regions),
            within=tuple(below) if self.scope == "each" else (),
            **fields,
        )


class PlanFile(_Entry):
    """A file of `plans/`: the indicators of one document. The file's name is the plan's id."""

    title: Title
    """The document's name in both languages."""
    issuer: Title
    """Who issued it."""
    issued: Issued | None = None
    """When, as exactly as is known: 2021, 2021-11 or 2021-11-22."""
    regions: list[Id] = Field(min_length=1)
    """The regions it binds, with all inside them."""
    indicators: dict[Name, IndicatorEntry] = Field(min_length=1)
    """Its indicators by name."""

    def plan(self, id_: str, below: Sequence[str]) -> Plan:
        """As rules have it; `below` are the regions inside its own."""
        return Plan(
            id=id_,
            title=self.title.text(),
            issuer=self.issuer.text(),
            regions=tuple(self.regions),
            issued=self.issued,
            indicators={
                name: entry.indicator(id_, name, self.regions, below) for name, entry in self.indicators.items()
            },
        )


def published() -> str:
    """The JSON Schema of a plan's file, as text."""
    body: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | json_schema(PlanFile)
    return json.dumps(body, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(published(), encoding="utf-8")
