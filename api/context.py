"""What every endpoint works with: settings, catalogue and connections to the store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from api.access.turns import FairReaders, Turns
from citybrain.catalogue.model import Catalogue
from citybrain.settings import Settings
from citybrain.store.connection import Connection
from citybrain.store.pools import Readers, Writers

T = TypeVar("T")


@dataclass(frozen=True)
class Context:
    """Lives as long as the application.

    `boards` act as `citybrain_board` and see only `board_*` views; endpoints take them as `readers`, in turns. `doors`
    (async) and `writers` (in threads) act as `citybrain_writer`: the former to find out who asks, the latter for
    changes, in turns, too.
    """

    settings: Settings
    catalogue: Catalogue
    boards: Readers
    readers: FairReaders
    changing: Turns
    doors: Readers
    writers: Writers
    clock: Callable[[], datetime]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Open the connections; they come as the database does."""
        async with self.boards, self.doors:
            self.writers.open()
            try:
                yield
            finally:
                await run_in_threadpool(self.writers.close)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Do `work` with a writer's connection, in a thread and in one transaction."""

        def transact() -> T:
            with self.writers.connection() as connection, connection.transaction():
                return work(connection)

        async with self.changing.take():
            return await run_in_threadpool(transact)


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


Using = Annotated[Context, Depends(_context)]
"""The context, as a parameter of an endpoint."""
