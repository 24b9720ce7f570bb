"""Connections to the store, each in one of the four roles."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, TypeVar

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

Role = Literal["owner", "writer", "board", "rules"]
Connection = psycopg.Connection[TupleRow]
T = TypeVar("T")

# A dead peer on another host is noticed in about ten seconds, on both sides.
KEEPALIVE = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 4,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}

# A holder of a lock that has stopped without dying loses its connection, and with it the lock, after so long.
HOLDER_IDLE = "set idle_session_timeout = '8s'"

AWAKE_S = 1.0  # seconds between two signs of life while work goes on that asks the server for nothing

# lock_timeout: nobody waits for ever. Readers give up before a long snapshot hurts the writers.
SESSION: dict[Role, dict[str, str]] = {
    "owner": {"lock_timeout": "30s"},
    "writer": {
        "synchronous_commit": "on",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "8s",
        "tcp_keepalives_idle": "4",
        "tcp_keepalives_interval": "2",
        "tcp_keepalives_count": "3",
    },
    "board": {
        "default_transaction_read_only": "on",
        "statement_timeout": "30s",
        "idle_in_transaction_session_timeout": "30s",
    },
    "rules": {
        "default_transaction_read_only": "on",
        "statement_timeout": "5s",
        "idle_in_transaction_session_timeout": "10s",
    },
}


def connect(url: str, role: Role, application: str) -> Connection:
    """Open an autocommit connection to `url` that acts as `citybrain_<role>`, in UTC.

    Raises:
        psycopg.OperationalError: the server can't be reached or refuses.
    """
    connection = psycopg.connect(conninfo(url, application), autocommit=True)
    configure(connection, role)
    return connection


def conninfo(url: str, application: str) -> str:
    """What libpq is told to connect to `url`; what the URL itself says wins over our defaults."""
    own = {name: value for name, value in KEEPALIVE.items() if name not in conninfo_to_dict(url)}
    return make_conninfo(url, application_name=f"citybrain {application}", **own)


def configure(connection: Connection, role: Role) -> None:
    """Make an open connection act as `citybrain_<role>` with the session settings of that role."""
    connection.execute(session(role))


def session(role: Role) -> sql.Composed:
    """The statement that makes a connection act as `citybrain_<role>`; an async connection executes it itself."""
    statement = sql.SQL("set time zone 'UTC'; set role {}").format(sql.Identifier(f"citybrain_{role}"))
    for name, value in SESSION[role].items():
        statement += sql.SQL("; set {} = {}").format(sql.Identifier(name), sql.Literal(value))
    return statement


def awake(connection: Connection, work: Callable[[], T]) -> T:
    """Do work that may take longer than the connection, which holds a lock or a transaction, may be idle."""
    with ThreadPoolExecutor(1) as pool:
        doing = pool.submit(work)
        while True:
            try:
                return doing.result(AWAKE_S)
            except TimeoutError:
                if doing.done():
                    raise
                connection.execute("select 1")
