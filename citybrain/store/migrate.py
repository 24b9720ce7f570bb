"""Bring a database to the present release: roles, migrations, what depends on edition and settings, catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import psycopg
import yoyo
from psycopg import sql
from psycopg.types.json import Jsonb

from citybrain.catalogue.model import Catalogue, Domain, Metric
from citybrain.errors import Correctable
from citybrain.store.connection import Connection, connect
from citybrain.store.sql import query

MIGRATIONS = Path(__file__).parent / "migrations"
SERVER_VERSIONS = range(160_000, 190_000)  # PostgreSQL 16 to 18, as server_version_num


class MigrationError(Correctable):
    """The database can't be brought to this release; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Edition:
    """What the server's TimescaleDB can do."""

    license: str
    version: str

    @property
    def community(self) -> bool:
        """Whether compression and policies are there."""
        return self.license == "timescale"


# A migration that can't get its lock gives up, so that collectors don't queue behind it for as long as a dump takes.
OPTIONS = "-c role=citybrain_owner -c lock_timeout=30s"


def migrate(url: str, catalogue: Catalogue | None = None, chunk_hours: int = 168) -> Edition:
    """Bring the database at `url` to this release; again on an up-to-date one changes nothing.

    Args:
        url: of a login role that may create roles and extensions (or finds them made).
        catalogue: what to write into the catalogue tables; None leaves them.
        chunk_hours: hours that a new chunk of readings spans.

    Raises:
        MigrationError: the server lacks something; the text says what to do.
    """
    try:
        with _alone(url) as connection:
            _prepare(connection)
            _apply(url)
        with connect(url, "owner", "migrate") as connection:
            edition = _reconcile(connection, chunk_hours)
            if catalogue is not None:
                sync_catalogue(connection, catalogue, datetime.now(UTC))
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidAuthorizationSpecification) as error:
        raise MigrationError(
            f"The role of CITYBRAIN_DATABASE_URL may not do what a migration needs ({error}). Let an administrator "
            "run `citybrain db migrate` once with a superuser's URL; later ones need no special rights."
        ) from error
    except psycopg.errors.LockNotAvailable as error:
        raise MigrationError(
            "Somebody holds a table that a migration changes (a dump, a long query, a collector), so that it was not "
            "made. Stop what reads or writes for long, and run `citybrain db migrate` again."
        ) from error
    except psycopg.OperationalError as error:
        raise MigrationError(f"The database can't be reached: {error}") from error
    except psycopg.errors.UndefinedFile as error:
        raise MigrationError(
            "The server has no TimescaleDB. Install the package timescaledb for its PostgreSQL version and add "
            "timescaledb to shared_preload_libraries."
        ) from error
    return edition


def pending(url: str) -> list[str]:
    """Names of the migrations that the database at `url` has not had yet."""
    with psycopg.connect(url, connect_timeout=5) as connection:
        there = connection.execute("select to_regclass('_yoyo_migration')").fetchone()
        applied = connection.execute("select migration_id from _yoyo_migration") if there and there[0] else ()
        had = {id for (id,) in applied}
    return [migration.id for migration in yoyo.read_migrations(str(MIGRATIONS)) if migration.id not in had]


@contextmanager
def _alone(url: str) -> Iterator[Connection]:
    """Hold off any other migration of this database, on a connection of the login role."""
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        connection.execute("select pg_advisory_lock(hashtextextended('citybrain migrate', 0))")
        yield connection


def _prepare(connection: Connection) -> None:
    version = connection.info.server_version
    if version not in SERVER_VERSIONS:
        raise MigrationError(f"The server is PostgreSQL {version // 10_000}; this release supports 16, 17 and 18.")
    # "Already exists, skipping" is no news.
    connection.execute("set client_min_messages = warning")
    for name in ("extension", "roles", "schema", "quiet_readers", "statistics"):
        connection.execute(query("prepare", name))


