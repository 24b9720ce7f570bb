"""The drill: lose a database, restore it to an instant, and prove that every table is as it was then, to the row.

    python -m deploy.backup.drill [READINGS]

Real servers of its own (PostgreSQL, pgBackRest, Mosquitto) and a real collector, below a directory that is removed at
the end; nothing else on the machine is touched. Exits with 1, and a sentence for each thing that is not as it was.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from citybrain.store import ledger
from citybrain.store.connection import connect
from deploy.backup import state
from deploy.backup.city import MESSAGE, Devices, Platform
from deploy.backup.repository import Repository, settings_of_database
from deploy.backup.state import State
from deploy.local import LocalError
from deploy.local.servers import Database, mosquitto, postgres

READINGS = 50_000
PATIENCE_S = 900.0  # seconds to hand the log over, and to replay it


@dataclass(frozen=True)
class Outcome:
    """What a drill has shown; seconds are of the clock on the wall."""

    state: State
    """What every table held at the instant that was restored."""
    failures: list[str]
    """What is not as it should be."""
    waited: int
    """Readings that came while the database was away: the broker kept them, and they were stored."""
    lost: int
    """Readings newer than the instant: gone, until devices sent them again."""
    duplicate: int
    """Readings that devices sent again although the database had them."""
    database_bytes: int
    repository_bytes: int
    full_s: float
    """Of the full backup, while devices published."""
    diff_s: float
    """Of the differential one, likewise."""
    archive_s: float
    """From the end of the log's newest segment until the repository had it."""
    restore_s: float
    """Until the files were back ..."""
    recovery_s: float
    """... and from then until the server took changes."""
    copy_s: float
    """Of a bare copy of the lost data directory to the same disk, to compare with."""


