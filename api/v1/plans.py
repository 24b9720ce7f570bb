"""Plans and their indicators: where they stand, and values that people enter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, NamedTuple

import msgspec
from fastapi import Path, Query, Response
from msgspec import Meta
from pydantic import BaseModel, Field

from api.access.door import Engineer, Viewer
from api.access.scopes import Titled
from api.context import Context, Using
from api.v1 import new_router
from api.views import plans as told
from api.views import titles
from api.views.plans import Entered, IndicatorEntry, PlanEntry, RegionalStanding, Standing, Stood
from api.views.rows import rows
from api.web.bodies import Body
from api.web.changes import Changing
from api.web.pages import Cursor, Limit, Page, decode, encode
from api.web.problems import Refusal, responses
from citybrain.access.model import Scope
from citybrain.catalogue.model import Catalogue
from citybrain.store.connection import Connection
from rules.plans.course import Verdict
from rules.plans.entry import Entry, enter, mistakes
from rules.plans.load import indicators
from rules.plans.model import Indicator, Plan

router = new_router("plans")

SHOWN = 100  # regions of one indicator in a document; `/indicators` has all

PlanId = Annotated[str, Path(alias="id", max_length=100, examples=["inner-mongolia-city-quality-2025"])]
PlanName = Annotated[str, Path(alias="plan", max_length=100, examples=["inner-mongolia-city-quality-2025"])]
Name = Annotated[str, Path(alias="indicator", max_length=100, examples=["leakage_rate"])]
Region = Annotated[str | None, Query(max_length=64, description="It, with all below.", examples=["150800"])]
Since = Annotated[date | None, Query(alias="from", description="First city day.")]
Until = Annotated[date | None, Query(alias="to", description="Last city day.")]
_Text = Annotated[str, Meta(max_length=200)]


class IndicatorValue(BaseModel):
    """A value that somebody entered; of several of one day the newest entry counts, and is shown."""

    region: Titled
    day: date
    value: float = Field(description="In the indicator's unit, of the end of the day.", examples=[11.2])
    note: str | None
    entered_by: str
    entered_at: datetime


class NewValue(Body):
    """A value to enter."""

    region: str = Field(max_length=64, examples=["150802"])
    day: date = Field(description="The city day whose end it is of; not a future one.", examples=["2026-06-30"])
    value: float = Field(allow_inf_nan=False, description="In the indicator's unit.", examples=[11.2])
    note: str | None = Field(None, max_length=1000, examples=["年报"])


class _Document(NamedTuple):
    text: str


@router.get("/plans", responses=responses(400))
async def list_plans(context: Using, principal: Viewer, limit: Limit = 100, cursor: Cursor = None) -> Page[PlanEntry]:
    """The plans that bind a region of the caller, by id; seen by those who see all domains."""
    after = decode(cursor, tuple[_Text])[0] if cursor else ""
    found = [plan for id, plan in (await _plans(context, principal.scope)).items() if id > after]
    items = [told.plan_entry(plan, context.catalogue) for plan in found[:limit]]
    return Page(items=items, next=encode([items[-1].id]) if len(found) > limit else None)


@router.get("/plans/{id}", responses=responses(404))
async def get_plan(context: Using, principal: Viewer, id: PlanId) -> PlanEntry:
    """A plan."""
    return told.plan_entry(await _plan(context, principal.scope, id), context.catalogue)


@router.get("/plans/{id}/indicators", responses=responses(400, 404))
async def list_plan_indicators(
    context: Using, principal: Viewer, id: PlanId, limit: Limit = 100, cursor: Cursor = None
) -> Page[IndicatorEntry]:
    """A plan's indicators with baseline and target, by name, and where each stands now."""
    after = decode(cursor, tuple[_Text])[0] if cursor else ""
    plan = await _plan(context, principal.scope, id)
    found = [plan.indicators[name] for name in sorted(plan.indicators) if name > after]
    items = await _entries(context, principal.scope, found[:limit])
    return Page(items=items, next=encode([found[limit - 1].name]) if len(found) > limit else None)


