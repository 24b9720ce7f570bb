"""The live stream as a whole: what follows the database, and what one client is sent from first byte to last."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import msgspec
import psycopg
import structlog
from psycopg_pool import PoolTimeout

from api.context import Context
from api.health import Readiness
from api.live import feed, frames
from api.live.followers import PAGE, Access, Events, Values, Vitals
from api.live.hints import Hints
from api.live.hub import PIECE, Hub
from api.live.presence import Onlookers, Presence
from api.live.selection import Audience
from api.live.subscription import Subscription
from api.web.shared import Shared
from citybrain.access.model import Principal
from citybrain.store import pools
from citybrain.store.pools import Reader

T = TypeVar("T")

log = structlog.get_logger()

REPLAY_MOST = 10_000  # events that a client may lie behind; beyond that it loads its list anew
PRESENT_AT_ONCE = 2  # streams that read all values at the same time; the others wait
RETRY_S = 1.0  # seconds after a failure
RETRY_MS = (1000, 4000)  # in which a client comes back: at random, so that not all do at once


class Streams:
    """All live streams; lives as long as the application."""

    def __init__(self, database_url: str, context: Context, readiness: Shared[Readiness]) -> None:
        self._context = context
        self._hub = Hub()
        self._hints = Hints(database_url)
        self._access = Access(context, self._hub)
        self._events = Events(context, self._hub, self._hints, self._access)
        self._values = Values(context, self._hub)
        self._vitals = Vitals(readiness, self._hub, self._events)
        self._onlookers = Onlookers(self._hub, self._hints)
        self._presenting = asyncio.Semaphore(PRESENT_AT_ONCE)

    def __len__(self) -> int:
        return len(self._hub)

    @property
    def presence(self) -> Presence:
        """Who looks at which alert."""
        return self._onlookers.presence

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Follow the database, which may be away."""
        steps = {
            "hints": self._hints.listen,
            "access": self._access.follow,
            "events": self._events.follow,
            "values": self._values.follow,
            "vitals": self._vitals.follow,
            "presence": self._onlookers.follow,
        }
        tasks = [asyncio.create_task(_for_ever(name, step)) for name, step in steps.items()]
        try:
            yield
        finally:
            self.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def close(self) -> None:
        """End every stream: a server that stops waits for the answers that are under way."""
        self._hub.close()

    async def join(self, principal: Principal, secret: str, audience: Audience, since: int | None) -> Subscription:
        """A stream for who asks, known by `secret`, who has seen the events up to `since`; `leave` comes after.

        Raises:
            api.web.problems.Refusal: too many are open.
            citybrain.store.pools.UNAVAILABLE: the database is away.
        """
        self._hub.check_room(principal)
        if self._events.position is None or (since or 0) > self._events.position:
            await self._events.look()
        assert self._events.position is not None  # noqa: S101  it has looked
        subscription = Subscription(principal, secret, audience, self._events.position)
        self._hub.add(subscription)
        if "latest" in audience.selection.kinds:
            self._values.begin(subscription)
        try:
            # Its access may have changed between the look at the door and its place among those who are looked up.
            await self._access.renew([subscription])
        except BaseException:
            self.leave(subscription)
            raise
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """The client has gone, or the stream has ended."""
        self._hub.remove(subscription)

    async def send(self, subscription: Subscription, since: int | None) -> AsyncIterator[bytes]:
        """What the client is sent, until the stream ends."""
        position = subscription.position
        lost = since is not None and not 0 <= position - since <= REPLAY_MOST
        known = position if since is None or lost else since
        yield frames.retry(random.randint(*RETRY_MS)) + _hello(self._context, known)  # noqa: S311  no secret
        if lost:
            yield frames.event("reset", _json({"position": position}), position)
        if "health" in subscription.audience.selection.kinds:
            yield await self._vitals.frame()
        for alert, place in self.presence:
            if subscription.audience.hears_presence(place):
                yield self.presence.frame(alert)
        if "alert" in subscription.audience.selection.kinds:
            async for page in self._replay(subscription, known):
                yield page
        while not subscription.ended:
            if subscription.behind:
                async for piece in self._present(subscription):
                    yield piece
            await subscription.wait()
            yield subscription.take()
        yield frames.retry(random.randint(*RETRY_MS))  # noqa: S311
        yield frames.event("end", _json({"reason": subscription.ended}))

    async def _replay(self, subscription: Subscription, since: int) -> AsyncIterator[bytes]:
        """The events after `since` that came before the stream had its place."""
        while since < subscription.position and not subscription.ended:
            page = await self._read(partial(feed.events, after=since, until=subscription.position, limit=PAGE))
            yield b"".join(event.frame() for event in page if subscription.audience.hears_alert(event.place))
            since = page[-1].id if len(page) == PAGE else subscription.position

    async def _present(self, subscription: Subscription) -> AsyncIterator[bytes]:
        """All values that stand, in pieces. Changes of them may be told before they are, or twice."""
        subscription.behind = False
        after = 0
        while not subscription.ended and not subscription.behind:
            async with self._presenting:
                piece = await self._read(partial(feed.values, audience=subscription.audience, after=after, limit=PIECE))
            yield feed.latest([value.document() for value in piece])
            if len(piece) < PIECE:
                return
            after = piece[-1].series

    async def _read(self, read: Callable[[Reader], Awaitable[T]]) -> T:
        """What is read as soon as the database is there: a stream stays open until then."""
        while True:
            try:
                async with self._context.readers.connection() as reader:
                    return await read(reader)
            except (psycopg.OperationalError, PoolTimeout, TimeoutError):
                await asyncio.sleep(RETRY_S)


def _hello(context: Context, position: int) -> bytes:
    return frames.event("hello", _json({"now": context.clock(), "position": position}), position)


_json = msgspec.json.Encoder().encode


async def _for_ever(name: str, step: Callable[[], Awaitable[None]]) -> None:
    """One step after the other, whatever happens; of failures in a row the log tells the first."""
    failing = False
    while True:
        try:
            await step()
            failing = False
        except Exception as error:
            if not isinstance(error, pools.UNAVAILABLE):
                log.exception("live stream failed", step=name)
            elif not failing:
                log.warning("live stream waits for the database", step=name, error=" ".join(str(error).split())[:200])
            failing = True
            await asyncio.sleep(RETRY_S)
