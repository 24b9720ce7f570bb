"""The real migration on the community edition: compression by policy, and what comes late after it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import polars as pl
import psycopg
import pytest

from citybrain.catalogue.model import Catalogue
from citybrain.store.connection import Connection, connect
from citybrain.store.migrate import migrate, pending
from citybrain.store.readings import Readings
from citybrain.store.state import SeriesState

CHUNK_HOURS = 168
MINUTE_US = 60_000_000
SPAN_US = CHUNK_HOURS * 60 * MINUTE_US
START_US = int(datetime(2025, 1, 6, tzinfo=UTC).timestamp()) * 1_000_000  # old enough for the policy, any day
JOBS = """
select job_id, config ->> 'compress_after' from timescaledb_information.jobs
where proc_name = 'policy_compression' and hypertable_name = 'reading'
"""


@pytest.fixture(scope="module")
def migrated(url: str, catalogue: Catalogue) -> str:
    migrate(url, catalogue, CHUNK_HOURS)
    return url


@pytest.fixture(scope="module")
def compressed(migrated: str) -> str:
    """A store with an hour of minutes of series 1, whose chunk the policy has compressed."""
    with connect(migrated, "writer", "test") as connection:
        insert(connection, minutes(series=1, of=range(60)))
    with psycopg.connect(migrated, autocommit=True) as connection:
        for job, _ in connection.execute(JOBS).fetchall():
            connection.execute("call run_job(%s)", (job,))
        chunks = connection.execute(
            "select is_compressed from timescaledb_information.chunks where hypertable_name = 'reading'"
        )
        assert chunks.fetchall() == [(True,)]
    return migrated


@pytest.fixture
def writer(compressed: str) -> Iterator[Connection]:
    """A connection as a collector has it."""
    with connect(compressed, "writer", "test") as connection:
        yield connection


def minutes(series: int, of: range) -> pl.DataFrame:
    """Readings of one series, one for each minute `of` the hour, its value the minute."""
    minute = np.arange(of.start, of.stop)
    return pl.DataFrame(
        {
            "series": np.full(len(minute), series, "i4"),
            "time": START_US + minute * MINUTE_US,
            "value": minute.astype("f8"),
            "quality": np.zeros(len(minute), "i2"),
            "lag_s": np.zeros(len(minute), "i2"),
            "same_since": START_US + minute * MINUTE_US,
        }
    )


def insert(connection: Connection, readings: pl.DataFrame) -> None:
    with connection.transaction():
        Readings(connection, SPAN_US).insert(SeriesState(), readings)


def stored(connection: Connection, readings: pl.DataFrame) -> list[float]:
    """The stored values of the keys of `readings`, in its order; those not stored are left out."""
    with connection.transaction():
        found = Readings(connection, SPAN_US).stored(readings["series"].to_numpy(), readings["time"].to_numpy())
    return [value for _, value in sorted(zip(*found, strict=True))]


def test_edition_is_found_and_policy_set(migrated: str, catalogue: Catalogue) -> None:
    edition = migrate(migrated, catalogue, CHUNK_HOURS)

    assert edition.community
    assert pending(migrated) == []
    with psycopg.connect(migrated) as connection:
        assert [after for _, after in connection.execute(JOBS)] == ["7 days"]


def test_migrating_again_changes_nothing(migrated: str, catalogue: Catalogue) -> None:
    def schema() -> list[tuple[object, ...]]:
        with psycopg.connect(migrated) as connection:
            return (
                connection.execute(
                    "select table_name, column_name, data_type from information_schema.columns "
                    "where table_schema = 'public' order by 1, 2"
                ).fetchall()
                + connection.execute(JOBS).fetchall()
            )

    before = schema()
    migrate(migrated, catalogue, CHUNK_HOURS)
    assert schema() == before


def test_late_reading_goes_into_a_compressed_chunk(writer: Connection) -> None:
    late = minutes(series=2, of=range(3))
    assert stored(writer, late) == []

    insert(writer, late)

    assert stored(writer, late) == [0, 1, 2]


def test_duplicate_in_a_compressed_chunk_is_found(writer: Connection) -> None:
    assert stored(writer, minutes(series=1, of=range(58, 62))) == [58, 59]


def test_duplicate_in_a_compressed_chunk_is_refused(writer: Connection) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        insert(writer, minutes(series=1, of=range(59, 60)))


def test_reading_in_a_compressed_chunk_is_revised(writer: Connection) -> None:
    revised = minutes(series=1, of=range(10, 12)).with_columns(value=pl.lit(0.5), received=pl.col("time"))

    with writer.transaction():
        Readings(writer, SPAN_US).revise(SeriesState.load(writer), revised)

    assert stored(writer, minutes(series=1, of=range(9, 13))) == [9, 0.5, 0.5, 12]