def _apply(url: str) -> None:
    with yoyo.get_backend(_yoyo_url(url)) as backend:
        # We are alone: whoever left this lock was killed.
        backend.break_lock()
        with backend.lock():
            backend.apply_migrations(backend.to_apply(yoyo.read_migrations(str(MIGRATIONS))))


def _yoyo_url(url: str) -> str:
    # Its tables belong to the owner, too, so that any login role that may act as the owner can migrate.
    _, place, path, parameters, fragment = urlsplit(url)
    options = urlencode({"options": OPTIONS}, quote_via=quote)
    return urlunsplit(("postgresql+psycopg", place, path, f"{parameters}&{options}".lstrip("&"), fragment))


def _reconcile(connection: Connection, chunk_hours: int) -> Edition:
    row = connection.execute(query("reconcile", "edition")).fetchone()
    assert row is not None  # noqa: S101  a select without a from has one row
    edition = Edition(license=row[0], version=row[1])
    connection.execute(query("reconcile", "grants"))
    connection.execute(query("reconcile", "standbys"))
    for (view,) in connection.execute(query("reconcile", "board_views")).fetchall():
        connection.execute(
            sql.SQL("grant select on {} to citybrain_board, citybrain_writer").format(sql.Identifier(view))
        )
    for (view,) in connection.execute(query("reconcile", "rule_views")).fetchall():
        connection.execute(sql.SQL("grant select on {} to citybrain_rules").format(sql.Identifier(view)))
    connection.execute(query("reconcile", "chunk_interval"), {"hours": chunk_hours})
    if edition.community:
        connection.execute(query("reconcile", "columnstore"))
        connection.execute(query("reconcile", "columnstore_policy"))
    return edition


def sync_catalogue(connection: Connection, catalogue: Catalogue, now: datetime) -> None:
    """Write the catalogue into its tables, in one transaction; `now` is when its devices were first seen."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            query("catalogue", "region"),
            [
                {"id": r.id, "level": r.level, "parent": r.parent, "zh": r.title.zh, "en": r.title.en}
                for root in catalogue.regions.values()
                if root.parent is None
                for r in map(catalogue.regions.__getitem__, catalogue.below(root.id))
            ],
        )
        cursor.executemany(
            query("catalogue", "domain"),
            [{"id": d.id, "zh": d.title.zh, "en": d.title.en} for d in catalogue.domains.values()],
        )
        cursor.executemany(
            query("catalogue", "metric"),
            [_metric_row(d, m) for d in catalogue.domains.values() for m in d.metrics.values()],
        )
        cursor.executemany(
            query("catalogue", "site"),
            [
                {
                    "id": s.id,
                    "region": s.region,
                    "domain": s.domain,
                    "kind": s.kind,
                    "zh": s.title.zh,
                    "en": s.title.en,
                    "longitude": s.longitude,
                    "latitude": s.latitude,
                    "attributes": Jsonb(s.attributes),
                }
                for s in catalogue.sites.values()
            ],
        )
        cursor.executemany(
            query("catalogue", "device"),
            [
                {
                    "region": d.region,
                    "domain": d.domain,
                    "name": d.name,
                    "site": d.site,
                    "gateway": d.gateway,
                    "now": now,
                }
                for d in catalogue.devices.values()
            ],
        )
        cursor.execute(query("catalogue", "written"))


def _metric_row(domain: Domain, metric: Metric) -> dict[str, object]:
    return {
        "domain": metric.domain,
        "name": metric.name,
        "zh": metric.title.zh,
        "en": metric.title.en,
        "kind": metric.kind,
        "unit": metric.unit,
        "low": metric.low,
        "high": metric.high,
        "max_step": metric.max_step,
        "stuck_after": metric.stuck_after,
        "interval": metric.interval,
        "reports": metric.reports,
        "revises": metric.revises,
        "derived": metric.derived,
        "states": Jsonb(metric.states),
        "feeds": [d.function for d in domain.derivations if metric.name in d.inputs],
    }
