"""The city at a glance: what the first page shows."""

from __future__ import annotations

from functools import partial

from fastapi import Request

from api.access.door import Viewer
from api.context import Context, Using
from api.health import Readiness
from api.v1 import new_router
from api.views import status
from api.views.documents import Status
from api.web.shared import Shared
from citybrain.access.model import Scope

router = new_router("status")

FRESH_S = 1.0  # seconds that an answer is shared: a page asks every two, and there may be many pages
SCOPES = 64  # scopes whose answers are kept; beyond that the oldest is forgotten


@router.get("/status")
async def city_status(request: Request, context: Using, principal: Viewer) -> Status:
    """The platform's health, the ledger, and each site's latest values, as far as the caller may see."""
    answers: dict[Scope, Shared[Status]] = request.app.state.cities
    if principal.scope not in answers:
        while len(answers) >= SCOPES:
            answers.pop(next(iter(answers)))
        compute = partial(_read, context, request.app.state.readiness, principal.scope)
        answers[principal.scope] = Shared(compute, FRESH_S)
    return await answers[principal.scope]()


async def _read(context: Context, readiness: Shared[Readiness], scope: Scope) -> Status:
    async with context.readers.connection() as reader:
        snapshot = await status.read(reader, scope)
    return status.describe(snapshot, await readiness(), context.catalogue, context.settings.time_zone)
