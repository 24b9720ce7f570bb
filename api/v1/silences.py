"""Silence on purpose: shelves, and maintenance windows."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Path, Query, Response
from pydantic import BaseModel, Field, StringConstraints, model_validator

from api.access import scopes
from api.access.door import Engineer, Operator, Viewer
from api.access.scopes import Titled
from api.context import Context, Using
from api.v1 import new_router
from api.web.bodies import Body
from api.web.changes import Changing
from api.web.filters import Moment, below
from api.web.pages import Cursor, Limit, Page, decode, encode
from api.web.problems import Refusal, responses
from citybrain.access.model import Principal, Scope
from citybrain.catalogue.model import Catalogue
from citybrain.store import alerts as store
from citybrain.store.connection import Connection
from rules.alerts import silence
from rules.alerts.case import seen
from rules.alerts.model import NotYours

router = new_router("silences")

Number = Annotated[int, Path(alias="id", ge=1, le=9_223_372_036_854_775_807, examples=[7])]
Reason = Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S", examples=["换表"])]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Over = Annotated[bool, Query(description="Those that have ended, too.")]


class Shelf(BaseModel):
    """A shelf: nothing is announced of what it is about until it ends."""

    id: int
    rule: str = Field(description="Pattern; `*` stands for anything.", examples=["water.*"])
    subject: str = Field(description="Pattern, likewise.", examples=["150802/water/gauge-7/*"])
    until: datetime
    reason: str
    by: str
    at: datetime
    ended_by: str | None = Field(description="Who ended it early.")
    regions: list[Titled] | None = Field(description="It reaches no further, whatever matches; null: everywhere.")
    domains: list[Titled] | None = Field(description="Likewise.")


class NewShelf(Body):
    """What is to be shelved: one alert, or what matches; never more than the caller may see."""

    alert: int | None = Field(None, ge=1, le=9_223_372_036_854_775_807, description="This alert.", examples=[42])
    rule: Name | None = Field(None, description="Or rules of this pattern, in which `*` stands for anything.")
    subject: Name = Field("*", description="With `rule`: subjects of this pattern.")
    region: Name | None = Field(None, description="With `rule`: in this region and all below it.")
    domain: Name | None = Field(None, description="With `rule`: of this domain.")
    until: Moment = Field(description="24 hours from now at most.", examples=["2026-11-22T18:00:00+08:00"])
    reason: Reason

    @model_validator(mode="after")
    def _one_of_two(self) -> NewShelf:
        if (self.alert is None) == (self.rule is None):
            raise ValueError("name an alert by its id, or rules by a pattern")
        return self


class Window(BaseModel):
    """A maintenance window: nothing is announced of what lies in it while it lasts. All that is given must fit."""

    id: int
    region: str | None = Field(description="With all below it.", examples=["150802"])
    domain: str | None
    site: str | None
    device: str | None = Field(description="region/domain/name.")
    start_at: datetime
    end_at: datetime
    reason: str
    by: str
    at: datetime


class NewWindow(Body):
    """What is to be maintained; at least one of the four, within what the caller may see."""

    region: Name | None = Field(None, examples=["150802"])
    domain: Name | None = Field(None, examples=["air"])
    site: Name | None = Field(None, examples=["air-linhe-1"])
    device: Name | None = Field(None, description="region/domain/name.", examples=["150802/air/air-dongsi"])
    start_at: Moment | None = Field(None, description="null: now.", examples=["2026-11-22T09:00:00+08:00"])
    end_at: Moment = Field(examples=["2026-11-22T18:00:00+08:00"])
    reason: Reason


class SilenceEnded(BaseModel):
    """What has ended."""

    id: int
    ended_at: datetime


@router.get("/shelves", responses=responses(400))
async def list_shelves(
    context: Using, principal: Viewer, over: Over = False, cursor: Cursor = None, limit: Limit = 100
) -> Page[Shelf]:
    """Shelves that may touch what the caller sees, the newest first."""
    async with context.readers.connection() as reader:
        found = await store.shelves(
            reader, principal.scope, context.clock(), over=over, before=_before(cursor), limit=limit + 1
        )
    following = encode([found[limit - 1].id]) if len(found) > limit else None
    return Page(items=[_shelf(shelf, context.catalogue) for shelf in found[:limit]], next=following)


@router.post("/shelves", status_code=201, response_model=Shelf, responses=responses(404, 409))
async def add_shelf(changes: Changing, context: Using, principal: Operator, body: NewShelf) -> Response:
    """Announce nothing of an alert, or of what matches, for a time (搁置)."""
    on_duty(principal)
    now = context.clock()
    below_region = await _below(context, principal, body.region)

    def work(connection: Connection) -> Shelf:
        if body.alert is not None:
            alert = seen(connection, body.alert, principal.scope)
            patterns = alert.key
            regions = None if alert.region_id is None else [alert.region_id]
            reach = principal.scope.narrowed(regions, [alert.domain_id])
        else:
            patterns = (str(body.rule), body.subject)
            reach = principal.scope.narrowed(below_region, None if body.domain is None else [body.domain])
        number = silence.shelve(connection, *patterns, body.until, body.reason, principal.label, now, reach)
        return Shelf(
            id=number,
            rule=patterns[0],
            subject=patterns[1],
            until=body.until,
            reason=body.reason,
            by=principal.label,
            at=now,
            ended_by=None,
            **_reach(reach, context.catalogue),
        )

    return await changes.make(
        "shelf.add", "shelf", work, details=body.model_dump(mode="json", exclude_none=True), status=201
    )


@router.delete("/shelves/{id}", response_model=SilenceEnded, responses=responses(404, 409))
async def end_shelf(changes: Changing, context: Using, principal: Operator, id: Number) -> Response:
    """End a shelf early; who sees all that it reaches may."""
    on_duty(principal)
    now = context.clock()

    def work(connection: Connection) -> SilenceEnded:
        silence.unshelve(connection, id, principal.label, now, principal.scope)
        return SilenceEnded(id=id, ended_at=now)

    return await changes.make("shelf.end", f"shelf {id}", work)


@router.get("/maintenance-windows", responses=responses(400))
async def list_windows(
    context: Using, principal: Viewer, over: Over = False, cursor: Cursor = None, limit: Limit = 100
) -> Page[Window]:
    """Maintenance windows that may touch what the caller sees, the newest first, those to come included."""
    outer = around(principal.scope, context.catalogue)
    async with context.readers.connection() as reader:
        found = await store.windows(
            reader, principal.scope, outer, context.clock(), over=over, before=_before(cursor), limit=limit + 1
        )
    following = encode([found[limit - 1].id]) if len(found) > limit else None
    return Page(items=[Window(**window._asdict()) for window in found[:limit]], next=following)


@router.post("/maintenance-windows", status_code=201, response_model=Window, responses=responses(404, 409))
async def add_window(changes: Changing, context: Using, principal: Engineer, body: NewWindow) -> Response:
    """Announce nothing of a region, a domain, a site or a device while it is maintained (维护窗口)."""
    on_duty(principal)
    now = context.clock()

    def work(connection: Connection) -> Window:
        given = silence.Window(body.start_at or now, body.end_at, body.region, body.domain, body.site, body.device)
        window = silence.within(connection, given, principal.scope)
        number = silence.open_window(connection, window, body.reason, principal.label, now)
        return Window(
            id=number,
            region=window.region,
            domain=window.domain,
            site=window.site,
            device=window.device,
            start_at=window.start,
            end_at=window.end,
            reason=body.reason,
            by=principal.label,
            at=now,
        )

    return await changes.make(
        "maintenance.add",
        "maintenance window",
        work,
        details=body.model_dump(mode="json", exclude_none=True),
        status=201,
    )


@router.delete("/maintenance-windows/{id}", response_model=SilenceEnded, responses=responses(404, 409))
async def end_window(changes: Changing, context: Using, principal: Engineer, id: Number) -> Response:
    """End a maintenance window early, or call off one that is to come."""
    on_duty(principal)
    now = context.clock()

    def work(connection: Connection) -> SilenceEnded:
        silence.close_window(connection, id, now, principal.scope)
        return SilenceEnded(id=id, ended_at=now)

    return await changes.make("maintenance.end", f"maintenance window {id}", work)


def on_duty(principal: Principal) -> None:
    """Refuse who acts for a crew.

    Raises:
        NotYours: they do.
    """
    if principal.crew:
        raise NotYours(
            f"{principal.label} acts for the crew {principal.crew}: only who is on duty may silence alerts.",
            f"{principal.label} 代表班组 {principal.crew}：只有值班员可以屏蔽告警。",
        )


async def _below(context: Context, principal: Principal, region: str | None) -> list[str] | None:
    """A region of the caller's with all below it; None: none is named."""
    async with context.readers.connection() as reader:
        found = await below(reader, region)
    if found is not None and not (found if principal.scope.regions is None else principal.scope.regions & set(found)):
        raise Refusal(404, f"There is no region {region}.", f"没有区域 {region}。")
    return found


def around(scope: Scope, catalogue: Catalogue) -> list[str] | None:
    """The regions of a scope and all that they lie in; None: all."""
    if scope.regions is None:
        return None
    found = set(scope.regions)
    for id in scope.regions:
        region = catalogue.regions.get(id)
        while region is not None and region.parent is not None and region.parent not in found:
            found.add(region.parent)
            region = catalogue.regions[region.parent]
    return sorted(found)


def _before(cursor: str | None) -> int | None:
    return decode(cursor, tuple[store.Number])[0] if cursor is not None else None


def _reach(scope: Scope, catalogue: Catalogue) -> dict[str, list[Titled] | None]:
    return {"regions": scopes.regions(scope.regions, catalogue), "domains": scopes.domains(scope.domains, catalogue)}


def _shelf(found: store.Shelf, catalogue: Catalogue) -> Shelf:
    reach = {
        "regions": scopes.regions(found.regions, catalogue),
        "domains": scopes.domains(found.domains, catalogue),
    }
    return Shelf(**{**found._asdict(), **reach})
