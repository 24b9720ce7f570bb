"""What the overview shows, in one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from fastapi import Request

from api.access.door import Viewer
from api.context import Context, Using
from api.pages import overview
from api.pages.asked import Asked
from api.pages.cards import Overview
from api.pages.overview import Cards, Condition, Standing
from api.v1 import new_router
from api.web.filters import RegionFilter, below
from api.web.shared import Shared
from citybrain.access.model import Scope

router = new_router("overview")

T = TypeVar("T")

# Seconds that a part is shared, for there may be many pages. Alerts are told at once by the stream; what reads every
# device or series changes slowly.
ALERTS_S, CARDS_S, CONDITION_S = 1.0, 5.0, 15.0
CITIES = 64  # scopes and regions whose parts are kept; beyond that the oldest is forgotten


class City:
    """The overview of one scope and region, in parts that grow old at their own pace."""

    def __init__(self, context: Context, scope: Scope, region: str | None) -> None:
        self._context, self._scope, self._region = context, scope, region
        self.standing: Shared[Standing] = Shared(partial(self._read, overview.standing), ALERTS_S)
        self.cards: Shared[Cards] = Shared(partial(self._read, overview.cards), CARDS_S)
        self.condition: Shared[Condition] = Shared(partial(self._read, overview.condition), CONDITION_S)

    async def _read(self, part: Callable[[Asked], Awaitable[T]]) -> T:
        context = self._context
        async with context.readers.connection() as reader:
            within = await below(reader, self._region)
            asked = Asked(reader, context.catalogue, self._scope, within, context.clock(), context.settings.zone)
            return await part(asked)


@router.get("/overview")
async def city_overview(request: Request, context: Using, principal: Viewer, region: RegionFilter = None) -> Overview:
    """The city at a glance: each domain's vital sign and devices, open alerts by severity and age, the platform.

    Alerts are of this second, figures up to 5 and counts of devices up to 15 seconds old.
    """
    cities: dict[tuple[Scope, str | None], City] = request.app.state.overviews
    key = (principal.scope, region)
    if key not in cities:
        while len(cities) >= CITIES:
            cities.pop(next(iter(cities)))
        cities[key] = City(context, *key)
    city = cities[key]
    alerts, cards, state, readiness = await asyncio.gather(
        city.standing(), city.cards(), city.condition(), request.app.state.readiness()
    )
    return overview.describe(alerts, cards, state, readiness, context.catalogue)
