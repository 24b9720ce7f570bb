"""One batch, one transaction: this is where a reading becomes stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
import polars as pl

from citybrain.quality import DOUBTFUL, Flag
from citybrain.store import derivations, ledger, quarantine, untimed
from citybrain.store.binary import Array
from citybrain.store.connection import Connection
from citybrain.store.quarantine import Entry
from citybrain.store.readings import CONFLICT, REVISED, STORED, Readings, StoreError, prefer_indexes
from citybrain.store.series import SeriesTable
from citybrain.store.sql import query
from citybrain.store.state import SeriesState
from ingest.batch import Batch, payload_of
from ingest.instants import moment
from ingest.reasons import Reason


@dataclass(frozen=True)
class Outcome:
    """What became of a batch; `stored` are the rows just stored, in arrival order, with their flags."""

    stored: pl.DataFrame
    counts: dict[str, int]
    reasons: Counter[str]

    @property
    def doubtful(self) -> int:
        """How many of the stored are doubtful."""
        return len(self.stored.filter((pl.col("quality") & int(DOUBTFUL)) != 0))

    @property
    def late(self) -> int:
        """How many of the stored came late."""
        return len(self.stored.filter((pl.col("quality") & int(Flag.LATE)) != 0))


class Rules(Protocol):
    """What judges the readings of a batch, inside its transaction."""

    def judge(
        self, connection: Connection, stored: pl.DataFrame, revised: pl.DataFrame, now: datetime
    ) -> Callable[[], None]:
        """Write what the rules make of rows just stored; what is returned is to be called after the commit."""


def commit(
    connection: Connection,
    span_us: int,
    session: str,
    table: SeriesTable,
    state: SeriesState,
    batch: Batch,
    *,
    rules: Rules | None = None,
    look_everywhere: bool = False,
) -> Outcome:
    """Store a batch: readings, rollup, newest values, what the rules say, quarantine, ledger, all or nothing.

    Args:
        connection: holds the lock of everything that the batch is for.
        span_us: length of a chunk in microseconds.
        session: the MQTT session that the batch came by.
        table: what series there are.
        state: moved on when, and only when, the transaction has committed.
        batch: what was received.
        rules: what judges the readings; None: nothing does.
        look_everywhere: look up every key, also those newer than anything that `state` knows to be stored.

    Raises:
        StoreError: the server did something else than it was told; nothing is stored.
        psycopg.Error: as it comes; nothing is stored.
    """
    with connection.transaction():
        prefer_indexes(connection)
        settled = Readings(connection, span_us).settle(table, state, batch.readings, look_everywhere=look_everywhere)
        conflicts = [_conflict(table, row) for row in settled.with_fate(CONFLICT).iter_rows(named=True)]
        entries = batch.entries + conflicts
        if entries and quarantine.add(connection, entries) != len(entries):
            raise StoreError("The server did not keep every entry of the quarantine.")
        if batch.online:
            _save_status(connection, batch.online)
        if batch.untimed:
            untimed.save(connection, session, batch.untimed)
        derivations.mark_changed(connection, table, settled.with_fate(STORED, REVISED))
        judged = None
        if rules is not None:
            judged = rules.judge(connection, settled.stored, settled.with_fate(REVISED), datetime.now(UTC))
        # Last, here and in the runner of derived series: they meet at these rows, and hold them until the commit.
        account = ledger.account(batch.received, settled.arrived, _received(entries), batch.heard)
        ledger.add(connection, account)
    for rows in settled.rows:
        state.put(rows)
    if judged is not None:
        judged()
    return Outcome(
        stored=settled.stored,
        counts={name: int(account[name].sum()) for name in ledger.COUNTS},
        reasons=Counter(entry.reason for entry in entries),
    )


def _conflict(table: SeriesTable, row: dict[str, int | float]) -> Entry:
    name = table.names[int(row["series"])]
    time = int(row["time"])
    return Entry(
        received=moment(int(row["received"])),
        topic=name.topic,
        reason=Reason.CONFLICT,
        detail=f"{name.metric} at {moment(time).isoformat()} is stored with another value than {row['value']:g}.",
        payload=payload_of(time / 1000, {name.metric: row["value"]}),
        device=int(row["device"]),
    )


def _received(entries: list[Entry]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "received": [int(entry.received.timestamp()) * 1_000_000 for entry in entries],
            "device": [entry.device for entry in entries],
        },
        schema={"received": pl.Int64, "device": pl.Int32},
    )


def _save_status(connection: Connection, online: dict[int, tuple[bool, int]]) -> None:
    connection.execute(
        query("series", "device_status"),
        {
            "device": Array(np.array(list(online), "i4")),
            "online": [word for word, _ in online.values()],
            "at": Array(np.array([time for _, time in online.values()], "i8"), times=True),
        },
    )
