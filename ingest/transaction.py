"""One batch, one transaction: this is where a reading becomes stored."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from citybrain.flags import DOUBTFUL, Flag
from citybrain.store import derivations, ledger, quarantine, untimed
from citybrain.store.binary import Array, Column
from citybrain.store.connection import Connection
from citybrain.store.quarantine import Entry
from citybrain.store.readings import Readings, StoreError
from citybrain.store.series import SeriesTable
from citybrain.store.sql import query
from citybrain.store.state import HOUR_US, SeriesState
from ingest.batch import Batch, payload_of
from ingest.instants import moment
from ingest.quality import judge
from ingest.reasons import Reason


@dataclass
class Outcome:
    """What became of a batch; `stored` are the rows just stored, in arrival order, with their flags."""

    stored: pl.DataFrame
    counts: dict[str, int]
    reasons: dict[str, int] = field(default_factory=dict)
    doubtful: int = 0
    late: int = 0


def commit(
    connection: Connection,
    span_us: int,
    session: str,
    table: SeriesTable,
    state: SeriesState,
    batch: Batch,
    *,
    look_everywhere: bool = False,
) -> Outcome:
    """Store a batch: readings, rollup, newest values, quarantine, ledger, all or nothing.

    Args:
        connection: holds the lock of everything that the batch is for.
        span_us: length of a chunk in microseconds.
        session: the MQTT session that the batch came by.
        table: what series there are.
        state: moved on when, and only when, the transaction has committed.
        batch: what was received.
        look_everywhere: look up every key, also those newer than anything that `state` knows to be stored.

    Raises:
        StoreError: the server did something else than it was told; nothing is stored.
        psycopg.Error: as it comes; nothing is stored.
    """
    moved: list[Column] = []
    with connection.transaction():
        readings = Readings(connection, span_us)
        status = _sort_out(readings, table, state, batch.readings, look_everywhere=look_everywhere)
        arrived = batch.readings.with_columns(status=status)
        new = arrived.filter(pl.col("status") == "stored")
        series = new["series"].to_numpy()
        stored = judge(new.drop("status"), state.take(series), table.traits(series))
        if len(stored):
            moved.append(readings.insert(state, stored))
        revised = arrived.filter(pl.col("status") == "revised")
        if len(revised):
            moved.append(readings.revise(_moved_on(state, moved), _late(revised)))
        conflicts = arrived.filter(pl.col("status") == "quarantined")
        entries = batch.entries + [_conflict(table, row) for row in conflicts.iter_rows(named=True)]
        if entries and quarantine.add(connection, entries) != len(entries):
            raise StoreError("The server did not keep every entry of the quarantine.")
        account = _account(batch, arrived, entries)
        if len(account):
            ledger.add(connection, account)
        if batch.online:
            _save_status(connection, batch.online)
        if batch.untimed:
            untimed.save(connection, session, batch.untimed)
        changed = arrived.filter(pl.col("status").is_in(["stored", "revised"]))
        derivations.mark(connection, table, changed)
    for rows in moved:
        state.put(rows)
    reasons: dict[str, int] = {}
    for entry in entries:
        reasons[entry.reason] = reasons.get(entry.reason, 0) + 1
    return Outcome(
        stored=stored,
        counts={name: int(account[name].sum()) for name in ledger.COUNTS},
        reasons=reasons,
        doubtful=len(stored.filter((pl.col("quality") & int(DOUBTFUL)) != 0)),
        late=len(stored.filter((pl.col("quality") & int(Flag.LATE)) != 0)),
    )


def _sort_out(
    readings: Readings, table: SeriesTable, state: SeriesState, arrived: pl.DataFrame, *, look_everywhere: bool
) -> pl.Series:
    """What becomes of each reading: stored, duplicate, revised, or (a conflict) quarantined.

    A key counts once: what is stored, or else the first of the batch, is the reading; the same value again is a
    duplicate; another value revises it where the metric says so and is a conflict elsewhere.
    """
    series, time = arrived["series"].to_numpy(), arrived["time"].to_numpy()
    rows = state.take(series)
    # Nothing is stored beyond the newest reading and the furthest one of a clock ahead: no need to look there.
    reached = np.maximum(rows["time"], rows["ahead_until"])
    candidates = np.flatnonzero((time <= reached) | look_everywhere).astype("i4")
    known = np.full(len(arrived), np.nan)
    is_known = np.zeros(len(arrived), bool)
    if len(candidates):
        at, values = readings.stored(series[candidates], time[candidates])
        known[candidates[at]] = values
        is_known[candidates[at]] = True
    revises = table.traits(series)["revises"]
    frame = arrived.select(
        "value",
        first=pl.struct("series", "time").is_first_distinct(),
        first_value=pl.col("value").first().over("series", "time"),
        known=pl.when(pl.Series(is_known)).then(pl.Series(known)),
        revises=pl.Series(revises),
    )
    reference = pl.coalesce("known", "first_value")
    return frame.select(
        pl.when(pl.col("known").is_null() & pl.col("first"))
        .then(pl.lit("stored"))
        .when(pl.col("value") == reference)
        .then(pl.lit("duplicate"))
        .when("revises")
        .then(pl.lit("revised"))
        .otherwise(pl.lit("quarantined"))
    ).to_series()


def _moved_on(state: SeriesState, moved: list[Column]) -> SeriesState:
    """`state` with the rows that this transaction has already moved, for what comes after in it."""
    return state.overlaid(moved[0]) if moved else state


def _late(revised: pl.DataFrame) -> pl.DataFrame:
    lag_s = ((pl.col("received") - pl.col("time")) // 1_000_000).clip(-32_768, 32_767).cast(pl.Int16)
    return revised.with_columns(lag_s=lag_s, quality=(pl.col("quality") | int(Flag.LATE)).cast(pl.Int16))


def _conflict(table: SeriesTable, row: dict[str, int | float]) -> Entry:
    name = table.names[int(row["series"])]
    time = int(row["time"])
    return Entry(
        received=moment(int(row["received"])),
        topic=name.topic,
        reason=Reason.CONFLICT,
        detail=f"{name.metric} at {moment(time).isoformat()} is stored with another value than {row['value']:g}.",
        payload=payload_of(time / 1000, name.metric, row["value"]),
        device=int(row["device"]),
    )


def _account(batch: Batch, arrived: pl.DataFrame, entries: list[Entry]) -> pl.DataFrame:
    """What goes into the ledger, by hour of receipt and device.

    `received` is what the decoder counted in the payloads. The rest is counted from what was stored, so a reading
    lost anywhere between the two leaves a difference.
    """
    hour = (pl.col("received") - pl.col("received") % HOUR_US).alias("hour")
    fates = arrived.group_by(hour, "device").agg(
        stored=pl.col("status").is_in(["stored", "revised"]).sum(),
        duplicate=(pl.col("status") == "duplicate").sum(),
        revised=(pl.col("status") == "revised").sum(),
    )
    kept = pl.DataFrame(
        {
            "received": [int(entry.received.timestamp()) * 1_000_000 for entry in entries],
            "device": [entry.device for entry in entries],
        },
        schema={"received": pl.Int64, "device": pl.Int32},
    ).group_by(hour, "device").agg(quarantined=pl.len())
    received = pl.DataFrame(
        [(hour_us, device, n) for (hour_us, device), n in batch.received.items()],
        schema={"hour": pl.Int64, "device": pl.Int32, "received": pl.Int32},
        orient="row",
    )
    return pl.concat([received, fates, kept], how="diagonal_relaxed").group_by("hour", "device").agg(
        pl.col(*ledger.COUNTS).sum().cast(pl.Int32)
    )


def _save_status(connection: Connection, online: dict[int, tuple[bool, int]]) -> None:
    at = np.array([time for _, time in online.values()], "i8")
    connection.execute(
        query("series", "device_status"),
        {
            "device": Array(np.array(list(online), "i4")),
            "online": [word for word, _ in online.values()],
            "at": Array(at, times=True),
        },
    )
