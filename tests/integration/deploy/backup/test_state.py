"""Two databases with the same content are told alike, and the least difference is told."""

from __future__ import annotations

import psycopg

from deploy.backup import state


def test_the_same_content_is_no_difference(database: str) -> None:
    assert state.differences(state.read(database), state.read(database)) == []


def test_one_changed_value_among_equal_counts_is_a_difference(database: str) -> None:
    before = state.read(database)
    with psycopg.connect(database) as connection:
        connection.execute("update region set title_en = 'Linhe district' where id = '150802'")
    (difference,) = state.differences(before, state.read(database))
    assert difference.startswith("public.region: ")


def test_a_table_that_is_gone_is_a_difference(database: str) -> None:
    before = state.read(database)
    with psycopg.connect(database) as connection:
        connection.execute("drop table ledger cascade")
    assert [line for line in state.differences(before, state.read(database)) if line.endswith("no such table found")]


def test_the_order_of_rows_is_none(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("create table pair (name text); insert into pair values ('a'), ('b')")
    before = state.read(database)
    with psycopg.connect(database) as connection:
        connection.execute("truncate pair; insert into pair values ('b'), ('a')")
    assert state.differences(before, state.read(database)) == []
