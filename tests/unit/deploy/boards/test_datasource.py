"""The stand-in for Grafana's data source does what Grafana's own tests of it say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.integration.deploy.boards.datasource import Chosen, expanded, interpolated

START, END = datetime(2018, 4, 12, 18, 0, tzinfo=UTC), datetime(2018, 4, 12, 18, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("statement", "chosen", "sent"),
    [
        ("host IN ($host)", Chosen(["srv1", "srv2"]), "host IN ('srv1','srv2')"),
        ("host IN (${host:sqlstring})", Chosen(["srv1", "srv2"]), "host IN ('srv1','srv2')"),
        ("host = '$host'", Chosen(["server01"], multi=False), "host = 'server01'"),
        ("host = '$host'", Chosen(["O'Brien"], multi=False), "host = 'O''Brien'"),
        ("host IN ($host)", Chosen(["O'Brien", "D'Angelo"]), "host IN ('O''Brien','D''Angelo')"),
        ("host IN ($host)", Chosen(everything="*"), "host IN (*)"),
        ("host IN (${host:sqlstring})", Chosen(everything="'*'"), "host IN ('*')"),
        ("$__timeFilter(ts) AND $other", Chosen(["a"]), "$__timeFilter(ts) AND $other"),
    ],
)
def test_variables(statement: str, chosen: Chosen, sent: str) -> None:
    assert interpolated(statement, {"host": chosen}) == sent


@pytest.mark.parametrize(
    ("statement", "sent"),
    [
        ("select $__time(time_column)", 'select time_column AS "time"'),
        (
            "where $__timeFilter(time_column)",
            "where time_column BETWEEN '2018-04-12T18:00:00Z' AND '2018-04-12T18:05:00Z'",
        ),
        ("select $__timeFrom(), $__timeTo()", "select '2018-04-12T18:00:00Z', '2018-04-12T18:05:00Z'"),
        ("GROUP BY $__timeGroup(time_column,'5m')", "GROUP BY time_bucket('300.000s',time_column)"),
        ("select $__timeGroup(time_column , '5m'), v", "select time_bucket('300.000s',time_column) AS \"time\", v"),
    ],
)
def test_macros(statement: str, sent: str) -> None:
    assert expanded(statement, START, END) == sent


def test_a_macro_that_there_is_none_of() -> None:
    with pytest.raises(ValueError, match="unknown macro __timeGruop"):
        expanded("select $__timeGruop(a, 1m)", START, END)
