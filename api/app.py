"""The application: health, metrics, the public API and the cockpit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Response
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.middleware.gzip import GZipMiddleware

from api import metrics, problems, status
from api.documents import Status
from api.health import Health, Readiness
from api.problems import Problem, ProblemResponse
from api.security import SecurityHeaders
from api.shared import Shared
from citybrain.catalogue.load import load
from citybrain.settings import Settings
from citybrain.store.boards import readers as board_readers

COCKPIT = Path(__file__).parent / "cockpit"

FRESH_S = 1.0  # seconds that an answer is shared: a page asks every two, and there may be many pages


def create_app(settings: Settings, database_url: str) -> FastAPI:
    """The application over the database at `database_url`, which may be away: then it says so.

    Raises:
        citybrain.catalogue.errors.CatalogueError: the catalogue has mistakes.
    """
    readers = board_readers(database_url, "api")
    health = Health(database_url, readers)
    catalogue = load(settings.catalogue_dir)
    readiness = Shared(health.readiness, FRESH_S)

    async def read_city() -> Status:
        async with readers.connection() as reader:
            snapshot = await status.read(reader)
        return status.describe(snapshot, await readiness(), catalogue, settings.time_zone)

    city = Shared(read_city, FRESH_S)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with readers:
            yield

    app = FastAPI(
        title="citybrain",
        summary="Urban-operations telemetry: what the city's sensors say, and whether any of it was lost.",
        version="1",  # of the API: that of its paths
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # FastAPI's pages load their scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    problems.install(app)
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(SecurityHeaders)

    @app.get("/health/live", tags=["health"])
    async def live() -> dict[str, bool]:
        """200 while the process serves."""
        return {"live": True}

    @app.get("/health/ready", tags=["health"], responses={503: {"model": Readiness}})
    async def ready(response: Response) -> Readiness:
        """200 when the database, its migrations and all collectors are well, else 503 and what is wrong."""
        answer = await readiness()
        response.status_code = 200 if answer.ready else 503
        return answer

    @app.get("/metrics", tags=["health"], response_class=Response)
    async def prometheus() -> Response:
        """Metrics of all processes on this machine and of the database, for Prometheus."""
        return Response(await metrics.exposition(readers), media_type=CONTENT_TYPE_LATEST)

    @app.get(
        "/api/v1/status",
        tags=["status"],
        responses={
            503: {
                "description": "The database can't be read.",
                "content": {ProblemResponse.media_type: {"schema": Problem.model_json_schema()}},
            }
        },
    )
    async def city_status() -> Status:
        """The platform's health, the ledger, and each site's latest values."""
        return await city()

    app.mount("/", StaticFiles(directory=COCKPIT, html=True), name="cockpit")
    return app
