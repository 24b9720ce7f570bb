"""Plans within what somebody may see, and how documents tell them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import NamedTuple

from pydantic import BaseModel, Field

from api.access.scopes import Titled
from api.views import titles
from api.views.documents import Words
from citybrain.access.model import Scope
from citybrain.catalogue.model import Catalogue
from rules.plans.course import Verdict
from rules.plans.model import Binding, Direction, Indicator, Kind, Plan
from rules.plans.model import Scope as Reach


class PlanEntry(BaseModel):
    """A plan: a document of the government with indicators."""

    id: str = Field(examples=["inner-mongolia-city-quality-2025"])
    title: Words
    issuer: Words
    issued: str | None = Field(description="As exactly as is known.", examples=["2025-11-27"])
    regions: list[Titled] = Field(description="The regions that it binds, with all inside.")
    indicators: int = Field(description="How many there are.")


class PlanPoint(BaseModel):
    """A value at the end of a year, as far as the plan prints it; `words` say what it prints instead."""

    value: float | None = Field(examples=[9.0])
    year: int | None = Field(examples=[2030])
    words: str | None


class Standing(BaseModel):
    """Where an indicator stood in a region at the end of a city day, in its unit."""

    region: Titled
    day: date
    actual: float | None
    as_of: date | None = Field(description="The day that an entered value is of; null: measured, or none.")
    path: float | None = Field(description="Where it should be on that day to reach its target in time.")
    target: float | None
    shortfall: float | None = Field(description="How far it is from the path, on the wrong side.")
    verdict: Verdict


class IndicatorEntry(BaseModel):
    """One number that a plan wants to reach or keep."""

    id: str = Field(description="plan/indicator", examples=["inner-mongolia-city-quality-2025/leakage_rate"])
    plan: str = Field(examples=["inner-mongolia-city-quality-2025"])
    title: Words
    unit: str = Field(examples=["%"])
    direction: Direction
    kind: Kind
    binding: Binding = Field(description="The plan's own word: 约束性 (binding) or 预期性 (expected).")
    clause: str = Field(description="Where the plan says it.", examples=["（七）"])
    baseline: PlanPoint | None
    target: PlanPoint
    scope: Reach = Field(description="`each`: asked of every region inside, too.")
    measure: str | None = Field(description="What computes it; null: its values are entered.")
    superseded_by: str | None = Field(description="The indicator of a later document that leads.")
    note: Words | None = Field(description="What a reader of the number must know.")
    standings: list[Standing] = Field(description="The newest in each region; of the first 100 that have any.")


class RegionalStanding(Standing):
    """Where one indicator stands in one region."""

    indicator: str = Field(examples=["inner-mongolia-city-quality-2025/leakage_rate"])
    title: Words
    unit: str = Field(examples=["%"])
    direction: Direction
    year: int | None = Field(description="At whose end the target is due; null: the plan says none.", examples=[2030])


class Stood(NamedTuple):
    """A row of where an indicator stood."""

    indicator: str
    region: str
    day: date
    actual: float | None
    as_of: date | None
    path: float | None
    target: float | None
    shortfall: float | None
    verdict: Verdict


class Entered(NamedTuple):
    """A row of what somebody entered."""

    region: str
    day: date
    value: float
    note: str | None
    entered_by: str
    entered_at: datetime


def seen(plans: Mapping[str, Plan], scope: Scope) -> dict[str, Plan]:
    """The plans that bind a region in the scope, by id; a plan belongs to no one domain."""
    if scope.domains is not None:
        return {}
    return {id: plans[id] for id in sorted(plans) if scope.regions is None or reach(plans[id]) & scope.regions}


def reach(plan: Plan) -> set[str]:
    """The regions that a plan binds, with all inside."""
    return {*plan.regions, *(region for one in plan.indicators.values() for region in one.within)}


def judged(indicator: Indicator, scope: Scope) -> Iterator[str]:
    """The regions in the scope in which an indicator may stand somewhere, the plan's own first."""
    for region in (*indicator.regions, *indicator.within):
        if scope.sees(region, None):
            yield region


def plan_entry(plan: Plan, catalogue: Catalogue) -> PlanEntry:
    """A plan as a document has it."""
    return PlanEntry(
        id=plan.id,
        title=titles.words(plan.title),
        issuer=titles.words(plan.issuer),
        issued=plan.issued,
        regions=[titles.region(catalogue, region) for region in plan.regions],
        indicators=len(plan.indicators),
    )


def indicator_entry(indicator: Indicator, standings: list[Standing]) -> IndicatorEntry:
    """An indicator as a document has it."""
    baseline, target = indicator.baseline, indicator.target
    return IndicatorEntry(
        id=indicator.id,
        plan=indicator.plan,
        title=titles.words(indicator.title),
        unit=indicator.unit,
        direction=indicator.direction,
        kind=indicator.kind,
        binding=indicator.binding,
        clause=indicator.clause,
        baseline=PlanPoint(value=baseline.value, year=baseline.year, words=baseline.words) if baseline else None,
        target=PlanPoint(value=target.value, year=target.year, words=target.words),
        scope=indicator.scope,
        measure=indicator.measure,
        superseded_by=indicator.superseded_by,
        note=_note(indicator),
        standings=standings,
    )


def _note(indicator: Indicator) -> Words | None:
    note = indicator.note
    return Words(zh=note, en=note) if isinstance(note, str) else titles.words(note) if note else None


def standing(row: Stood, catalogue: Catalogue) -> Standing:
    """Where an indicator stood as a document has it."""
    fields = {name: value for name, value in row._asdict().items() if name not in ("indicator", "region")}
    return Standing(region=titles.region(catalogue, row.region), **fields)


def regional(row: Stood, indicator: Indicator, catalogue: Catalogue) -> RegionalStanding:
    """The same with what the indicator is."""
    return RegionalStanding(
        **dict(standing(row, catalogue)),
        indicator=indicator.id,
        title=titles.words(indicator.title),
        unit=indicator.unit,
        direction=indicator.direction,
        year=indicator.target.year,
    )