def run(directory: Path, readings: int) -> Outcome:
    """Hold a drill with at least so many readings, below a directory.

    Raises:
        deploy.local.LocalError: a server, pgBackRest or a process of ours failed; the text says why.
    """
    share = -(-readings // (10 * MESSAGE))  # messages of each later step
    with postgres(directory, settings_of_database()) as database, mosquitto(directory) as broker:
        repository = Repository.beside(database.server)
        devices = Devices(broker.url, 20 * share, datetime.now(UTC))
        with Platform(database, broker, directory) as platform:
            return _drill(database, repository, devices, platform, share)


def _drill(database: Database, repository: Repository, devices: Devices, platform: Platform, share: int) -> Outcome:
    platform.run("db", "migrate")
    platform.run("rules", "apply")
    platform.collect()
    platform.wait_until_connected()
    devices.publish(10 * share)
    platform.wait_for(devices.readings)
    with devices.streaming():
        full_s = _seconds(lambda: repository.backup("full"))
    kept = devices.publish(share)
    with devices.streaming():
        diff_s = _seconds(lambda: repository.backup("diff"))
    before = platform.wait_for(devices.readings)

    # Nobody writes for a moment, so that there is no doubt what there is at the instant.
    platform.stop()
    instant, database_bytes, wanted = _instant(database)
    platform.collect()
    lost = devices.publish(share)
    platform.wait_for(devices.readings)
    platform.stop()
    archive_s = _accident(database, repository)
    copy_s = _destroy(database)
    waited = devices.publish(share)

    repository_bytes = repository.bytes()
    restore_s = _seconds(lambda: repository.restore(instant))
    recovery_s = _seconds(lambda: _recover(database))
    failures = state.differences(wanted, state.read(database.url))

    platform.collect()
    platform.wait_for(before.received + len(waited) * MESSAGE)
    again = range(kept.start, lost.stop)
    devices.send(again)
    after = platform.wait_for(before.received + (len(waited) + len(again)) * MESSAGE)
    stored, duplicate = after.stored - before.stored, after.duplicate - before.duplicate
    if stored != (len(waited) + len(lost)) * MESSAGE:
        failures.append(f"{stored} readings were stored after the restore, {(len(waited) + len(lost)) * MESSAGE} came")
    failures += _imbalance(database)
    return Outcome(
        state=wanted,
        failures=failures,
        waited=len(waited) * MESSAGE,
        lost=len(lost) * MESSAGE,
        duplicate=duplicate,
        database_bytes=database_bytes,
        repository_bytes=repository_bytes,
        full_s=full_s,
        diff_s=diff_s,
        archive_s=archive_s,
        restore_s=restore_s,
        recovery_s=recovery_s,
        copy_s=copy_s,
    )


def _instant(database: Database) -> tuple[datetime, int, State]:
    """An instant after which nobody has written yet; the size of the database, and what it holds."""
    with psycopg.connect(database.url) as connection:
        row = connection.execute("select clock_timestamp(), pg_database_size(current_database())").fetchone()
    assert row is not None  # noqa: S101  a select without a from has one row
    return row[0], row[1], state.read(database.url)


def _accident(database: Database, repository: Repository) -> float:
    """Destroy what an operator can destroy; the seconds until the log of it was in the repository, too."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("drop table reading cascade")
        connection.execute("drop table ledger cascade")
        row = connection.execute("select pg_walfile_name(pg_switch_wal())").fetchone()
    assert row is not None  # noqa: S101  a select without a from has one row
    begun = time.monotonic()
    while not repository.has(row[0]):
        if time.monotonic() - begun > PATIENCE_S:
            raise LocalError(f"{row[0]} of the log was not handed over; {database.log} may say why.")
        time.sleep(0.1)
    return time.monotonic() - begun


def _destroy(database: Database) -> float:
    """Kill the server and empty its data directory; the seconds that a bare copy of it took before."""
    database.kill()
    database.server.clear()
    data, copy = database.server.data, database.server.data.with_name("copy")
    copy_s = _seconds(lambda: _copy(data, copy))
    shutil.rmtree(copy)
    for path in data.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return copy_s


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target)
    os.sync()  # as pgBackRest does with what it writes


def _recover(database: Database) -> None:
    """Start the restored server, and wait until it has come to the instant and takes changes."""
    database.start()
    deadline = time.monotonic() + PATIENCE_S
    with psycopg.connect(database.url, autocommit=True) as connection:
        while connection.execute("select pg_is_in_recovery()").fetchone() != (False,):
            if time.monotonic() > deadline:
                raise LocalError(f"The restored server does not end its recovery; {database.log} may say why.")
            time.sleep(0.02)


def _imbalance(database: Database) -> list[str]:
    """What `citybrain ledger --verify` would complain of."""
    with connect(database.url, "writer", "drill") as connection:
        unbalanced = ledger.totals(connection).unbalanced
        wrong = ledger.verify(connection)
    hours = [f"{unbalanced} hours of the ledger do not add up"] if unbalanced else []
    return hours + [f"{one.device}: the ledger says {one.stored}, there are {one.rows}" for one in wrong]


def _seconds(work: Callable[[], None]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def main(readings: int) -> None:
    """Hold a drill, and tell what it has shown."""
    with tempfile.TemporaryDirectory() as name:
        outcome = run(Path(name), readings)
    rows = sum(content.rows for content in outcome.state.values())
    print(f"database     {outcome.database_bytes / 1e6:.0f} MB, {outcome.state['public.reading'].rows} readings")
    print(f"repository   {outcome.repository_bytes / 1e6:.0f} MB, of two backups and the log")
    print(f"backup       full {outcome.full_s:.1f} s, differential {outcome.diff_s:.1f} s, while devices published")
    print(f"log          in the repository {outcome.archive_s:.1f} s after its segment ended")
    print(f"restore      files {outcome.restore_s:.1f} s, recovery {outcome.recovery_s:.1f} s")
    print(f"bare copy    {outcome.copy_s:.1f} s, of the data directory as it was lost")
    print(f"proven       {rows} rows in {len(outcome.state)} tables, by count and checksum")
    print(f"afterwards   {outcome.waited} readings came from the broker's queue; of those sent again {outcome.lost}")
    print(f"             had been lost, {outcome.duplicate} were duplicates; the ledger agrees with the tables")
    if outcome.failures:
        sys.exit("\n".join(outcome.failures))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else READINGS)
