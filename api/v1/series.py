"""Series: one metric of one device each, and their newest readings."""

from __future__ import annotations

from typing import Annotated

import polars as pl
from fastapi import Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import AwareDatetime, BaseModel, Field

from api.access.door import Viewer
from api.access.scopes import Titled
from api.context import Using
from api.v1 import new_router
from api.views import formats
from api.views.formats import Accepted
from api.views.rows import rows, tuples
from api.web.filters import Filters
from api.web.pages import Cursor, Limit, Page, decode, encode
from api.web.problems import Refusal, responses
from citybrain.catalogue.model import MetricKind
from citybrain.quality import names

router = new_router("series")

MOST_LATEST = 5000  # newest readings in one answer

SeriesId = Annotated[int, Path(ge=1, le=2147483647, examples=[7])]


class SeriesEntry(BaseModel):
    """One metric of one device."""

    id: int = Field(examples=[7])
    name: str = Field(examples=["150821/water/gauge-7/pressure"])
    region: Titled
    domain: Titled
    site: Titled | None = Field(description="null: its device belongs to no site.")
    device: str = Field(examples=["gauge-7"])
    metric: Titled
    kind: MetricKind
    unit: str | None = Field(examples=["MPa"])
    interval_s: float | None = Field(description="Seconds between two readings, as expected.", examples=[60])
    derived: bool = Field(description="Whether it is computed from other readings.")
    verified: bool = Field(description="Whether the catalogue knows device and metric.")


class LatestReading(BaseModel):
    """The newest reading of a series, never one whose clock is ahead."""

    series: int = Field(examples=[7])
    region: str = Field(examples=["150821"])
    domain: str = Field(examples=["water"])
    site: str | None
    device: str = Field(examples=["gauge-7"])
    metric: str = Field(examples=["pressure"])
    unit: str | None = Field(examples=["MPa"])
    time: AwareDatetime
    value: float = Field(examples=[0.31])
    quality: list[str] = Field(description="Flags; none: it is good and came in order.", examples=[["late"]])
    age_s: float = Field(description="Seconds since its time.", examples=[12.5])


LATEST = pl.Schema(
    {
        "series": pl.Int32(),
        "region": pl.String(),
        "domain": pl.String(),
        "site": pl.String(),
        "device": pl.String(),
        "metric": pl.String(),
        "unit": pl.String(),
        "time": pl.Datetime("us", "UTC"),
        "value": pl.Float64(),
        "quality": pl.List(pl.String()),
        "age_s": pl.Float64(),
    }
)


@router.get("/series", responses=responses(400))
async def list_series(
    context: Using, principal: Viewer, filters: Filters, cursor: Cursor = None, limit: Limit = 100
) -> Page[SeriesEntry]:
    """Series, by id; those of datasets that were shared with the caller among them."""
    after = decode(cursor, tuple[int])[0] if cursor else 0
    async with context.readers.connection() as reader:
        wanted = await filters.parameters(reader, principal.scope)
        found = await rows(reader, SeriesEntry, "api_series", "series", **wanted, id=None, after=after, limit=limit + 1)
    return Page(items=found[:limit], next=encode([found[limit - 1].id]) if len(found) > limit else None)


@router.get("/series/{id}", responses=responses(404))
async def get_series(context: Using, principal: Viewer, id: SeriesId) -> SeriesEntry:
    """One series."""
    every = dict.fromkeys(("within", "domain", "metric", "site", "device"))
    scope = principal.scope.parameters()
    async with context.readers.connection() as reader:
        found = await rows(reader, SeriesEntry, "api_series", "series", **scope, **every, id=id, after=0, limit=1)
    if not found:
        raise missing(id)
    return found[0]


@router.get("/latest", response_model=Page[LatestReading], responses={200: formats.RESPONSE, **responses(400, 406)})
async def list_latest(
    request: Request,
    context: Using,
    principal: Viewer,
    filters: Filters,
    form: Accepted,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=MOST_LATEST, description="Entries of a page at most.")] = MOST_LATEST,
) -> Response:
    """The newest reading of each series, by the series' id; as JSON, CSV, Arrow or Parquet by `Accept`."""
    after = decode(cursor, tuple[int])[0] if cursor else 0
    key = {"after": after, "limit": limit + 1, "now": context.clock()}
    async with context.readers.connection() as reader:
        wanted = await filters.parameters(reader, principal.scope)
        found = await tuples(reader, "api_series", "latest", **wanted, **key)
    following = encode([found[limit - 1][0]]) if len(found) > limit else None
    told = [(*row[:9], names(row[9]), row[10]) for row in found[:limit]]
    return await run_in_threadpool(formats.respond, request, form, LATEST, told, {}, following)


def missing(*ids: int) -> Refusal:
    """What is answered where series are asked for that the caller can't see."""
    listed = ", ".join(map(str, ids))
    return Refusal(404, f"There is no series {listed}.", f"没有序列 {listed}。")
