"""The catalogue of shared data (数据目录): what there is, whose it is, and who was granted it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal, NamedTuple, Self

from fastapi import Path, Query, Response
from msgspec import Meta
from pydantic import BaseModel, Field, model_validator

from api.access import scopes
from api.access.door import Administrator, Viewer
from api.access.scopes import Titled
from api.context import Context, Using
from api.v1 import new_router
from api.views import titles
from api.views.documents import Words
from api.views.rows import rows
from api.web.bodies import Body
from api.web.changes import Changing
from api.web.filters import DomainFilter, Moment
from api.web.pages import Cursor, Limit, Page, decode, encode
from api.web.problems import Refusal, responses
from citybrain.access import datasets
from citybrain.access.datasets import Filter, Grant, NewGrant
from citybrain.access.model import ROLES, Role, Scope
from citybrain.catalogue.model import Catalogue, Metric
from citybrain.quality import Flag
from citybrain.store.connection import Connection

router = new_router("datasets")

Id = Annotated[str, Path(alias="id", max_length=200, examples=["water.pressure"])]
Number = Annotated[int, Path(alias="number", ge=1, le=2_147_483_647)]
_Text = Annotated[str, Meta(max_length=200)]
_Number = Annotated[int, Meta(ge=0, le=2_147_483_647)]
_Line = Annotated[str, Field(min_length=1, max_length=200)]


class DatasetField(BaseModel):
    """A field of each reading of a dataset."""

    name: str = Field(examples=["value"])
    title: Words
    type: Literal["time", "number", "integer", "list"]
    unit: str | None = Field(None, examples=["MPa"])
    states: dict[str, int] = Field({}, description="Of a coded value: the code of each state, or flag, by name.")
    words: list[str] = Field([], description="What a list may hold.")


class DatasetCoverage(BaseModel):
    """What there is, within what the caller may read."""

    series: int
    regions: list[Titled] = Field(description="Where the devices are.")
    newest: datetime | None = Field(description="Time of the newest reading.")


class DatasetAccess(BaseModel):
    """Whether the caller may read it, and where."""

    readable: bool
    regions: list[Titled] | None = Field(description="Each with all below it; null: everywhere.")
    granted: bool = Field(description="By a grant, too.")


class DatasetReaders(BaseModel):
    """Who may read it: whoever has the domain and region in his scope, in any of these roles, or a grant."""

    roles: list[Role]
    grants: int = Field(description="In force, within the scope of the caller.")


class DatasetEntry(BaseModel):
    """A dataset: one metric of a domain."""

    id: str = Field(examples=["water.pressure"])
    title: Words
    domain: Titled
    metric: str = Field(examples=["pressure"])
    owner: Words | None = Field(description="The department that is responsible for it, and grants it.")
    kind: str = Field(description="`number`, `boolean`, `state` or `flags`.", examples=["number"])
    unit: str | None = Field(examples=["MPa"])
    interval_s: float | None = Field(description="Seconds between two readings; null: only when it changes.")
    derived: bool = Field(description="The platform computes it; else devices measure it.")
    coverage: DatasetCoverage
    readers: DatasetReaders
    access: DatasetAccess


class Dataset(DatasetEntry):
    """A dataset with its fields."""

    fields: list[DatasetField]
    oldest: datetime | None = Field(description="Time of the oldest reading that the caller may read.")


class DatasetGrant(BaseModel):
    """A grant of a dataset to a person or a token."""

    number: int
    region: Titled | None = Field(description="With all below it; null: everywhere.")
    person: str | None
    token: str | None
    reason: str
    granted_at: datetime
    granted_by: str
    expires_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None
    in_force: bool


class NewDatasetGrant(Body):
    """A grant to a person or to a token, one of both."""

    person: _Line | None = Field(None, description="The name to sign in with.")
    token: _Line | None = Field(None, description="What the token of a system is called.", examples=["reports"])
    region: _Line | None = Field(None, description="With all below it; left out: everywhere.", examples=["150802"])
    until: Moment = Field(description="After 366 days at most.", examples=["2027-06-30T00:00:00+08:00"])
    reason: Annotated[str, Field(min_length=1, max_length=1000)] = Field(examples=["内涝联合调度"])

    @model_validator(mode="after")
    def _to_one(self) -> Self:
        if (self.person is None) == (self.token is None):
            raise ValueError("expected either person or token")
        return self


class _Coverage(NamedTuple):
    domain: str
    metric: str
    series: int
    regions: list[str]
    newest: datetime | None


class _Shared(NamedTuple):
    domain: str
    metric: str
    grants: int


class _Oldest(NamedTuple):
    time: datetime | None


@router.get("/datasets", responses=responses(400))
async def list_datasets(
    context: Using,
    principal: Viewer,
    domain: DomainFilter = None,
    q: Annotated[str | None, Query(max_length=100, description="Part of its id or title.", examples=["压力"])] = None,
    readable: Annotated[bool | None, Query(description="Whether the caller may read it.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[DatasetEntry]:
    """Every dataset of the city, by id, also those that the caller can't read yet: so that one can ask for it."""
    after = decode(cursor, tuple[_Text])[0] if cursor else ""
    chosen = [
        metric
        for metric in _metrics(context.catalogue)
        if _id(metric) > after
        and domain in (None, metric.domain)
        and (q is None or q.casefold() in f"{_id(metric)} {metric.title.zh} {metric.title.en}".casefold())
        and (readable is None or _access(metric, principal.scope, context.catalogue).readable == readable)
    ]
    items = await _entries(context, principal.scope, chosen[:limit])
    return Page(items=items, next=encode([items[-1].id]) if len(chosen) > limit else None)


