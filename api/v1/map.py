"""What maps show: sites and how they are, outlines of regions, lines of networks, and tiles beneath where there are."""

from __future__ import annotations

import base64
from functools import partial
from typing import Annotated

import msgspec
from fastapi import Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.access.door import Viewer
from api.context import Context, Using
from api.v1 import new_router
from api.views.map_sites import document as map_sites_document
from api.views.maps import MapOptions, MapSites, MapStates, NetworkCollection, OpenAlerts, OutlineCollection
from api.views.networks import Networks
from api.views.rows import tuples
from api.views.titles import words
from api.web.answers import NOT_MODIFIED, tagged
from api.web.filters import DomainFilter, RegionFilter, below
from api.web.shared import Shared
from citybrain.access.model import Scope

router = new_router("map")

Titles = Annotated[bool, Query(description="Whether with titles; without, the answer is half as large.")]

FRESH_S = 1.0  # seconds that states are shared: when the server comes back, all its pages ask at once
SCOPES = 64  # scopes whose states are kept; beyond that the oldest is forgotten


@router.get("/map/options")
async def map_options(context: Using, principal: Viewer) -> MapOptions:
    """The tiles beneath a map, and where the caller's sites lie."""
    async with context.readers.connection() as reader:
        ((west, south, east, north),) = await tuples(reader, "api_map", "extent", **principal.scope.parameters())
    found = west is not None
    return MapOptions(
        tiles=context.settings.map_tiles or None,
        crs=context.settings.map_tiles_crs,
        extent=[west, south, east, north] if found else None,
        centre=[(west + east) / 2, (south + north) / 2] if found else None,
    )


@router.get("/map/sites", response_model=MapSites, responses=NOT_MODIFIED)
async def map_sites(request: Request, context: Using, principal: Viewer, titles: Titles = True) -> Response:
    """All sites in scope, as columns. The answer, and its `ETag`, change only when the sites do."""
    async with context.readers.connection() as reader:
        rows = await tuples(reader, "api_map", "sites", **principal.scope.parameters(), titles=titles)
    return tagged(request, await run_in_threadpool(map_sites_document, rows, titles))


@router.get("/map/states", response_model=MapStates, responses=NOT_MODIFIED)
async def map_states(request: Request, context: Using, principal: Viewer) -> Response:
    """How each of these sites is, a byte each, and the open alerts that make it so.

    Alerts are kept up to date by the stream, opened with `last_event_id`; what time alone changes (stale sites, shelves
    that end) by asking again once a minute.
    """
    answers: dict[Scope, Shared[bytes]] = request.app.state.map_states
    scope = principal.scope
    if scope not in answers:
        while len(answers) >= SCOPES:
            answers.pop(next(iter(answers)))
        answers[scope] = Shared(partial(_states, context, scope), FRESH_S)
    return tagged(request, await answers[scope]())


async def _states(context: Context, scope: Scope) -> bytes:
    async with context.readers.connection() as reader:
        (row,) = await tuples(reader, "api_map", "states", **scope.parameters())
    of, event, states, *columns = row
    alerts = dict(zip(OpenAlerts.model_fields, columns, strict=True))
    document = {"of": of, "event": event, "states": base64.b64encode(states).decode(), "alerts": alerts}
    return msgspec.json.encode(document)


@router.get("/map/regions", response_model=OutlineCollection, responses=NOT_MODIFIED)
async def map_regions(request: Request, context: Using, principal: Viewer) -> Response:
    """The outlines of the regions in scope, as GeoJSON with where they are from."""
    features, sources = [], []
    for number, file in enumerate(context.catalogue.outlines):
        sources.append({"source": words(file.source).model_dump(), "licence": file.licence, "approval": file.approval})
        for region, polygons in file.shapes.items():
            if principal.scope.regions is None or region in principal.scope.regions:
                geometry = {"type": "MultiPolygon", "coordinates": polygons}
                features.append(
                    {"type": "Feature", "properties": {"id": region, "source": number}, "geometry": geometry}
                )
    return tagged(request, msgspec.json.encode({"type": "FeatureCollection", "features": features, "sources": sources}))


@router.get("/map/networks", response_model=NetworkCollection, responses=NOT_MODIFIED)
async def map_networks(
    request: Request, context: Using, principal: Viewer, region: RegionFilter = None, domain: DomainFilter = None
) -> Response:
    """The pipes, streets and other lines in scope, as GeoJSON: those of the catalogue, and of a simulated city."""
    networks: Networks = request.app.state.networks
    async with context.readers.connection() as reader:
        within = await below(reader, region)
    return tagged(request, await run_in_threadpool(networks.read, principal.scope, within, domain))
