"""Queries that only read what they may pass; all others are refused, whatever they look like."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain import store
from rules.grammar.queries import VIEWS, check


def test_the_views_are_those_of_the_store() -> None:
    migrations = Path(store.__file__).parent.glob("migrations/*.sql")
    created = [re.findall(r"create view (rule_\w+)", path.read_text(encoding="utf-8")) for path in migrations]
    assert sorted(VIEWS) == sorted(name for names in created for name in names)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT series, value FROM Rule_Latest",
        "SELECT series, value FROM rule_latest",
        "SELECT * FROM rule_latest WHERE time > :now - interval '1 hour'",
        "WITH a AS (SELECT series, value FROM rule_hour), b AS (SELECT * FROM a) SELECT series, value FROM b",
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 9)"
        " SELECT series, n.i AS value FROM rule_latest, n",
        "SELECT series, percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS value FROM rule_hour GROUP BY 1",
        "SELECT series, 1 AS value FROM rule_series WHERE metres(place, point(107, 40)) < 200",
        "SELECT l.series, g AS value FROM rule_latest l CROSS JOIN generate_series(1, 3) g",
        "SELECT series, value FROM rule_latest UNION ALL SELECT series, value FROM rule_hour",
        "SELECT series, attributes ->> 'network' AS value FROM rule_latest -- DELETE\n",
        "SELECT series, 'pg_sleep(1)' AS value FROM rule_latest;",
        "SELECT subject, value FROM (SELECT series AS subject, max(value) AS value FROM rule_hour GROUP BY 1) x",
    ],
)
def test_queries_that_read(sql: str) -> None:
    assert check(sql, {"value"}, "series") == []


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("", "exactly one SELECT"),
        ("SELECT 1; SELECT 2", "exactly one SELECT"),
        ("DELETE FROM rule_hour", "exactly one SELECT"),
        ("VALUES (1)", "exactly one SELECT"),
        ("EXPLAIN SELECT 1", "exactly one SELECT"),
        ("COPY rule_hour TO '/tmp/x'", "exactly one SELECT"),
        ("SELECT * INTO stolen FROM rule_hour", "INTO"),
        ("SELECT * FROM rule_hour FOR UPDATE", "a lock"),
        ("SELECT * FROM rule_hour FOR KEY SHARE SKIP LOCKED", "a lock"),
        ("WITH x AS (INSERT INTO rule_hour VALUES (1) RETURNING 1) SELECT * FROM x", "INSERT is not allowed"),
        ("WITH x AS (UPDATE rule_hour SET n = 1 RETURNING 1) SELECT * FROM x", "UPDATE is not allowed"),
        ("SELECT * FROM reading", "reading is no view"),
        ("SELECT * FROM pg_catalog.pg_class", "pg_catalog.pg_class is no view"),
        ("SELECT * FROM information_schema.tables", "is no view"),
        ("SELECT * FROM public.rule_hour", "is no view"),
        ('SELECT * FROM "RULE_HOUR"', "is no view"),
        ("SELECT * FROM rule_hour WHERE value > (SELECT max(value) FROM reading)", "reading is no view"),
        (
            "SELECT * FROM rule_hour, (WITH reading AS (SELECT 1) SELECT * FROM reading) x, reading",
            "reading is no view",
        ),
        ("WITH reading AS (SELECT * FROM reading) SELECT * FROM reading", "reading is no view"),
        ("SELECT * FROM rule_hour, LATERAL (SELECT * FROM device) d", "device is no view"),
        ("SELECT * FROM dblink('host=x', 'select 1') AS t(a int)", "dblink"),
        ("SELECT * FROM pg_ls_dir('.') x", "pg_ls_dir"),
        ("SELECT pg_sleep(99), * FROM rule_hour", "pg_sleep is not allowed"),
        ("SELECT pg_catalog.pg_sleep(99), * FROM rule_hour", "pg_sleep is not allowed"),
        ('SELECT "pg_sleep"(99), * FROM rule_hour', "pg_sleep is not allowed"),
        ("SELECT Set_Config('role', 'postgres', false), * FROM rule_hour", "set_config is not allowed"),
        ("SELECT current_setting('data_directory'), * FROM rule_hour", "current_setting is not allowed"),
        ("SELECT lo_import('/etc/passwd'), * FROM rule_hour", "lo_import is not allowed"),
        ("SELECT query_to_xml('select 1', true, true, ''), * FROM rule_hour", "query_to_xml is not allowed"),
        ("SELECT * FROM rule_hour WHERE hour = :then_", "unknown parameter :then_"),
        ("SELECT * FROM rule_hour WHERE hour = $1", "unknown parameter"),
        ("SELECT * FROM rule_hour WHERE hour = ?", "unknown parameter"),
        ("SELECT series, value AS x FROM rule_hour", "value is declared and not selected"),
        ("SELECT series, value, n FROM rule_hour", "n is selected and not declared"),
        ("SELECT value FROM rule_hour", "select a column series or subject"),
        ("SELECT series, max(value) FROM rule_hour GROUP BY 1", "has no name"),
        ("SELECT series FROM", "not valid SQL"),
        ("SELECT " + "(" * 5000 + "1" + ")" * 5000, "nested too deeply"),
    ],
)
def test_queries_that_are_refused(sql: str, reason: str) -> None:
    messages = [mistake.message for mistake in check(sql, {"value"}, "series")]
    assert any(reason in message for message in messages), messages


@given(st.text(st.sampled_from("SELECT FROM rule_hour;'\"()$:*,--/\n\x00é"), max_size=60))
def test_no_text_makes_it_fail(text: str) -> None:
    assert check(text, {"value"}, "series")
