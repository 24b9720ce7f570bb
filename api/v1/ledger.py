"""The ledger: what was received, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

from fastapi import Depends, Query
from msgspec import Meta
from pydantic import BaseModel, Field

from api.access.door import Viewer
from api.access.scopes import Titled
from api.context import Using
from api.v1 import new_router
from api.views import titles
from api.views.rows import rows
from api.web.filters import DeviceFilter, DomainFilter, Moment, RegionFilter, below
from api.web.pages import Cursor, Limit, Page, decode, encode
from api.web.problems import Refusal, responses
from citybrain.store.ledger import Totals

router = new_router("ledger")

USUAL_SPAN = timedelta(hours=24)
LONGEST_SPAN = timedelta(days=366)

_Moment = Annotated[datetime, Meta(tz=True)]
_Number = Annotated[int, Meta(ge=0, le=2_147_483_647)]


class LedgerHour(BaseModel):
    """The account of one device in one hour of receipt: received = stored + duplicate + quarantined."""

    hour: datetime = Field(description="Its begin.")
    device_id: int = Field(description="0: what names no device that is known.")
    device: str | None = Field(examples=["gauge-7"])
    region: Titled | None
    domain: Titled | None
    received: int = Field(examples=[60])
    stored: int = Field(examples=[58])
    duplicate: int = Field(examples=[1])
    quarantined: int = Field(examples=[1])
    revised: int = Field(description="Of the stored: those that replaced an earlier value.", examples=[0])
    missing: int = Field(description="What the account lacks; 0 where nothing was lost.", examples=[0])


class LedgerTotals(BaseModel):
    """The account of a span together: received = stored + duplicate + quarantined."""

    since: datetime = Field(alias="from")
    until: datetime = Field(alias="to")
    received: int
    stored: int
    duplicate: int
    quarantined: int
    revised: int = Field(description="Of the stored: those that replaced an earlier value.")
    unbalanced: int = Field(description="Hours of devices that don't add up; 0 when nothing was lost.")


class _Hour(NamedTuple):
    hour: datetime
    device_id: int
    device: str | None
    region: str | None
    domain: str | None
    received: int
    stored: int
    duplicate: int
    quarantined: int
    revised: int
    missing: int


async def _asked(
    context: Using,
    principal: Viewer,
    since: Annotated[
        Moment | None, Query(alias="from", description="Hours that begin then or later; usually a day ago.")
    ] = None,
    until: Annotated[Moment | None, Query(alias="to", description="Hours that begin before; usually now.")] = None,
    region: RegionFilter = None,
    domain: DomainFilter = None,
    device: DeviceFilter = None,
) -> Mapping[str, object]:
    """What both statements take."""
    end = until or context.clock()
    begin = since or (end - USUAL_SPAN if end.year > 1 else end)  # there is no day before the first
    if not timedelta() < end - begin <= LONGEST_SPAN:
        raise Refusal(
            422, "Expected `to` after `from`, by 366 days at most.", "`to` 应晚于 `from`，且相差不超过 366 天。", "span"
        )
    async with context.readers.connection() as reader:
        within = await below(reader, region)
    return {
        "since": begin,
        "until": end,
        "within": within,
        "domain": domain,
        "device": device,
        **principal.scope.parameters(),
    }


Asked = Annotated[Mapping[str, object], Depends(_asked)]


@router.get("/ledger", responses=responses(400))
async def list_ledger(
    context: Using,
    principal: Viewer,
    asked: Asked,
    unbalanced: Annotated[bool, Query(description="Only hours that don't add up.")] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[LedgerHour]:
    """The account by hour of receipt and device, the newest hour first."""
    hour, after = decode(cursor, tuple[_Moment, _Number]) if cursor else (None, None)
    values = {**asked, "unbalanced": unbalanced, "hour": hour, "after": after, "most": limit + 1}
    async with context.readers.connection() as reader:
        found = await rows(reader, _Hour, "api_ledger", "hours", **values)
    items = [
        LedgerHour(
            **row._replace(region=None, domain=None)._asdict()
            | {
                "region": titles.region(context.catalogue, row.region) if row.region else None,
                "domain": titles.domain(context.catalogue, row.domain) if row.domain else None,
            }
        )
        for row in found[:limit]
    ]
    return Page(items=items, next=encode([items[-1].hour, items[-1].device_id]) if len(found) > limit else None)


@router.get("/ledger/totals")
async def total_ledger(context: Using, principal: Viewer, asked: Asked) -> LedgerTotals:
    """The account of a span together, and how many hours of devices don't add up."""
    async with context.readers.connection() as reader:
        (found,) = await rows(reader, Totals, "api_ledger", "totals", **asked)
    return LedgerTotals.model_validate({"from": asked["since"], "to": asked["until"], **found._asdict()})
