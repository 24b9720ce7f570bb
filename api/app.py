"""The application: health, metrics, the public API and the cockpit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.middleware.gzip import GZipMiddleware

from api import metrics
from api.access.door import on_this_machine_or_known
from api.access.limits import Limits
from api.access.single_sign_on import SingleSignOn
from api.access.turns import FairReaders, Turns
from api.context import Context
from api.front import Cockpit
from api.health import Health, Readiness
from api.live.streams import Streams
from api.v1 import routers
from api.views.networks import Networks
from api.views.trials import Trials
from api.web import problems
from api.web.measures import Measures
from api.web.openapi import Application
from api.web.patience import Patience
from api.web.request_ids import RequestIds
from api.web.security import SecurityHeaders
from api.web.shared import Shared
from citybrain.catalogue.load import load
from citybrain.settings import Settings
from citybrain.store import pools

FRESH_S = 1.0  # seconds that an answer is shared: a page asks every two, and there may be many pages

BODY_BYTES = 2_000_000  # of a request; an import of 10,000 devices has about 600,000

# Connections at most: two cores answer no more at once, and more would only load the database.
READERS, DOORS, WRITERS = 8, 4, 4
READERS_EACH, WRITERS_EACH = 3, 2  # of these, for one caller at a time


def create_app(settings: Settings, database_url: str) -> FastAPI:
    """The application over the database at `database_url`, which may be away: then it says so.

    Raises:
        citybrain.catalogue.errors.CatalogueError: the catalogue has mistakes.
    """
    boards = pools.readers(database_url, "api", "board", READERS)
    context = Context(
        settings=settings,
        catalogue=load(settings.catalogue_dir, settings.generated_sites),
        boards=boards,
        readers=FairReaders(boards, READERS_EACH),
        changing=Turns(WRITERS_EACH),
        doors=pools.readers(database_url, "api door", "writer", DOORS),
        writers=pools.writers(database_url, "api", WRITERS),
        clock=lambda: datetime.now(UTC),
    )
    health = Health(database_url, boards)
    readiness = Shared(health.readiness, FRESH_S)
    streams = Streams(database_url, context, readiness)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with context.open(), streams.open():
            yield

    app = Application(
        title="citybrain",
        summary="Urban-operations telemetry: what the city's sensors say, and whether any of it was lost.",
        version="1",  # of the API: that of its paths
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # FastAPI's pages load their scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        max_body_size=BODY_BYTES,
    )
    app.state.context = context
    app.state.limits = Limits(settings)
    app.state.sign_on = SingleSignOn(settings, context.clock)
    app.state.readiness = readiness
    app.state.streams = streams
    app.state.cities = {}
    app.state.overviews = {}
    app.state.trials = Trials()
    app.state.map_states = {}
    app.state.networks = Networks(context.catalogue, settings.generated_networks)
    app.state.counting = asyncio.Lock()
    problems.install(app)
    app.add_middleware(
        GZipMiddleware, minimum_size=1000, compresslevel=4
    )  # 9, the default, takes four times as long for 8 %
    app.add_middleware(SecurityHeaders, tiles=settings.map_tiles)
    app.add_middleware(Patience)
    app.add_middleware(RequestIds)
    app.add_middleware(Measures)

    @app.get("/health/live", tags=["health"])
    async def live() -> dict[str, bool]:
        """200 while the process serves."""
        return {"live": True}

    @app.get("/health/ready", tags=["health"], responses={503: {"model": Readiness}})
    async def ready(request: Request, response: Response) -> Readiness:
        """200 when the database, its migrations and all collectors are well, else 503 and what is wrong."""
        answer: Readiness = await request.app.state.readiness()
        response.status_code = 200 if answer.ready else 503
        return answer

    @app.get("/metrics", tags=["health"], response_class=PlainTextResponse, responses=problems.responses(401, 403, 429))
    async def prometheus(_: Annotated[None, Depends(on_this_machine_or_known)]) -> Response:
        """Metrics of all processes on this machine and of the database, for Prometheus.

        Open to programs on this machine that ask directly; all others send a token.
        """
        return Response(await metrics.exposition(boards, len(streams)), media_type=CONTENT_TYPE_LATEST)

    for router in routers():
        app.include_router(router, prefix="/api/v1")
    app.router.routes.append(Cockpit())
    return app
