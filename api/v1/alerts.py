"""Alerts: lists, one of them with all there is to say, and the same as a warning for other systems."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field

from api.access.door import Viewer
from api.context import Context, Using
from api.v1 import new_router
from api.v1.handling import deadlines
from api.v1.watches import watcher
from api.views.cases import Case, Event, Explanation, Listed, announcement, case, explanation, listed, tag
from api.views.documents import AlertCount, Words
from api.web.answers import tagged
from api.web.filters import Moment, RegionFilter, below
from api.web.pages import Cursor, Limit, Page, decode, encode
from api.web.problems import responses
from citybrain.access.model import Principal
from citybrain.store import alerts as store
from citybrain.store.alerts import ORDERS, Filter, Sort
from citybrain.store.connection import Connection
from rules.alerts import explain
from rules.alerts.case import seen
from rules.alerts.model import Handling, NoAlert
from rules.notification import cap

router = new_router("alerts")

AlertId = Annotated[int, Path(alias="id", ge=1, le=9_223_372_036_854_775_807, examples=[42])]
Levels = Annotated[
    list[Annotated[int, Field(ge=1, le=4)]] | None,
    Query(max_length=4, description="1 red, 2 orange, 3 yellow, 4 blue."),
]
Name = Annotated[str | None, Query(max_length=200)]

CAP = "application/cap+xml"


class PlaceCount(BaseModel):
    """How many alerts of a region or a domain are open, counted as by severity."""

    id: str | None = Field(description="null: those that belong to no region.", examples=["150802"])
    title: Words | None
    raised: int
    unjudged: int
    cleared: int
    failing: int


class Counts(BaseModel):
    """How many alerts are open, as far as the caller may see them."""

    severities: list[AlertCount] = Field(description="The worst first; those that there are.")
    regions: list[PlaceCount]
    domains: list[PlaceCount]


def _wanted(
    principal: Viewer,
    open: Annotated[bool, Query(description="Only those that are open; false: those that are done with, too.")] = True,  # noqa: A002
    site: Name = None,
    device: Annotated[
        str | None, Query(max_length=200, description="region/domain/name.", examples=["150802/water/gauge-7"])
    ] = None,
    rule: Annotated[
        str | None, Query(max_length=200, description="`*` stands for anything.", examples=["water.*"])
    ] = None,
    severity: Levels = None,
    attention: Levels = None,
    handling: Annotated[list[Handling] | None, Query(max_length=9)] = None,
    condition: Literal["raised", "cleared"] | None = None,
    crew: Name = None,
    watched: Annotated[bool, Query(description="Only those that the caller watches.")] = False,
    overdue: Annotated[bool | None, Query(description="Whether its deadline was missed.")] = None,
    shelved: bool | None = None,
    since: Annotated[Moment | None, Query(alias="from", description="Raised at that time or later.")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="Raised before that time.")] = None,
    text: Annotated[str | None, Query(max_length=200, description="In its title, subject or site.")] = None,
) -> Filter:
    return Filter(
        open=open,
        site=site,
        device=device,
        rule=rule,
        severity=severity,
        attention=attention,
        handling=list(handling) if handling else None,
        condition=condition,
        crew=crew,
        watcher=watcher(principal).id if watched else None,
        overdue=overdue,
        shelved=shelved,
        since=since,
        until=until,
        text=text,
    )


@router.get("/alerts", responses=responses(400))
async def list_alerts(
    context: Using,
    principal: Viewer,
    wanted: Annotated[Filter, Depends(_wanted)],
    region: RegionFilter = None,
    domain: Annotated[list[str] | None, Query(max_length=100, examples=[["water"]])] = None,
    sort: Annotated[Sort, Query(description="`attention`: then by deadline, then the newest.")] = "attention",
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Listed]:
    """Alerts, those that need attention first."""
    after = decode(cursor, ORDERS[sort].key) if cursor is not None else None
    async with context.readers.connection() as reader:
        scope = principal.scope.narrowed(await below(reader, region), domain)
        found = await store.page(reader, scope, wanted, sort, after, limit + 1)
    following = encode(store.key(found[limit - 1], sort)) if len(found) > limit else None
    return Page(items=[listed(row, principal) for row in found[:limit]], next=following)


@router.get("/alerts/counts")
async def count_alerts(
    context: Using,
    principal: Viewer,
    region: RegionFilter = None,
    domain: Annotated[list[str] | None, Query(max_length=100, examples=[["water"]])] = None,
) -> Counts:
    """How many alerts are open, by severity, region and domain."""
    async with context.readers.connection() as reader:
        scope = principal.scope.narrowed(await below(reader, region), domain)
        found = await store.counts(reader, scope)
    return Counts(
        severities=[AlertCount.model_validate(row, from_attributes=True) for row in found if row.by_severity],
        regions=[_place(row, row.region) for row in found if row.by_region],
        domains=[_place(row, row.domain) for row in found if not row.by_severity and not row.by_region],
    )


@router.get("/alerts/{id}", response_model=Case, responses={**responses(404), 304: {"description": "Not Modified"}})
async def get_alert(request: Request, context: Using, principal: Viewer, id: AlertId) -> Response:
    """One alert with all there is to say of it. Its `ETag` changes with each event, and with what silences it."""
    found = await _case(context, principal, id)
    return tagged(request, found.model_dump_json().encode(), tag=tag(found))


@router.get("/alerts/{id}/timeline", responses=responses(400, 404))
async def list_events(
    context: Using, principal: Viewer, id: AlertId, cursor: Cursor = None, limit: Limit = 100
) -> Page[Event]:
    """What happened to an alert, oldest first."""
    (after,) = decode(cursor, tuple[store.Number]) if cursor is not None else (0,)
    async with context.readers.connection() as reader:
        if not await store.exists(reader, principal.scope, id):
            raise _missing(id)
        found = await store.timeline(reader, id, after, limit + 1)
    following = encode([found[limit - 1].id]) if len(found) > limit else None
    return Page(items=[Event(**event._asdict()) for event in found[:limit]], next=following)


@router.get("/alerts/{id}/explanation", responses=responses(404))
async def explain_alert(context: Using, principal: Viewer, id: AlertId) -> Explanation:
    """Why an alert is what it is: rule, readings, limits with their source, deadline, who was told or why nobody."""

    def work(connection: Connection) -> explain.Explanation:
        seen(connection, id, principal.scope)
        return explain.explain(connection, id)

    return explanation(await context.write(work), deadlines(context.settings.deadlines))


@router.get(
    "/alerts/{id}/cap",
    response_class=Response,
    responses={
        **responses(404),
        304: {"description": "Not Modified"},
        200: {"description": "The message.", "content": {CAP: {"schema": {"type": "string"}}}},
    },
)
async def get_warning(request: Request, context: Using, principal: Viewer, id: AlertId) -> Response:
    """The alert as a message of the Common Alerting Protocol (CAP) 1.2, as its newest event left it."""
    async with context.readers.connection() as reader:
        row = await store.state(reader, principal.scope, id, cap.KINDS)
    if row is None:
        raise _missing(id)
    settings = context.settings
    message = cap.message(announcement(row), cap.sender(settings.public_url), settings.zone, settings.public_url)
    return tagged(request, message, CAP)


async def _case(context: Context, principal: Principal, id: int) -> Case:
    async with context.readers.connection() as reader:
        found = await store.one(reader, principal.scope, id, principal.id if principal.kind == "person" else None)
    if found is None:
        raise _missing(id)
    return case(found, principal, deadlines(context.settings.deadlines))


def _missing(id: int) -> NoAlert:
    return NoAlert(f"There is no alert {id}.", f"没有编号为 {id} 的告警。")


def _place(row: store.Counted, id: str | None) -> PlaceCount:
    title = Words(zh=row.title_zh, en=row.title_en) if row.title_zh is not None and row.title_en is not None else None
    return PlaceCount(
        id=id, title=title, raised=row.raised, unjudged=row.unjudged, cleared=row.cleared, failing=row.failing
    )
