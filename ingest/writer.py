"""The writing half of a collector: one thread, one connection, one transaction a batch."""

from __future__ import annotations

import os
import queue
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import psycopg
import structlog
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential
from tenacity.nap import sleep_using_event
from tenacity.stop import stop_when_event_set

from citybrain import metrics
from citybrain.settings import Settings
from citybrain.store import untimed
from citybrain.store.quarantine import Entry
from citybrain.store.readings import StoreError, chunk_span
from citybrain.store.series import SeriesTable
from citybrain.store.sql import query
from citybrain.store.state import SeriesState
from ingest.batch import Batch, Intake, Message, Policy, payload_of
from ingest.instants import moment
from ingest.ownership import Unit
from ingest.reasons import Reason
from ingest.transaction import Outcome, commit
from rules.host import Host

log = structlog.get_logger()
T = TypeVar("T")

HEARTBEAT_S = 1.0  # seconds; the session that holds the lock may be idle for 8
# Of the SQLSTATE classes: the data of one row is at fault (data exception, constraint, raised by a trigger).
ROW_AT_FAULT = ("22", "23", "P0")


@dataclass
class Job:
    """Messages to commit, of one connection of the session.

    Once it is committed, `untimed_us` says when the last of them without a time came; 0: there is none.
    """

    generation: int
    messages: list[Message]
    untimed_us: int = 0


@dataclass
class Presence:
    """What the collector says of itself with each heartbeat."""

    connected: bool = False
    queued: int = 0


