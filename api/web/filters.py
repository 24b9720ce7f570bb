"""What lists are filtered by: query parameters that several endpoints share."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import AwareDatetime, BaseModel, BeforeValidator

from api.views.rows import tuples
from citybrain.access.model import Scope
from citybrain.store.pools import Reader

NAME = 128  # characters of a name or id at most

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d")


def _text(value: object) -> object:
    if isinstance(value, str) and not _RFC_3339.match(value):
        raise ValueError("expected a time with its zone, such as 2026-11-21T10:00:00+08:00")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_text)]
"""A time as RFC 3339 has it; what has no zone, and numbers, are refused."""

RegionFilter = Annotated[
    str | None,
    Query(alias="region", max_length=NAME, description="This region, with all below it.", examples=["150802"]),
]
DomainFilter = Annotated[str | None, Query(alias="domain", max_length=NAME, examples=["water"])]
MetricFilter = Annotated[str | None, Query(alias="metric", max_length=NAME, examples=["pressure"])]
SiteFilter = Annotated[str | None, Query(alias="site", max_length=NAME, examples=["air-linhe-1"])]
DeviceFilter = Annotated[
    str | None,
    Query(alias="device", max_length=NAME, description="The device part of its topic.", examples=["gauge-7"]),
]


class Among(BaseModel):
    """Which series; None: whichever."""

    region: str | None = None
    domain: str | None = None
    metric: str | None = None
    site: str | None = None
    device: str | None = None

    async def parameters(self, reader: Reader, scope: Scope) -> dict[str, Any]:
        """What statements take for these filters and for the scope, shares included."""
        return {
            **scope.parameters(),
            "within": await below(reader, self.region),
            **self.model_dump(exclude={"region"}),
        }


def _among(
    region: RegionFilter = None,
    domain: DomainFilter = None,
    metric: MetricFilter = None,
    site: SiteFilter = None,
    device: DeviceFilter = None,
) -> Among:
    return Among(region=region, domain=domain, metric=metric, site=site, device=device)


Filters = Annotated[Among, Depends(_among)]
"""Filters of series, as a parameter of an endpoint."""


async def below(reader: Reader, region: str | None) -> list[str] | None:
    """A region with all below it; nothing where there is none of that id; None: no region is asked for."""
    if region is None:
        return None
    return [id for (id,) in await tuples(reader, "api_catalogue", "below", region=region)]
