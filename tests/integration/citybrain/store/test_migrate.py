"""Migrations: from empty, again, by role, and the errors that a person can mend."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from citybrain.catalogue.model import Catalogue
from citybrain.store.connection import connect
from citybrain.store.migrate import MIGRATIONS, MigrationError, migrate, pending
from citybrain.store.sql import query
from deploy.local.servers import Database
from tests.integration.conftest import new_database


def schema(url: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "select table_name, column_name, data_type from information_schema.columns "
            "where table_schema = 'public' and table_name not like '%%yoyo%%' order by 1, ordinal_position"
        ).fetchall()


def test_from_empty_and_again(database_server: Database, catalogue: Catalogue) -> None:
    url = new_database(database_server.url, "test_migrate_again")
    assert pending(url) == sorted(path.stem for path in MIGRATIONS.glob("*.sql"))
    first = migrate(url, catalogue)
    before = schema(url)
    assert pending(url) == []
    assert migrate(url, catalogue, chunk_hours=24) == first
    assert schema(url) == before
    with psycopg.connect(url) as connection:
        assert connection.execute(query("readings", "chunk_span")).fetchone() == (86_400_000_000,)
        assert connection.execute("select count(*) from region").fetchone() == (len(catalogue.regions),)


def test_a_migration_that_was_killed_does_not_lock_out_the_next(database_server: Database) -> None:
    url = new_database(database_server.url, "test_migrate_killed")
    migrate(url)
    with psycopg.connect(url) as connection:
        connection.execute("insert into yoyo_lock (locked, ctime, pid) values (1, now(), 1)")
    migrate(url)


def test_boards_see_their_views_and_nothing_else(database: str) -> None:
    with connect(database, "board", "test") as connection:
        views = [name for (name,) in connection.execute(query("reconcile", "board_views")).fetchall()]
        assert "board_reading" in views
        for view in views:
            connection.execute(sql.SQL("select * from {} limit 1").format(sql.Identifier(view)))
        tables = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        for (table,) in tables:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(sql.SQL("select 1 from {} limit 1").format(sql.Identifier(table)))
        for statement in ("create table mine (x int)", "select pg_notify('x', '')", "select pg_advisory_lock(1)"):
            with pytest.raises(psycopg.Error):
                connection.execute(statement)


def test_boards_see_standbys_and_not_what_others_ask(database: str) -> None:
    with psycopg.connect(database) as connection:
        may = "select pg_has_role(%s, 'pg_read_all_stats', 'usage')"
        assert [connection.execute(may, [f"citybrain_{role}"]).fetchone() for role in ("owner", "board", "writer")] == [
            (True,),
            (False,),
            (False,),
        ]
        connection.execute("set role citybrain_board")
        assert connection.execute("select * from standbys()").fetchall() == []


def test_who_may_not_let_the_owner_see_standbys_migrates_all_the_same(database: str) -> None:
    warnings: list[str | None] = []
    with psycopg.connect(database) as connection:
        connection.add_notice_handler(lambda diagnostic: warnings.append(diagnostic.message_primary))
        connection.execute("revoke pg_read_all_stats from citybrain_owner")
        connection.execute("set local role citybrain_owner")
        connection.execute(query("prepare", "statistics"))
        connection.execute("set local role citybrain_board")
        assert connection.execute("select * from standbys()").fetchall() == []
        connection.rollback()
    assert [text for text in warnings if text and text.startswith("the metrics will not show standbys")]


def test_the_writer_can_not_change_the_schema_or_the_secret(database: str) -> None:
    with connect(database, "writer", "test") as connection:
        for statement in ("drop table reading", "update installation set session_secret = 'known'"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_every_board_view_says_what_it_is(database: str) -> None:
    with psycopg.connect(database) as connection:
        silent = connection.execute(
            "select viewname from pg_views where viewname like 'board\\_%' "
            "and obj_description(viewname::regclass) is null"
        ).fetchall()
    assert silent == []


def test_a_server_that_is_away_is_one_sentence() -> None:
    with pytest.raises(MigrationError, match="can't be reached"):
        migrate("postgresql://nobody@127.0.0.1:1/none")


def test_a_role_without_rights_is_told_what_to_do(database_server: Database) -> None:
    url = new_database(database_server.url, "test_migrate_poor")
    with psycopg.connect(database_server.url, autocommit=True) as connection:
        connection.execute("drop role if exists poor")
        connection.execute("create role poor login")
    with pytest.raises(MigrationError, match="administrator"):
        migrate(url.replace("postgres@", "poor@"))
