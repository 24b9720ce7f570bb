"""Turns: nobody's requests take all connections to the store, so that everybody else's go on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from weakref import WeakValueDictionary

from api.web.problems import Refusal
from citybrain.store.pools import Reader, Readers

PATIENCE_S = 10.0  # seconds that a request waits for others of its caller

caller: ContextVar[str] = ContextVar("caller", default="")
"""Who makes the present request; empty: nobody yet, or we ourselves."""


class Turns:
    """Lets `each` requests of a caller work at the same time; the others wait for their turn."""

    def __init__(self, each: int) -> None:
        self._each = each
        self._of: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Work when it is the caller's turn.

        Raises:
            Refusal: 429, it did not come for long.
        """
        who = caller.get()
        if not who:
            yield
            return
        turn = self._of.get(who) or self._of.setdefault(who, asyncio.Semaphore(self._each))
        try:
            async with asyncio.timeout(PATIENCE_S):
                await turn.acquire()
        except TimeoutError:
            raise Refusal(
                429,
                f"{who} has too many requests under way: wait for them.",
                f"{who} 正在进行的请求过多：请等待其完成。",
                kind="busy",
                headers={"Retry-After": str(round(PATIENCE_S))},
            ) from None
        try:
            yield
        finally:
            turn.release()


class FairReaders:
    """Readers of which each caller has a part at a time."""

    def __init__(self, readers: Readers, each: int) -> None:
        self._readers = readers
        self._turns = Turns(each)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Reader]:
        """A connection, when it is the caller's turn and one is free.

        Raises:
            Refusal: 429, it is not the caller's turn for long.
            citybrain.store.pools.UNAVAILABLE: the database is away, or too busy.
        """
        async with self._turns.take(), self._readers.connection() as reader:
            yield reader
