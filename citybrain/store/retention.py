"""Retention: dropping what the settings no longer keep, counted so that the ledger still adds up."""

from __future__ import annotations

from datetime import datetime, timedelta

from psycopg import sql

from citybrain.settings import Settings
from citybrain.store import quarantine
from citybrain.store.connection import Connection
from citybrain.store.sql import query


def enforce(connection: Connection, settings: Settings, now: datetime) -> dict[str, int]:
    """Drop whole chunks, and entries of the quarantine, that are older than the settings keep, and what is over.

    Args:
        connection: of the owner.
        settings: how many days each is kept; 0: for ever.
        now: what the days are counted from.

    Returns:
        How many chunks, entries, sessions and kept answers were dropped, by what they are called.
    """
    dropped = {"chunks of readings": 0, "chunks of rollups": 0, "quarantine entries": 0}
    for what, name in {"sessions that are over": "sessions", "answers for repeated requests": "requests"}.items():
        dropped[what] = connection.execute(query("retention", name), {"now": now}).rowcount
    # A day more than ingest takes, so that nothing is dropped that could still be sent again and stored anew.
    slack = timedelta(days=1)
    if settings.retain_raw_days:
        before = now - timedelta(days=settings.retain_raw_days) - slack
        dropped["chunks of readings"] = _drop(connection, "reading", "count_readings", before)
    if settings.retain_rollup_days:
        before = now - timedelta(days=settings.retain_rollup_days) - slack
        dropped["chunks of rollups"] = _drop(connection, "rollup", "count_rollups", before)
    if settings.retain_quarantine_days:
        before = now - timedelta(days=settings.retain_quarantine_days)
        dropped["quarantine entries"] = quarantine.expire(connection, before)
    return dropped


def tighten(connection: Connection, pages: int = 1000) -> int:
    """Make indexes of rollups anew that have become loose, while collectors and readers go on; how many.

    Args:
        connection: of the owner, in no transaction.
        pages: of 8 KiB that an index has at least to be worth it.
    """
    connection.execute(query("retention", "estimate"))
    loose = connection.execute(query("retention", "loose_indexes"), {"pages": pages}).fetchall()
    for schema, index in loose:
        connection.execute(sql.SQL("reindex index concurrently {}").format(sql.Identifier(schema, index)))
    return len(loose)


def _drop(connection: Connection, table: str, count: str, before: datetime) -> int:
    """Count and drop the chunks of `table` that end before `before`, each in a transaction of its own."""
    chunks = connection.execute(query("retention", "old_chunks"), {"table": table, "before": before}).fetchall()
    for schema, chunk, high in chunks:
        bounds = {"high": sql.Literal(high), "table": sql.Literal(table)}
        with connection.transaction():
            # First wait for whoever reads the chunk, while collectors go on; then nobody may add to what is counted.
            connection.execute(sql.SQL("lock table {} in access exclusive mode").format(sql.Identifier(schema, chunk)))
            connection.execute(sql.SQL("lock table {} in share row exclusive mode").format(sql.Identifier(table)))
            connection.execute(sql.SQL(query("retention", count)).format(**bounds))
            connection.execute(sql.SQL(query("retention", "drop")).format(**bounds))
    return len(chunks)