@router.get("/indicators", responses=responses(400))
async def list_standings(
    context: Using,
    principal: Viewer,
    plan: Annotated[str | None, Query(max_length=100)] = None,
    region: Region = None,
    verdict: Annotated[
        list[Verdict] | None, Query(max_length=4, description="`off_course` and `at_risk` are those to look at.")
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[RegionalStanding]:
    """Where each indicator stands in each region, by indicator and region."""
    key = decode(cursor, tuple[_Text, _Text]) if cursor else ("", "")
    seen = await _plans(context, principal.scope)
    known = indicators({id: one for id, one in seen.items() if plan in (None, id)})
    within = _within(context.catalogue, region)
    pairs = sorted(
        (id, one)
        for id, indicator in known.items()
        for one in told.judged(indicator, principal.scope)
        if (within is None or one in within) and (id, one) > key
    )
    found = await _stood(context, pairs, limit + 1, verdict)
    items = [told.regional(row, known[row.indicator], context.catalogue) for row in found[:limit]]
    return Page(items=items, next=encode([items[-1].indicator, items[-1].region.id]) if len(found) > limit else None)


@router.get("/indicators/{plan}/{indicator}", responses=responses(404))
async def get_indicator(context: Using, principal: Viewer, plan: PlanName, indicator: Name) -> IndicatorEntry:
    """An indicator, and where it stands now."""
    found = await _indicator(context, principal.scope, plan, indicator)
    (entry,) = await _entries(context, principal.scope, [found])
    return entry


@router.get("/indicators/{plan}/{indicator}/course", responses=responses(400, 404))
async def list_course(
    context: Using,
    principal: Viewer,
    plan: PlanName,
    indicator: Name,
    region: Region = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[Standing]:
    """Where an indicator stood day by day, the newest first."""
    found = await _indicator(context, principal.scope, plan, indicator)
    values = _values(context, principal.scope, found, region, since, until, limit, cursor)
    async with context.readers.connection() as reader:
        stood = await rows(reader, Stood, "api_plans", "course", **values)
    items = [told.standing(row, context.catalogue) for row in stood[:limit]]
    return Page(items=items, next=_next(items[-1]) if len(stood) > limit else None)


@router.get("/indicators/{plan}/{indicator}/values", responses=responses(400, 404))
async def list_values(
    context: Using,
    principal: Viewer,
    plan: PlanName,
    indicator: Name,
    region: Region = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[IndicatorValue]:
    """The values that people entered, the newest day first."""
    found = await _indicator(context, principal.scope, plan, indicator)
    values = _values(context, principal.scope, found, region, since, until, limit, cursor)
    async with context.readers.connection() as reader:
        entered = await rows(reader, Entered, "api_plans", "values", **values)
    items = [_value(row, context.catalogue) for row in entered[:limit]]
    return Page(items=items, next=_next(items[-1]) if len(entered) > limit else None)


@router.post(
    "/indicators/{plan}/{indicator}/values",
    status_code=201,
    response_model=IndicatorValue,
    responses=responses(400, 404, 409),
)
async def enter_value(
    context: Using, principal: Engineer, changing: Changing, plan: PlanName, indicator: Name, body: NewValue
) -> Response:
    """Enter a value of an indicator. Entries stay on record: to correct one, enter the day again."""
    found = await _indicator(context, principal.scope, plan, indicator)
    if not principal.scope.sees(body.region, None):
        raise Refusal(404, f"There is no region {body.region}.", f"没有行政区划 {body.region}。")
    now = context.clock()
    if wrong := mistakes(found, body.region, body.day, now.astimezone(context.settings.zone).date()):
        en, zh = "; ".join(one.en for one in wrong), "；".join(one.zh for one in wrong)
        raise Refusal(422, f"The value can't be entered: {en}.", f"无法填报：{zh}。", kind="value")
    entry = Entry(found.id, body.region, body.day, body.value, body.note or None)

    def work(connection: Connection) -> IndicatorValue:
        enter(connection, [entry], principal.label, now)
        row = Entered(entry.region, entry.day, entry.value, entry.note, principal.label, now)
        return _value(row, context.catalogue)

    details = {"region": entry.region, "day": entry.day.isoformat(), "value": entry.value}
    return await changing.make("plan.enter", f"indicator {found.id}", work, details=details, status=201)


async def _plans(context: Context, scope: Scope) -> dict[str, Plan]:
    """The plans that the rules in force go by, as far as they are seen."""
    async with context.readers.connection() as reader:
        found = await rows(reader, _Document, "api_plans", "documents")
    return told.seen(msgspec.json.decode(found[0].text, type=dict[str, Plan]), scope) if found else {}


async def _plan(context: Context, scope: Scope, id: str) -> Plan:
    found = (await _plans(context, scope)).get(id)
    if found is None:
        raise Refusal(404, f"There is no plan {id}.", f"没有规划 {id}。")
    return found


async def _indicator(context: Context, scope: Scope, plan: str, name: str) -> Indicator:
    found = (await _plans(context, scope)).get(plan)
    if found is None or name not in found.indicators:
        raise Refusal(404, f"There is no indicator {plan}/{name}.", f"没有指标 {plan}/{name}。")
    return found.indicators[name]


async def _entries(context: Context, scope: Scope, chosen: Iterable[Indicator]) -> list[IndicatorEntry]:
    regions = {one.id: list(told.judged(one, scope)) for one in chosen}
    found = await _stood(context, [(id, region) for id in regions for region in regions[id]])
    standings: dict[str, list[Standing]] = {id: [] for id in regions}
    for row in found:
        if len(standings[row.indicator]) < SHOWN:
            standings[row.indicator].append(told.standing(row, context.catalogue))
    return [told.indicator_entry(one, standings[one.id]) for one in chosen]


async def _stood(
    context: Context, pairs: list[tuple[str, str]], most: int | None = None, verdict: list[Verdict] | None = None
) -> list[Stood]:
    """The newest rows of these indicators and regions, in their order."""
    named = {"indicator": [id for id, _ in pairs], "region": [region for _, region in pairs]}
    async with context.readers.connection() as reader:
        return await rows(reader, Stood, "api_plans", "standings", **named, verdict=verdict, most=most)


def _values(
    context: Context,
    scope: Scope,
    indicator: Indicator,
    region: str | None,
    since: date | None,
    until: date | None,
    limit: int,
    cursor: str | None,
) -> Mapping[str, object]:
    day, after = decode(cursor, tuple[date, _Text]) if cursor else (None, None)
    within = _within(context.catalogue, region)
    return {
        "indicator": indicator.id,
        "region": [one for one in told.judged(indicator, scope) if within is None or one in within],
        "since": since,
        "until": until,
        "day": day,
        "after": after,
        "most": limit + 1,
    }


def _within(catalogue: Catalogue, region: str | None) -> set[str] | None:
    return None if region is None else set(catalogue.below(region))


def _next(last: Standing | IndicatorValue) -> str:
    return encode([last.day.isoformat(), last.region.id])


def _value(row: Entered, catalogue: Catalogue) -> IndicatorValue:
    return IndicatorValue(
        region=titles.region(catalogue, row.region), **{k: v for k, v in row._asdict().items() if k != "region"}
    )