class Writer(threading.Thread):
    """Commits jobs in the order given; `finished(job)` is called after each commit, in this thread.

    It ends when it is told to, or when the connection (and with it the lock) is lost: then `failure` says why, and
    everything not finished is to be received again.
    """

    def __init__(
        self,
        unit: Unit,
        settings: Settings,
        finished: Callable[[Job | None], None],
        presence: Presence,
    ) -> None:
        super().__init__(name="writer", daemon=True)
        self.unit = unit
        self.settings = settings
        self.failure: BaseException | None = None
        self.readings_per_message = 1.0
        self.confirmed_us = 0  # up to where the broker has read our acknowledgements of untimed messages
        self._finished = finished
        self._presence = presence
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._ending = threading.Event()
        self._since = datetime.now(UTC)
        self._beaten = 0.0
        self._forgotten_us = 0
        self._generation = -1
        self._span_us = chunk_span(unit.connection)
        regions = frozenset(unit.regions) or None
        self._rules = Host(unit.name, settings.zone, derived=False, regions=regions)
        self._load()

    def submit(self, job: Job) -> None:
        """Commit `job` when its turn comes."""
        self._jobs.put(job)

    def end(self) -> None:
        """End after what was submitted; from now on nothing that fails is tried again."""
        self._ending.set()
        self._jobs.put(None)

    def run(self) -> None:
        """Work until told to end or until the connection is lost."""
        try:
            while True:
                self._beat_if_due()
                try:
                    job = self._jobs.get(timeout=HEARTBEAT_S)
                except queue.Empty:
                    continue
                if job is None:
                    break
                self._work(job)
                self._finished(job)
            self._presence.connected = False
            self._confirm()
            self._beat()
        except Exception as error:  # whatever it is: the lock can't be trusted, the loop must know
            self.failure = error
            self._finished(None)

    def _load(self) -> None:
        connection = self.unit.connection
        self._table = SeriesTable.load(connection)
        self._state = SeriesState.load(connection)
        self._intake = Intake(self._table, self._policy(), connection)
        self._generation = -1
        self._rules.refresh(connection, datetime.now(UTC))

    def _policy(self) -> Policy:
        """The policy of today: what retention would drop at once moves on with the days."""
        return Policy.of(self.settings, datetime.now(self.settings.zone).date())

    def _work(self, job: Job) -> None:
        started = time.monotonic()
        self._confirm()
        batch = self._retried(lambda: self._decoded(job))
        readings = len(batch.readings)
        self.readings_per_message += 0.2 * (max(1.0, readings / len(job.messages)) - self.readings_per_message)
        self._commit(batch)
        job.untimed_us = max((message.received_us for message in batch.untimed), default=0)
        now = time.time()
        metrics.MESSAGES.inc(len(job.messages))
        metrics.BATCH_READINGS.observe(readings)
        metrics.COMMIT_SECONDS.observe(time.monotonic() - started)
        metrics.RECEIVE_LAG_SECONDS.observe(max(0.0, now - job.messages[0].received_us / 1e6))
        if readings:
            newest = batch.readings["time"].max()
            assert isinstance(newest, int)  # noqa: S101  the column has no nulls
            metrics.READING_LAG_SECONDS.observe(max(0.0, now - newest / 1e6))

    def _decoded(self, job: Job) -> Batch:
        """The batch of a job; what registers itself on the way does so in one transaction, before the batch's own."""
        connection = self.unit.connection
        if job.generation != self._generation:
            self._intake.redelivered = untimed.load(connection, self.unit.session_id)
            self._generation = job.generation
        try:
            with connection.transaction():
                return self._intake.batch(job.messages)
        except psycopg.Error:
            if not connection.broken:
                self._load()  # what we remember of devices and series may have been rolled back
            raise

    def _commit(self, batch: Batch) -> None:
        """Commit `batch`; a reading that the store refuses goes to quarantine and takes nobody with it."""
        try:
            outcome = self._retried(lambda: self._attempt(batch))
        except (psycopg.Error, StoreError) as error:
            if not _row_at_fault(error) or not len(batch.readings):
                raise
            if len(batch.readings) > 1:
                log.warning("batch refused, halving it", readings=len(batch.readings), error=_brief(error))
                for half in batch.halves():
                    self._commit(half)
                return
            log.error("reading refused", error=_brief(error))
            refused = self._refused(batch, error)
            outcome = self._retried(lambda: self._attempt(refused))
        _count(outcome)

    def _attempt(self, batch: Batch) -> Outcome:
        connection, session = self.unit.connection, self.unit.session_id
        self._rules.prepare(connection, batch.readings["series"].unique(), datetime.now(UTC))
        try:
            return commit(connection, self._span_us, session, self._table, self._state, batch, rules=self._rules)
        except psycopg.errors.UniqueViolation:
            # Somebody else wrote our series: look at the store again rather than trust what we remember.
            log.warning("state out of date, reading it again")
            self._state = SeriesState.load(connection)
            return commit(
                connection,
                self._span_us,
                session,
                self._table,
                self._state,
                batch,
                rules=self._rules,
                look_everywhere=True,
            )

    def _refused(self, batch: Batch, error: psycopg.Error | StoreError) -> Batch:
        row = batch.readings.row(0, named=True)
        name = self._table.names[row["series"]]
        entry = Entry(
            received=moment(row["received"]),
            topic=name.topic,
            reason=Reason.STORE_REFUSED,
            detail=_brief(error),
            payload=payload_of(row["time"] / 1000, {name.metric: row["value"]}),
            device=row["device"],
        )
        entries = [*batch.entries, entry]
        return Batch(batch.readings.clear(), entries, batch.received, batch.online, batch.untimed, batch.heard)

    def _retried(self, work: Callable[[], T]) -> T:
        """Do `work` again while the database says "not now" and the connection, with its lock, is there."""
        attempts = Retrying(
            retry=retry_if_exception(self._passing),
            wait=wait_exponential(0.05, max=5),
            stop=stop_when_event_set(self._ending),
            sleep=sleep_using_event(self._ending),
            before_sleep=_say,
            reraise=True,
        )
        return attempts(work)

    def _passing(self, error: BaseException) -> bool:
        if isinstance(error, psycopg.Error):
            metrics.DATABASE_ERRORS.labels(error.sqlstate or "connection").inc()
        return isinstance(error, psycopg.OperationalError) and not self.unit.connection.broken

    def _confirm(self) -> None:
        if self.confirmed_us > self._forgotten_us:
            self._forgotten_us = self.confirmed_us
            untimed.confirm(self.unit.connection, self.unit.session_id, self._forgotten_us)

    def _beat_if_due(self) -> None:
        if time.monotonic() - self._beaten >= HEARTBEAT_S:
            self._confirm()
            self._intake.policy = self._policy()
            if self._beat() != self._table.version:
                log.info("catalogue changed, reading it again")
                self._load()
            self._retried(lambda: self._rules.beat(self.unit.connection, datetime.now(UTC)))

    def _beat(self) -> int:
        """Say that we are there; the version of the catalogue."""
        self._beaten = time.monotonic()
        row = self.unit.connection.execute(
            query("collector", "heartbeat"),
            {
                "unit": self.unit.name,
                "holder": f"{socket.gethostname()}:{os.getpid()}",
                "since": self._since,
                "connected": self._presence.connected,
                "queued": self._presence.queued,
            },
        ).fetchone()
        return int(row[0]) if row else -1


def _row_at_fault(error: psycopg.Error | StoreError) -> bool:
    """Whether a reading may be what the store did not take (a trigger can also leave it out without a word)."""
    return isinstance(error, StoreError) or (error.sqlstate or "")[:2] in ROW_AT_FAULT


def _say(call: RetryCallState) -> None:
    error = call.outcome.exception() if call.outcome else None
    log.warning("database busy, trying again", attempt=call.attempt_number, error=_brief(error) if error else "")


def _brief(error: BaseException) -> str:
    return str(error).strip().replace("\n", " ")[:300]


def _count(outcome: Outcome) -> None:
    for fate in ("stored", "duplicate", "quarantined", "revised"):
        metrics.READINGS.labels(fate).inc(outcome.counts[fate])
    for reason, number in outcome.reasons.items():
        metrics.QUARANTINED.labels(reason).inc(number)
    metrics.DOUBTFUL.inc(outcome.doubtful)
    metrics.LATE.inc(outcome.late)
