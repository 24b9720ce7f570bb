"""Rows of named statements, as whatever kind the caller names."""

from __future__ import annotations

from typing import Any, TypeVar

from psycopg.rows import class_row, tuple_row

from citybrain.store.pools import Reader
from citybrain.store.sql import query

Row = TypeVar("Row")


async def rows(reader: Reader, kind: type[Row], file: str, name: str, /, **values: object) -> list[Row]:
    """The rows of the block `name` of `file`.sql, each made into a `kind` by the names of its columns.

    Raises:
        citybrain.store.pools.UNAVAILABLE: the database can't be read.
    """
    async with reader.cursor(row_factory=class_row(kind)) as cursor:
        # Planned for its very values: they exclude chunks, and switch off the filters that are null.
        await cursor.execute(query(file, name), values, prepare=False)
        return await cursor.fetchall()


async def tuples(reader: Reader, file: str, name: str, /, **values: object) -> list[tuple[Any, ...]]:
    """Likewise, for long lists: each row as it comes.

    Raises:
        citybrain.store.pools.UNAVAILABLE: the database can't be read.
    """
    async with reader.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(query(file, name), values, prepare=False)
        return await cursor.fetchall()
