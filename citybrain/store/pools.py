"""Pools of connections for a server that answers many: each connection acts in one role."""

from __future__ import annotations

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, ConnectionPool, PoolTimeout

from citybrain.store.connection import Connection, Role, configure, conninfo, session

Reader = AsyncConnection[TupleRow]
Readers = AsyncConnectionPool[Reader]
Writers = ConnectionPool[Connection]

UNAVAILABLE = (psycopg.Error, PoolTimeout, TimeoutError)
"""What a pool's connection raises when the database is away, not migrated, or too slow."""

STATEMENT_S = 30  # seconds that one statement of a writer may take while others wait for its connection
PATIENCE_S = 2.0  # seconds that one waits for a connection, and that a lost one is tried again


def readers(url: str, application: str, role: Role, most: int) -> Readers:
    """At most `most` async connections that act as `citybrain_<role>`; not open yet, and the database may be away."""

    async def act(reader: Reader) -> None:
        await reader.execute(session(role))

    return AsyncConnectionPool(
        conninfo(url, application),
        connection_class=AsyncConnection[TupleRow],
        kwargs={"autocommit": True},
        configure=act,
        check=AsyncConnectionPool.check_connection,  # after a restart of the database all are dead
        min_size=1,
        max_size=most,
        timeout=PATIENCE_S,
        reconnect_timeout=PATIENCE_S,
        name=application,
        open=False,
    )


def writers(url: str, application: str, most: int) -> Writers:
    """At most `most` connections that act as `citybrain_writer`, for threads; likewise."""

    def act(connection: Connection) -> None:
        configure(connection, "writer")
        connection.execute(f"set statement_timeout = '{STATEMENT_S}s'")

    return ConnectionPool(
        conninfo(url, application),
        connection_class=psycopg.Connection[TupleRow],
        kwargs={"autocommit": True},
        configure=act,
        check=ConnectionPool.check_connection,
        min_size=1,
        max_size=most,
        timeout=PATIENCE_S,
        reconnect_timeout=PATIENCE_S,
        name=f"{application} writer",
        open=False,
    )
