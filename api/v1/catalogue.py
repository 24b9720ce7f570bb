"""What the city has: regions, domains, metrics and sites, as far as the caller may see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, Field

from api.access.door import Viewer
from api.access.scopes import Titled
from api.context import Using
from api.v1 import new_router
from api.v1.series import SeriesEntry
from api.views import titles
from api.views.documents import Words
from api.views.rows import rows
from api.web.answers import NOT_MODIFIED, tagged
from api.web.filters import NAME, DomainFilter, RegionFilter, below
from api.web.pages import LONGEST, Cursor, Limit, Page, decode, encode
from api.web.problems import Refusal, responses
from citybrain.access.model import Scope
from citybrain.catalogue.model import Catalogue, MetricKind, RegionLevel

router = new_router("catalogue")

T = TypeVar("T")

SERIES = 1000  # of a site in its document; GET /series has all

Id = Annotated[str, Path(max_length=NAME)]


class Region(Titled):
    """A region; one that is not `in_scope` is there because it lies above one that is."""

    level: RegionLevel
    parent: str | None = Field(examples=["150800"])
    in_scope: bool = Field(description="Whether the caller sees what is in it.")


class State(BaseModel):
    """What a code of a metric stands for: the value itself, or of `flags` one bit of it."""

    id: str = Field(examples=["auto"])
    code: int
    title: Words | None = None


class MetricEntry(BaseModel):
    """A metric with the limits of what is plausible; null: no check."""

    id: str = Field(examples=["pressure"])
    domain: str = Field(examples=["water"])
    title: Words
    kind: MetricKind
    unit: str | None = Field(examples=["MPa"])
    low: float | None
    high: float | None
    max_step: float | None = Field(description="The largest plausible change between two readings.")
    stuck_after_s: float | None = Field(description="Seconds after which an equal value is stuck.")
    interval_s: float | None = Field(description="Seconds between two readings, as expected.", examples=[60])
    reports: str = Field(description="`interval`: always; `change`: when the value changes.", examples=["interval"])
    revises: bool = Field(description="Whether a later report replaces a value.")
    derived: bool = Field(description="Whether it is computed from other readings.")
    verified: bool = Field(description="Whether the catalogue describes it.")
    states: list[State]


class DomainEntry(Titled):
    """A domain with its metrics and kinds of sites."""

    metrics: list[MetricEntry]
    site_kinds: list[Titled]


class SiteEntry(Titled):
    """A place with things on it; degrees, WGS84."""

    region: Titled
    domain: Titled
    kind: str = Field(examples=["station"])
    kind_title: Words | None = None
    longitude: float = Field(examples=[107.417])
    latitude: float = Field(examples=[40.757])
    attributes: dict[str, str | float | bool]


class SiteDevice(BaseModel):
    """A device on a site."""

    name: str = Field(examples=["air-aotizhongxin"])
    gateway: str | None
    verified: bool
    online: bool | None = Field(description="Its last word, or its last will; null: it never said.")
    status_at: datetime | None


class SiteDetail(SiteEntry):
    """A site with its devices and series, the first 1,000 of each."""

    devices: list[SiteDevice]
    series: list[SeriesEntry]


@router.get("/regions", response_model=Page[Region], responses={**NOT_MODIFIED, **responses(400)})
async def list_regions(
    request: Request, context: Using, principal: Viewer, cursor: Cursor = None, limit: Limit = LONGEST
) -> Response:
    """The tree of regions as a list, by id: those that one may see, and all above them."""
    after = decode(cursor, tuple[str])[0] if cursor else ""
    scope = {"regions": principal.scope.parameters()["regions"], "id": None, "after": after, "limit": limit + 1}
    async with context.readers.connection() as reader:
        found = await rows(reader, Region, "api_catalogue", "regions", **scope)
    return _page(request, Page[Region](items=found[:limit], next=_next(found, limit)))


@router.get("/regions/{id}", responses=responses(404))
async def get_region(context: Using, principal: Viewer, id: Id) -> Region:
    """One region."""
    scope = {"regions": principal.scope.parameters()["regions"], "id": id, "after": "", "limit": 1}
    async with context.readers.connection() as reader:
        return _one(await rows(reader, Region, "api_catalogue", "regions", **scope), f"region {id}", f"区划 {id}")


@router.get("/domains", response_model=Page[Titled], responses={**NOT_MODIFIED, **responses(400)})
async def list_domains(
    request: Request, context: Using, principal: Viewer, cursor: Cursor = None, limit: Limit = 100
) -> Response:
    """All domains, by id."""
    after = decode(cursor, tuple[str])[0] if cursor else ""
    async with context.readers.connection() as reader:
        found = await rows(reader, Titled, "api_catalogue", "domains", id=None, after=after, limit=limit + 1)
    return _page(request, Page[Titled](items=found[:limit], next=_next(found, limit)))


@router.get("/domains/{id}", responses=responses(404))
async def get_domain(context: Using, principal: Viewer, id: Id) -> DomainEntry:
    """A domain with its metrics (the first 1,000) and its kinds of sites."""
    async with context.readers.connection() as reader:
        found = await rows(reader, Titled, "api_catalogue", "domains", id=id, after="", limit=1)
        domain = _one(found, f"domain {id}", f"领域 {id}")
        metrics = await rows(
            reader, MetricEntry, "api_catalogue", "metrics", domain=id, after_domain="", after="", limit=LONGEST
        )
    known = context.catalogue.domains.get(id)
    kinds = known.site_kinds.items() if known else ()
    return DomainEntry(
        id=domain.id,
        title=domain.title,
        metrics=[_with_titles(metric, context.catalogue) for metric in metrics],
        site_kinds=[Titled(id=kind, title=titles.words(title)) for kind, title in kinds],
    )


@router.get("/metrics", response_model=Page[MetricEntry], responses={**NOT_MODIFIED, **responses(400)})
async def list_metrics(
    request: Request,
    context: Using,
    principal: Viewer,
    domain: DomainFilter = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """The metrics of all domains, by domain and id."""
    after_domain, after = decode(cursor, tuple[str, str]) if cursor else ("", "")
    key = {"domain": domain, "after_domain": after_domain, "after": after}
    async with context.readers.connection() as reader:
        found = await rows(reader, MetricEntry, "api_catalogue", "metrics", **key, limit=limit + 1)
    items = [_with_titles(metric, context.catalogue) for metric in found[:limit]]
    following = encode([items[-1].domain, items[-1].id]) if len(found) > limit else None
    return _page(request, Page[MetricEntry](items=items, next=following))


@router.get("/sites", response_model=Page[SiteEntry], responses={**NOT_MODIFIED, **responses(400)})
async def list_sites(
    request: Request,
    context: Using,
    principal: Viewer,
    region: RegionFilter = None,
    domain: DomainFilter = None,
    kind: Annotated[str | None, Query(max_length=NAME, examples=["station"])] = None,
    text: Annotated[str | None, Query(max_length=NAME, description="Stands in a title, in either language.")] = None,
    bbox: Annotated[
        str | None,
        Query(
            pattern=r"^-?[0-9]{1,3}(\.[0-9]{1,17})?(,-?[0-9]{1,3}(\.[0-9]{1,17})?){3}$",
            description="West, south, east and north in degrees.",
            examples=["107.1,40.5,107.6,40.9"],
        ),
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Response:
    """Sites, by id; numbers in it count as such: 2 before 10."""
    filters = {"region": region, "domain": domain, "kind": kind, "text": text, "id": None}
    box = [float(part) for part in bbox.split(",")] if bbox else None
    after = decode(cursor, tuple[str])[0] if cursor else ""
    found = await _sites(context, principal.scope, **filters, box=box, after=after, limit=limit + 1)
    return _page(request, Page[SiteEntry](items=found[:limit], next=_next(found, limit)))


@router.get("/sites/{id}", responses=responses(404))
async def get_site(context: Using, principal: Viewer, id: Id) -> SiteDetail:
    """A site with its devices and their series."""
    filters = {"region": None, "domain": None, "kind": None, "text": None, "id": id}
    found = await _sites(context, principal.scope, **filters, box=None, after="", limit=1)
    site = _one(found, f"site {id}", f"点位 {id}")
    scope = principal.scope.parameters()
    every = {"within": None, "domain": None, "metric": None, "device": None, "id": None, "after": 0}
    async with context.readers.connection() as reader:
        devices = await rows(reader, SiteDevice, "api_catalogue", "devices", **scope, site=id, limit=SERIES)
        series = await rows(reader, SeriesEntry, "api_series", "series", **scope, **every, site=id, limit=SERIES)
    return SiteDetail(**site.model_dump(), devices=devices, series=series)


async def _sites(context: Using, scope: Scope, *, region: str | None, **values: object) -> list[SiteEntry]:
    async with context.readers.connection() as reader:
        within = await below(reader, region)
        found = await rows(reader, SiteEntry, "api_catalogue", "sites", **scope.parameters(), within=within, **values)
    for site in found:
        domain = context.catalogue.domains.get(site.domain.id)
        if domain and site.kind in domain.site_kinds:
            site.kind_title = titles.words(domain.site_kinds[site.kind])
    return found


def _with_titles(metric: MetricEntry, catalogue: Catalogue) -> MetricEntry:
    """Titles of states stand in the catalogue's files alone."""
    domain = catalogue.domains.get(metric.domain)
    known = domain.metrics.get(metric.id) if domain else None
    for state in metric.states:
        title = known.state_titles.get(state.id) if known else None
        state.title = titles.words(title) if title else None
    return metric


def _page(request: Request, page: BaseModel) -> Response:
    return tagged(request, page.model_dump_json().encode())


def _next(found: list[Region] | list[Titled] | list[SiteEntry], limit: int) -> str | None:
    return encode([found[limit - 1].id]) if len(found) > limit else None


def _one(found: list[T], en: str, zh: str) -> T:
    if not found:
        raise Refusal(404, f"There is no {en}.", f"没有{zh}。")
    return found[0]
