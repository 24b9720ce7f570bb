"""The server is what the migration test needs: TimescaleDB community, spoken to by psycopg."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.rows import TupleRow

START = datetime(2025, 1, 6, tzinfo=UTC)
ROWS = 5000
HYPERTABLE = """
create extension timescaledb;
create table reading (time timestamptz not null, value float8, series_id int);
select create_hypertable('reading', by_range('time', interval '7 days'));
create unique index on reading (series_id, time);
alter table reading set (timescaledb.compress, timescaledb.compress_segmentby = 'series_id');
select add_compression_policy('reading', interval '7 days');
"""
COPY = "copy reading (time, value, series_id) from stdin (format binary)"
INSERT = "insert into reading (time, value, series_id) values (%s, %s, %s)"

Connection = psycopg.Connection[TupleRow]


@pytest.fixture(scope="module")
def prepared(url: str) -> str:
    """A server with a hypertable that has a compression policy and 5,000 minutes, taken in by COPY."""
    with psycopg.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(HYPERTABLE)
        with cursor.copy(COPY) as copy:
            copy.set_types(["timestamptz", "float8", "int4"])
            for minute in range(ROWS):
                copy.write_row((START + timedelta(minutes=minute), minute / 10, minute % 10))
        assert cursor.rowcount == ROWS
    return url


@pytest.fixture
def connection(prepared: str) -> Iterator[Connection]:
    with psycopg.connect(prepared, autocommit=True) as connection:
        yield connection


def one(connection: Connection, statement: str) -> object:
    row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]


def test_edition_is_community(connection: Connection) -> None:
    assert one(connection, "show timescaledb.license") == "timescale"
    assert one(connection, "select count(*) from timescaledb_information.jobs where hypertable_name = 'reading'") == 1


def test_compressed_chunk_reads_as_before(connection: Connection) -> None:
    content = "select (count(*), sum(value), max(time))::text from reading"
    before = one(connection, content)

    connection.execute("select compress_chunk(chunk) from show_chunks('reading') chunk")

    assert one(connection, "select bool_and(is_compressed) from timescaledb_information.chunks") is True
    assert one(connection, content) == before


def test_error_leaves_the_connection_in_order(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        connection.execute("select 1 / %s", (0,))
    with (
        pytest.raises(psycopg.errors.UndefinedTable),
        connection.cursor().copy("copy nowhere from stdin") as copy,
    ):
        copy.write_row((1,))
    assert one(connection, "select 'still here'") == "still here"


def test_client_takes_its_transaction_and_settings_along(prepared: str) -> None:
    leaving = psycopg.connect(prepared, autocommit=True)
    leaving.execute("set search_path = nowhere, public")
    leaving.execute("begin")
    leaving.execute("delete from reading")
    leaving.close()

    with psycopg.connect(prepared) as connection:
        assert one(connection, "select count(*) from reading") == ROWS
        assert one(connection, "show search_path") == '"$user", public'


def test_client_waits_for_the_end_of_another_transaction(prepared: str) -> None:
    added = "select count(*) from reading where series_id = 99"
    with (
        psycopg.connect(prepared) as first,
        psycopg.connect(prepared) as second,
        ThreadPoolExecutor() as threads,
    ):
        first.execute(INSERT, (START, 1.0, 99))
        count = threads.submit(one, second, added)
        with pytest.raises(TimeoutError):
            count.result(timeout=0.3)
        first.rollback()
        assert count.result(timeout=10) == 0
