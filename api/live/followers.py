"""Those who look into the database again and again, once for all streams. Each step is one look."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from time import monotonic

from api.access import door
from api.context import Context
from api.health import Readiness
from api.live import feed, frames
from api.live.hints import Hints
from api.live.hub import Hub
from api.live.subscription import Subscription
from api.web.shared import Shared
from citybrain.metrics import STREAM_LAG_SECONDS
from citybrain.store import pools

GAP_S = 0.2  # seconds between two looks for events: what comes in between goes out together
LOOK_S = 2.0  # seconds after which it looks without a hint, which may have been lost
LATEST_S = 1.0  # seconds between two looks for newest values
HEALTH_S = 2.0  # seconds between two looks at the platform's health
PULSE_S = 15.0  # seconds between two signs of life of a stream; proxies cut what is silent for 60, some for 30
ACCESS_S = 10.0  # seconds after which everybody's access is looked up again

PAGE = 500  # events read at once


class Access:
    """Who may go on listening."""

    def __init__(self, context: Context, hub: Hub) -> None:
        self._context = context
        self._hub = hub

    async def follow(self) -> None:
        """Look everybody up; while the database is away, end those whose time is over."""
        await asyncio.sleep(ACCESS_S)
        try:
            await self.renew(self._hub)
        except pools.UNAVAILABLE:
            now = self._context.clock()
            for one in self._hub:
                if one.principal.expires_at <= now:
                    one.end("access")
            raise

    async def renew(self, subscriptions: Iterable[Subscription]) -> None:
        """Look up who holds each secret now, once, and admit them to what they may see now."""
        of_secret: defaultdict[str, list[Subscription]] = defaultdict(list)
        for one in subscriptions:
            of_secret[one.secret].append(one)
        for secret, ones in of_secret.items():
            principal = await door.find(self._context, secret)
            for one in ones:
                self._hub.admit(one, principal)


class Events:
    """Events of alerts. Their numbers are in the order of commits: who has seen one misses none below it."""

    def __init__(self, context: Context, hub: Hub, hints: Hints, access: Access) -> None:
        self._context = context
        self._hub = hub
        self._hints = hints
        self._access = access
        self._looking = asyncio.Lock()
        self._position: int | None = None

    @property
    def position(self) -> int | None:
        """The newest event that was told; None: it has not looked yet."""
        return self._position

    async def follow(self) -> None:
        """Wait for a hint, or some time, and look."""
        await self._hints.wait(LOOK_S)
        if self._hints.access.is_set():
            # First of all: who lost a right is not told what happened after that.
            self._hints.access.clear()
            try:
                await self._access.renew(self._hub)
            except BaseException:
                self._hints.access.set()
                raise
        await self.look()
        await asyncio.sleep(GAP_S)

    async def look(self) -> None:
        """Tell everybody what is new."""
        async with self._looking, self._context.readers.connection() as reader:
            newest = await feed.newest_event(reader)
            if self._position is None or not len(self._hub):
                self._position = newest
            while self._position < newest:
                page = await feed.events(reader, self._position, newest, PAGE)
                if page:
                    STREAM_LAG_SECONDS.observe((self._context.clock() - page[0].at).total_seconds())
                self._hub.tell_events(page)
                self._position = page[-1].id if len(page) == PAGE else newest


class Values:
    """Newest values, while somebody listens."""

    def __init__(self, context: Context, hub: Hub) -> None:
        self._context = context
        self._hub = hub
        self._since: str | None = None
        self._seen: set[feed.Version] = set()

    def begin(self, subscription: Subscription) -> None:
        """Have a new stream told all values that stand; where nobody looks yet, the first look does so."""
        if self._since is not None:
            subscription.fall_behind()

    async def follow(self) -> None:
        """Tell what was written since the look before; after a failure, everything.

        A transaction that was under way in one look, and any that began later, is seen in a later one. So each look
        asks for what was written by the oldest that was under way in the look before, and by all after it, and leaves
        out what that look has seen already.
        """
        await asyncio.sleep(LATEST_S)
        if not self._hub.listeners("latest"):
            self._since = None
            return
        try:
            await self._look()
        except BaseException:
            self._since = None
            raise

    async def _look(self) -> None:
        async with self._context.readers.connection() as reader:
            moment = await feed.moment(reader)
            if self._since is None:
                self._seen = set()
                for one in self._hub.listeners("latest"):
                    one.fall_behind()
            else:
                values, self._seen = await feed.changes(reader, self._since, self._seen)
                self._hub.tell_values(values)
            self._since = moment  # nothing is awaited since they fell behind: who joins now begins by itself


class Vitals:
    """The platform's health, and signs of life."""

    def __init__(self, readiness: Shared[Readiness], hub: Hub, events: Events) -> None:
        self._readiness = readiness
        self._hub = hub
        self._events = events
        self._well: dict[str, bool] = {}
        self._pulse = monotonic()

    async def frame(self) -> bytes:
        """The health as it is."""
        return _frame(await self._readiness())

    async def follow(self) -> None:
        """Tell of the health when it changes, and now and then that the stream lives, and how far it has come."""
        await asyncio.sleep(HEALTH_S)
        if not len(self._hub):
            return
        readiness = await self._readiness()
        well = {name: check.ok for name, check in readiness.checks.items()}
        pulse = monotonic() - self._pulse >= PULSE_S
        if pulse:
            self._pulse = monotonic()
            for one in self._hub:
                one.put(frames.position(self._events.position or 0))
        if pulse or self._well not in ({}, well):
            for one in self._hub.listeners("health"):
                one.put(_frame(readiness))
        self._well = well


def _frame(readiness: Readiness) -> bytes:
    return frames.event("health", readiness.model_dump_json().encode())
