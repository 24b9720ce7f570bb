"""Work that one process does while others stand by: whoever holds the lock works, as long as its connection lives."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import LiteralString

import psycopg
import structlog

from citybrain.store.connection import HOLDER_IDLE, Connection, connect

log = structlog.get_logger()

STANDBY_S = 2.0  # seconds between two tries for the lock


class Holder:
    """Holds a lock and works until `stop` is called; begins anew when the database was away.

    Args:
        database_url: the store.
        application: what the connection is called there.
        lock: a statement that takes the lock, or not, and says which.
    """

    def __init__(self, database_url: str, application: str, lock: LiteralString) -> None:
        self.database_url = database_url
        self.application = application
        self.lock = lock
        self.stopping = False

    def stop(self) -> None:
        """End after the present piece of work; safe to call from a signal handler."""
        self.stopping = True

    def run(self, work: Callable[[Connection], None]) -> None:
        """Have `work` done on the connection that holds the lock, whenever it is to be had, until stopped."""
        while not self.stopping:
            try:
                with connect(self.database_url, "writer", self.application) as connection:
                    connection.execute(HOLDER_IDLE)
                    locked = connection.execute(self.lock).fetchone()
                    if locked and locked[0]:
                        log.info("working", what=self.application)
                        work(connection)
            except psycopg.OperationalError as error:
                log.warning("database away", error=str(error).strip().replace("\n", " ")[:200])
            except psycopg.Error:
                log.exception("failed", what=self.application)
            self.pause(STANDBY_S)

    def pause(self, seconds: float) -> None:
        """Wait so long, or until stopped."""
        until = time.monotonic() + seconds
        while not self.stopping and time.monotonic() < until:
            time.sleep(0.05)
