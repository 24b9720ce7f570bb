"""A collector: holds a unit's lock, receives its messages, has them committed, acknowledges them.

    broker -> Session (this thread: select, read, acknowledge) -> Writer (its thread: decode, judge, commit)

Losing the database loses the lock, so the MQTT connection is closed, too: what was not acknowledged waits in the
broker's persistent queue, and whoever gets the lock next receives it.
"""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing

import psycopg
import structlog

from citybrain import metrics
from citybrain.settings import Settings
from citybrain.store.sql import query
from ingest import topics
from ingest.ownership import Unit, claim
from ingest.session import BufferedSocket, Session
from ingest.writer import Job, Presence, Writer

log = structlog.get_logger()

STANDBY_S = 1.0  # seconds between two tries for the lock
TICK_S = 0.02  # seconds; how often the loop looks whether a batch is due
RECONNECT_S = (0.1, 5.0)  # seconds; first and longest pause between two tries to connect
DRAIN_S = 30.0  # seconds that a stopping collector gives its last batches
BARRIER_S = 1.0  # seconds between two questions whether the broker has read our acknowledgements
FAREWELL_S = 5.0  # seconds that the broker gets to read them before we leave
# A batch is full with so many bytes, too: what hostile messages of a megabyte hold would fill the memory.
BATCH_BYTES = 2 * 1024 * 1024


class Collector:
    """Collects one unit until `stop` is called; stands by while another collector has it."""

    def __init__(self, settings: Settings, database_url: str, mqtt_url: str) -> None:
        self.settings = settings
        self.database_url = database_url
        self.mqtt_url = mqtt_url
        self.stopping = False

    def stop(self) -> None:
        """Finish what was received, and end; safe to call from a signal handler."""
        self.stopping = True

    def run(self) -> None:
        """Stand by, collect, and after losing the database begin anew, until stopped."""
        standing_by = False
        while not self.stopping:
            try:
                unit = claim(self.database_url, self.settings.collect_region)
                if unit is not None:
                    standing_by = False
                    self._collect(unit)
                elif not standing_by:
                    log.info("standing by", region=self.settings.collect_region or "all")
                    standing_by = True
            except psycopg.errors.UndefinedTable:
                log.error("database not migrated", hint="run `citybrain db migrate`")
            except psycopg.Error as error:
                metrics.DATABASE_ERRORS.labels(error.sqlstate or "connection").inc()
                log.warning("database away", error=str(error).strip().replace("\n", " ")[:200])
            self._sleep(STANDBY_S)

    def _collect(self, unit: Unit) -> None:
        log.info("collecting", unit=unit.name)
        # Closed without a word to the server, which a writer that hangs may still be talking to.
        with closing(unit.connection):
            loop = _Loop(self, unit)
            try:
                loop.run()
            finally:
                loop.close()

    def _sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.stopping and time.monotonic() < until:
            time.sleep(0.05)