@router.get("/datasets/{id}", responses=responses(404))
async def get_dataset(context: Using, principal: Viewer, id: Id) -> Dataset:
    """A dataset with its fields."""
    metric = _metric(context.catalogue, id)
    (entry,) = await _entries(context, principal.scope, [metric])
    named = {"domain": metric.domain, "metric": metric.name}
    async with context.readers.connection() as reader:
        (oldest,) = await rows(reader, _Oldest, "datasets", "oldest", **named, **principal.scope.parameters())
    return Dataset(**dict(entry), fields=_fields(metric), oldest=oldest.time)


@router.get("/datasets/{id}/grants", responses=responses(400, 404))
async def list_grants(
    context: Using,
    principal: Administrator,
    id: Id,
    in_force: Annotated[bool | None, Query(description="Neither over nor revoked.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[DatasetGrant]:
    """Who was granted it in the caller's regions, by number; also what is over."""
    metric = _metric(context.catalogue, id)
    after = decode(cursor, tuple[_Number])[0] if cursor else 0
    now, wanted = context.clock(), Filter(metric.domain, metric.name, in_force)
    found = await context.write(
        lambda connection: datasets.page(connection, principal.scope, wanted, now, limit + 1, after=after)
    )
    items = [_grant(one, context.catalogue, now) for one in found[:limit]]
    return Page(items=items, next=encode([items[-1].number]) if len(found) > limit else None)


@router.post("/datasets/{id}/grants", status_code=201, response_model=DatasetGrant, responses=responses(400, 404, 409))
async def grant_dataset(
    context: Using, principal: Administrator, changing: Changing, id: Id, body: NewDatasetGrant
) -> Response:
    """Let a person or a system read it, in a region or everywhere, until a day; at once."""
    metric, now = _metric(context.catalogue, id), context.clock()
    new = NewGrant(
        domain=metric.domain,
        metric=metric.name,
        region=body.region,
        person=body.person,
        token=body.token,
        reason=body.reason,
        expires_at=body.until,
    )

    def work(connection: Connection) -> DatasetGrant:
        made = datasets.grant(connection, new, principal.scope, principal.label, now)
        return _grant(made, context.catalogue, now)

    details = body.model_dump(mode="json")
    return await changing.make("dataset.grant", f"dataset {id}", work, details=details, status=201)


@router.delete("/datasets/{id}/grants/{number}", response_model=DatasetGrant, responses=responses(404, 409))
async def revoke_grant(
    context: Using, principal: Administrator, changing: Changing, id: Id, number: Number
) -> Response:
    """End a grant, at once; it stays on record."""
    metric, now = _metric(context.catalogue, id), context.clock()

    def work(connection: Connection) -> DatasetGrant:
        of = Filter(metric.domain, metric.name)
        ended = datasets.revoke(connection, number, principal.scope, principal.label, now, of)
        return _grant(ended, context.catalogue, now)

    return await changing.make("dataset.revoke", f"dataset {id}", work, details={"number": number})


def _metrics(catalogue: Catalogue) -> list[Metric]:
    found = (metric for domain in catalogue.domains.values() for metric in domain.metrics.values())
    return sorted(found, key=_id)


def _metric(catalogue: Catalogue, id: str) -> Metric:
    domain, _, name = id.partition(".")
    known = catalogue.domains.get(domain)
    if known is None or name not in known.metrics:
        raise Refusal(404, f"There is no dataset {id}.", f"没有数据集 {id}。")
    return known.metrics[name]


def _id(metric: Metric) -> str:
    return f"{metric.domain}.{metric.name}"


async def _entries(context: Context, scope: Scope, chosen: Iterable[Metric]) -> list[DatasetEntry]:
    parameters = scope.parameters()
    within = {"regions": parameters["regions"], "domains": parameters["domains"], "now": context.clock()}
    async with context.readers.connection() as reader:
        covered = await rows(reader, _Coverage, "datasets", "coverage", **parameters, domain=None, metric=None)
        shared = await rows(reader, _Shared, "datasets", "shared", **within)
    coverage = {(row.domain, row.metric): row for row in covered}
    grants = {(row.domain, row.metric): row.grants for row in shared}
    return [
        _entry(metric, coverage.get(key), grants.get(key, 0), scope, context.catalogue)
        for metric in chosen
        for key in [(metric.domain, metric.name)]
    ]


def _entry(metric: Metric, found: _Coverage | None, grants: int, scope: Scope, catalogue: Catalogue) -> DatasetEntry:
    owner = catalogue.domains[metric.domain].owner
    regions = [titles.region(catalogue, id) for id in sorted(found.regions)] if found else []
    return DatasetEntry(
        id=_id(metric),
        title=titles.words(metric.title),
        domain=titles.domain(catalogue, metric.domain),
        metric=metric.name,
        owner=titles.words(owner) if owner else None,
        kind=metric.kind,
        unit=metric.unit,
        interval_s=metric.interval.total_seconds() if metric.interval else None,
        derived=metric.derived,
        coverage=DatasetCoverage(
            series=found.series if found else 0, regions=regions, newest=found.newest if found else None
        ),
        readers=DatasetReaders(roles=list(ROLES), grants=grants),
        access=_access(metric, scope, catalogue),
    )


def _access(metric: Metric, scope: Scope, catalogue: Catalogue) -> DatasetAccess:
    shares = [one.regions for one in scope.shares if (one.domain, one.metric) == (metric.domain, metric.name)]
    own = [scope.regions] if scope.domains is None or metric.domain in scope.domains else []
    parts = [*own, *shares]
    everywhere = None in parts
    regions = frozenset().union(*(part for part in parts if part is not None))
    return DatasetAccess(
        readable=bool(parts),
        regions=None if everywhere else scopes.regions(regions, catalogue),
        granted=bool(shares),
    )


def _fields(metric: Metric) -> list[DatasetField]:
    """What `/series/{id}/readings` tells of each reading."""
    flags = [flag.name.lower() for flag in Flag if flag.name]
    return [
        DatasetField(name="time", title=Words(zh="测量时间", en="When it was measured"), type="time"),
        DatasetField(
            name="value", title=titles.words(metric.title), type="number", unit=metric.unit, states=metric.states
        ),
        DatasetField(
            name="quality", title=Words(zh="质量标记", en="What is known of its quality"), type="list", words=flags
        ),
    ]


def _grant(row: Grant, catalogue: Catalogue, now: datetime) -> DatasetGrant:
    return DatasetGrant(
        number=row.id,
        region=titles.region(catalogue, row.region) if row.region else None,
        person=row.person,
        token=row.token,
        reason=row.reason,
        granted_at=row.granted_at,
        granted_by=row.granted_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        revoked_by=row.revoked_by,
        in_force=row.lasts(now),
    )
