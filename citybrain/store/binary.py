"""numpy columns to and from PostgreSQL's binary formats, without a Python object a value.

Layouts: `COPY ... (format binary)` and the array type's send function, PostgreSQL documentation, sql-copy
("Binary Format") and src/backend/utils/adt/arrayfuncs.c.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

UNIX_TO_POSTGRES_US = 946_684_800_000_000  # microseconds from 1970-01-01 to 2000-01-01, both UTC
NEVER = np.iinfo(np.int64).min  # '-infinity', in our columns and in PostgreSQL's

_COPY_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_COPY_TRAILER = b"\xff\xff"
_OIDS = {"i2": 21, "i4": 23, "i8": 20, "f8": 701}
_TIMESTAMPTZ_OID = 1184

Column = npt.NDArray[Any]


def to_postgres(times: Column) -> Column:
    """Microseconds since 1970 as microseconds since 2000; NEVER stays."""
    return np.where(times == NEVER, NEVER, times - UNIX_TO_POSTGRES_US)


def from_postgres(times: Column) -> Column:
    """Microseconds since 2000 as microseconds since 1970; NEVER stays."""
    return np.where(times == NEVER, NEVER, times + UNIX_TO_POSTGRES_US)


class Array:
    """A numpy column as a parameter of an array type; the statement says which: `%s::int4[]`.

    Args:
        column: i2, i4, i8 or f8, without nulls.
        times: the column is microseconds since 1970, for `%s::timestamptz[]`.
    """

    __slots__ = ("data",)

    def __init__(self, column: Column, *, times: bool = False) -> None:
        kind = column.dtype.str[1:]
        oid = _TIMESTAMPTZ_OID if times else _OIDS[kind]
        cells = np.empty(len(column), np.dtype([("length", ">i4"), ("value", ">" + kind)]))
        cells["length"] = column.dtype.itemsize
        cells["value"] = to_postgres(column) if times else column
        dimensions = [1, 0, oid, len(column), 1] if len(column) else [0, 0, oid]
        self.data = np.array(dimensions, ">i4").tobytes() + cells.tobytes()


class _ArrayDumper(Dumper):
    format = Format.BINARY
    oid = 0  # unknown: the statement's cast decides

    def dump(self, obj: Array) -> Buffer:
        return obj.data


psycopg.adapters.register_dumper(Array, _ArrayDumper)


def _row_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for name in dtype.names or ():
        fields += [(f"length of {name}", ">i4"), (name, ">" + dtype[name].str[1:])]
    return np.dtype(fields)


def copy_data(rows: Column, times: Iterable[str]) -> bytes:
    """A structured array as the bytes of `COPY ... FROM STDIN (format binary)`; `times` names its time columns."""
    names = rows.dtype.names or ()
    cells = np.empty(len(rows), _row_type(rows.dtype))
    cells["fields"] = len(names)
    for name in names:
        cells[f"length of {name}"] = rows.dtype[name].itemsize
        cells[name] = rows[name]
    for name in times:
        cells[name] = to_postgres(rows[name])
    return _COPY_HEADER + cells.tobytes() + _COPY_TRAILER


def copy_rows(
    connection: psycopg.Connection[Any], statement: str, dtype: np.dtype[Any], times: Iterable[str]
) -> Column:
    """The rows of `COPY (...) TO STDOUT (format binary)` as a structured array; no column may be null."""
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        data = b"".join(bytes(part) for part in copy)
    cells = np.frombuffer(data[len(_COPY_HEADER) : -len(_COPY_TRAILER)], _row_type(dtype))
    rows = np.empty(len(cells), dtype)
    for name in dtype.names or ():
        rows[name] = cells[name]
    for name in times:
        rows[name] = from_postgres(rows[name])
    return rows