class _Loop:
    """The receiving half while a unit is held."""

    def __init__(self, collector: Collector, unit: Unit) -> None:
        settings = collector.settings
        self.collector = collector
        self.settings = settings
        self.session = Session(
            collector.mqtt_url, unit.session_id, topics.filters(list(unit.regions)), settings.receive_maximum
        )
        row = unit.connection.execute(query("collector", "seen"), {"unit": unit.name}).fetchone()
        self.session.seen_before = bool(row and row[0])
        self.presence = Presence()
        self._finished: deque[Job | None] = deque()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self.writer = Writer(unit, settings, self._after_commit, self.presence)
        self.writer.start()
        self._busy = False
        self._handed_over = time.monotonic()
        self._pause_s = RECONNECT_S[0]
        self._connect_at = 0.0
        self._kept_alive = 0.0
        self._acknowledged_us = 0  # up to where messages without a time are acknowledged ...
        self._barred_us = 0  # ... and up to where we know that the broker knows
        self._barred_at = 0.0

    def run(self) -> None:
        """Receive until the collector stops or the writer has lost its connection."""
        while not self.collector.stopping:
            if not self._turn():
                return
        self._drain()

    def close(self) -> None:
        """End the writer and whatever connection there is; nothing more is acknowledged."""
        self.session.drop()
        self.writer.end()
        self.writer.join(DRAIN_S)
        if self.writer.is_alive():
            log.error("writer hangs", hint="the database does not answer; what was not acknowledged comes again")
        self._wake_in.close()
        self._wake_out.close()

    def _turn(self, *, reading: bool = True, writing: bool = True) -> bool:
        """Wait a little, then do what there is to do; False when the writer has failed."""
        self._connect_if_due()
        connection = self.session.socket
        room = reading and self.session.inbox_bytes < self.settings.receive_bytes
        waiting = connection is not None and room and connection.read_ahead > 0
        readers: list[socket.socket | BufferedSocket] = [self._wake_in]
        if connection is not None and room:
            readers.append(connection)
        writers = [connection] if connection is not None and self.session.wants_write else []
        ready, _, _ = select.select(readers, writers, [], 0 if waiting else TICK_S)
        if waiting or (connection is not None and connection in ready):
            self.session.read(self.settings.receive_bytes)
        if self._wake_in in ready:
            self._wake_in.recv(4096)
            while self._finished:
                job = self._finished.popleft()
                if job is None:
                    _say_why(self.writer.failure)
                    return False
                if self.session.acknowledge(job.generation, job.messages):
                    self._acknowledged_us = max(self._acknowledged_us, job.untimed_us)
                self._busy = False
        self.session.write()
        self._ask_barrier()
        now = time.monotonic()
        if now - self._kept_alive >= 1:
            self.session.keep_alive()
            self._kept_alive = now
            metrics.QUEUED_MESSAGES.set(len(self.session.inbox))
            metrics.QUEUED_BYTES.set(self.session.inbox_bytes)
            self.presence.connected = self.session.connected
            self.presence.queued = len(self.session.inbox)
        if writing:
            self._hand_over(now, flush=not reading)
        return True

    def _connect_if_due(self) -> None:
        now = time.monotonic()
        if self.session.socket is not None:
            if self.session.connected:
                self._pause_s = RECONNECT_S[0]
            return
        if now < self._connect_at or self.collector.stopping:
            return
        self._connect_at = now + self._pause_s
        self._pause_s = min(RECONNECT_S[1], self._pause_s * 2)
        try:
            self.session.connect()
        except OSError as error:
            log.warning("broker away", error=str(error))

    def _hand_over(self, now: float, *, flush: bool) -> None:
        """Give the writer its next batch when it is free, and the batch full or old enough."""
        inbox = self.session.inbox
        if self._busy or not inbox:
            return
        full = max(1, int(self.settings.batch_readings / self.writer.readings_per_message))
        is_full = len(inbox) >= full or self.session.inbox_bytes >= BATCH_BYTES
        if is_full or now - self._handed_over >= self.settings.batch_seconds or flush:
            self.writer.submit(Job(self.session.generation, self.session.take(full, BATCH_BYTES)))
            self._busy = True
            self._handed_over = now

    def _ask_barrier(self) -> None:
        """Have the broker say that it has read our acknowledgements, where untimed messages depend on it."""
        due = self._acknowledged_us > self._barred_us and time.monotonic() - self._barred_at >= BARRIER_S
        if due and self.session.connected:
            self._barred_at = time.monotonic()
            self.session.barrier(self._confirming(self._acknowledged_us))

    def _confirming(self, until_us: int) -> Callable[[], None]:
        def passed() -> None:
            self._barred_us = until_us
            self.writer.confirmed_us = until_us

        return passed

    def _after_commit(self, job: Job | None) -> None:
        self._finished.append(job)
        self._wake_out.send(b"\0")

    def _drain(self) -> None:
        """Commit and acknowledge what has been received, then leave in order."""
        log.info("stopping", queued=len(self.session.inbox))
        until = time.monotonic() + DRAIN_S
        while (self._busy or self.session.inbox) and time.monotonic() < until:
            if not self._turn(reading=False):
                return
        # What the broker has not read when the connection is closed may be lost on the way.
        read = False

        def passed() -> None:
            nonlocal read
            read = True
            self.writer.confirmed_us = self._acknowledged_us

        if self.session.connected:
            self.session.barrier(passed)
        until = time.monotonic() + FAREWELL_S
        while self.session.connected and not read and time.monotonic() < until:
            if not self._turn(writing=False):
                return
        self.session.close()
        log.info("stopped")


def _say_why(failure: BaseException | None) -> None:
    """Log why the writer has ended: the database's word is enough, but a mistake of ours needs its trace."""
    if isinstance(failure, psycopg.Error):
        log.error("writer lost", error=str(failure).strip().replace("\n", " ")[:300])
    else:
        log.error("writer lost", exc_info=failure)
