"""Hints of the database that something happened: an empty word, and where it got lost the look that comes anyway."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import psycopg

from citybrain.store.connection import conninfo, session

ALERTS, ACCESS = "citybrain_alerts", "citybrain_access"  # channels; migration 0007 says who speaks on them
PRESENCE = "citybrain_presence"  # the channel on which API processes tell each other who looks at which alert

BEATS_MOST = 10_000  # of these that wait; who is dropped is heard again 15 seconds later


class Hints:
    """One connection that listens for the whole process."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._any = asyncio.Event()
        self.access = asyncio.Event()
        self.beats: asyncio.Queue[str] = asyncio.Queue(BEATS_MOST)

    async def listen(self) -> None:
        """Listen until the connection fails; both may have happened before it was there.

        Raises:
            psycopg.Error: the database is away.
        """
        connection = await psycopg.AsyncConnection.connect(conninfo(self._database_url, "api live"), autocommit=True)
        async with connection:
            await connection.execute(session("board"))
            await connection.execute(f"listen {ALERTS}; listen {ACCESS}; listen {PRESENCE}")
            self.access.set()
            self._any.set()
            async for notification in connection.notifies():
                if notification.channel == PRESENCE:
                    with suppress(asyncio.QueueFull):
                        self.beats.put_nowait(notification.payload)
                    continue
                if notification.channel == ACCESS:
                    self.access.set()
                self._any.set()

    async def wait(self, seconds: float) -> None:
        """Until there is a hint, or so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._any.wait()
        self._any.clear()
