"""What a database holds, told so that two databases can be compared to the row."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import psycopg
from psycopg import sql

from citybrain.store.sql import read as read_sql

SQL = Path(__file__).with_suffix(".sql")


class Content(NamedTuple):
    """What a table holds: its rows, and the sum of a 64-bit hash of each."""

    rows: int
    checksum: int


State = Mapping[str, Content]
"""The content of each table, by `schema.table`."""


def read(url: str) -> State:
    """What every table holds, all as of one instant. Needs a superuser, or whoever may read all of them."""
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        tables = connection.execute(read_sql(SQL)["tables"]).fetchall()
        return {f"{schema}.{table}": _content(connection, schema, table) for schema, table in tables}


def differences(wanted: State, found: State) -> list[str]:
    """A sentence for each table that is not as it should be."""
    return [
        f"{table}: {_said(wanted.get(table))} wanted, {_said(found.get(table))} found"
        for table in sorted({*wanted, *found})
        if wanted.get(table) != found.get(table)
    ]


def _content(connection: psycopg.Connection, schema: str, table: str) -> Content:
    row = connection.execute(sql.SQL(read_sql(SQL)["content"]).format(table=sql.Identifier(schema, table))).fetchone()
    assert row is not None  # noqa: S101  an aggregate has one row
    return Content(row[0], int(row[1]))


def _said(content: Content | None) -> str:
    return "no such table" if content is None else f"{content.rows} rows (checksum {content.checksum})"
