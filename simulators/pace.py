"""Pace: history goes out no faster than the platform stores it.

A broker takes history about ten times as fast as a collector stores it, and whatever waits in the collector's queue
comes before what happens live.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg

from citybrain.store.connection import Connection, connect
from citybrain.store.sql import query

AHEAD = 300_000  # readings that may be on their way: some seconds of a collector's work
PERIOD_S = 0.5  # between two looks
PATIENCE_S = 30.0  # with nothing stored, until that is said

Say = Callable[[str], None]


class Pace:
    """What the platform has received since we began, by its ledger; what others publish meanwhile counts, too."""

    def __init__(self, url: str, now: datetime) -> None:
        """Look at the ledger for the first time.

        Args:
            url: The platform's database.
            now: The present.

        Raises:
            psycopg.OperationalError: the database can't be reached.
        """
        self._url = url
        # An hour more, for the collector's clock may be behind ours.
        self._since = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
        self._connection: Connection | None = None
        self._before = self._received()

    async def keep(self, published: int, say: Say, ahead: int = AHEAD) -> None:
        """Wait until the platform has received all but `ahead` of what was `published` since we began.

        Args:
            published: As `Fleet.countable` counts it.
            say: Is told when nothing has moved for a while.
            ahead: How much may still be on its way.
        """
        last, moved = -1, time.monotonic()
        while True:
            try:
                received = await asyncio.to_thread(self._received) - self._before
                why = "The collector stores nothing"
            except psycopg.OperationalError as error:
                received, why = last, f"The database can't be reached ({str(error).strip()})"
            behind = published - received
            if behind <= ahead:
                return
            now = time.monotonic()
            if received != last:
                last, moved = received, now
            elif now - moved >= PATIENCE_S:
                say(f"{why}: waiting for it, with {behind:,} readings published that are not stored.")
                moved = now
            await asyncio.sleep(PERIOD_S)

    def close(self) -> None:
        """Leave the database."""
        if self._connection:
            self._connection.close()

    def _received(self) -> int:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self._url, "board", "simulate")
        row = self._connection.execute(query("ledger", "received"), {"since": self._since}).fetchone()
        return int(row[0]) if row else 0
