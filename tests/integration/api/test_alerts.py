"""Open alerts, as the API tells them; recorded with the rules that ship."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from api.app import FRESH_S
from citybrain.catalogue.model import Catalogue
from citybrain.settings import PROJECT
from citybrain.store.connection import connect
from citybrain.store.sql import query
from rules import sets
from rules.alerts import record
from rules.alerts.provenance import Background
from rules.grammar.load import load
from rules.host import directory
from rules.plans.load import indicators
from rules.plans.load import load as load_plans
from rules.transition import Kind, Transition

Serve = Callable[[str], AbstractContextManager[Any]]
NOW = datetime.now(UTC)


@dataclass
class Desk:
    """Rules in force, and an API over what is recorded of them."""

    url: str
    background: Background
    api: Any

    def record(
        self, severity: int, subject: str = "150802/air/air-dongsi/aqi", kind: Kind = "raised", **more: Any
    ) -> None:
        """Record a transition of air.aqi: its AQI is 20 above the limit of the step."""
        limit = {1: 300, 2: 200, 3: 150, 4: 100}[severity]
        series = next((s for s in self.background.series.values() if s.subject("series") == subject), None)
        found = Transition(
            rule="air.aqi",
            version=1,
            subject=subject,
            subject_kind="series",
            kind=kind,
            time_us=round((NOW - timedelta(minutes=5)).timestamp() * 1_000_000),
            severity=severity,
            step=severity,
            series=series.id if series else None,
            region="150802",
            domain="air",
            site=series.site if series else None,
            device=subject.split("/")[2],
            values={"value": limit + 20.0, "limit": float(limit)},
        )
        with connect(self.url, "writer", "test") as connection, connection.transaction():
            record.record(connection, [replace(found, **more)], self.background, NOW)

    def alerts(self) -> dict[str, Any]:
        time.sleep(FRESH_S)  # for so long everybody gets the answer that somebody got
        response = self.api.client.get("/api/v1/status")
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()["alerts"]
        return found

    def first(self) -> list[dict[str, Any]]:
        return list(self.alerts()["first"])


@pytest.fixture
def desk(database: str, catalogue: Catalogue, serve: Serve) -> Iterator[Desk]:
    plans = load_plans(PROJECT, catalogue)
    checked = load(PROJECT, catalogue, {name: found.unit for name, found in indicators(plans).items()})
    with connect(database, "writer", "test") as connection:
        sets.apply(connection, checked, plans, "test", NOW)
        connection.execute(
            "insert into series (device_id, metric_id) select d.id, m.id from device d join metric m using (domain_id)"
            " where d.name = 'air-dongsi' and m.name = 'aqi'"
        )
        series = {one.id: one for one in directory(connection)}
    with serve(database) as api:
        yield Desk(database, Background(checked.rules.rules, series, ZoneInfo("Asia/Shanghai")), api)


def test_an_alert_with_its_place_its_value_and_its_limit(desk: Desk) -> None:
    desk.record(1)

    (alert,) = desk.first()

    assert alert["title"] == {"zh": "空气质量达到污染级别", "en": "The air is polluted"}
    assert "东四" in alert["place"]["zh"]
    assert alert["region_title"]["en"] == "Linhe District"
    assert (alert["severity"], alert["raised"], alert["handling"]) == (1, True, "new")
    assert alert["values"] == [
        {"name": "value", "title": {"zh": "空气质量指数", "en": "Air quality index"}, "value": 320, "unit": "AQI"}
    ]
    (limit,) = alert["limits"]
    assert (limit["value"], limit["unit"], limit["confidence"]) == (300, "AQI", "A")
    assert "HJ 633" in limit["source"]
    assert alert["comparisons"] == [{"left": "value", "operator": ">", "right": "limit"}]
    assert alert["advice"]["en"].startswith("See which pollutant leads")
    assert desk.alerts()["counts"] == [{"severity": 1, "raised": 1, "unjudged": 1, "cleared": 0, "failing": 0}]


def test_what_is_raised_comes_first_then_the_worst_and_never_more_than_twenty(desk: Desk) -> None:
    desk.record(1, "150802/air/cleared/aqi")
    desk.record(1, "150802/air/cleared/aqi", "cleared")
    for number in range(22):
        desk.record(4, f"150802/air/blue-{number}/aqi")
    desk.record(2, "150802/air/orange/aqi")
    desk.record(1, "150802/air/red/aqi")

    found = desk.alerts()

    assert [alert["severity"] for alert in found["first"]] == [1, 2, *[4] * 18]
    assert all(alert["raised"] for alert in found["first"])
    assert [(count["severity"], count["raised"], count["cleared"]) for count in found["counts"]] == [
        (1, 1, 1),
        (2, 1, 0),
        (4, 22, 0),
    ]


def test_a_missed_deadline_lifts_an_alert_above_its_severity(desk: Desk) -> None:
    desk.record(2, "150802/air/orange/aqi")
    desk.record(3, "150802/air/late/aqi")
    with psycopg.connect(desk.url) as connection:
        connection.execute("update alert set missed = 2, missed_step = 'judge', due_step = 'judge' where severity = 3")

    assert [(alert["severity"], alert["overdue"]) for alert in desk.first()] == [(3, True), (2, False)]


def test_what_is_done_with_and_what_is_on_trial_is_not_shown(desk: Desk) -> None:
    desk.record(2)
    with psycopg.connect(desk.url) as connection:
        connection.execute("update alert set handling = 'false'")
    assert [alert["handling"] for alert in desk.first()] == ["false"], "raised, so it is open still"
    desk.record(2, kind="cleared")
    rule = desk.background.rules["air.aqi"]
    trial = replace(desk.background, rules={rule.name: replace(rule, mode="shadow")})
    replace(desk, background=trial).record(1, "150802/air/trial/aqi")

    assert desk.alerts() == {"counts": [], "first": []}


def test_alerts_of_a_rule_that_fails_say_so(desk: Desk) -> None:
    desk.record(2)
    assert [alert["failing"] for alert in desk.first()] == [False]
    with connect(desk.url, "writer", "test") as connection:
        connection.execute(
            query("rules", "ran"),
            {"rule": "air.aqi", "version": 1, "instant": NOW, "took_ms": 1, "rows": 0, "error": "no such column"},
        )

    (alert,) = desk.first()
    assert alert["failing"]
    assert desk.alerts()["counts"][0]["failing"] == 1


def test_a_version_that_is_not_in_force_leaves_the_comparison_out(desk: Desk) -> None:
    desk.record(2, version=7)

    (alert,) = desk.first()
    assert alert["comparisons"] == []
    assert [limit["value"] for limit in alert["limits"]] == [200]


def test_rules_in_force_need_a_runner(desk: Desk) -> None:
    def rules() -> dict[str, Any]:
        check: dict[str, Any] = desk.api.client.get("/health/ready").json()["checks"]["rules"]
        return check

    check = rules()
    assert not check["ok"]
    assert "`citybrain rules run`" in check["detail"]


def test_a_runner_is_known_by_its_lock(desk: Desk) -> None:
    with connect(desk.url, "writer", "test") as connection:
        assert connection.execute(query("rules", "lock_runner")).fetchone() == (True,)

        assert desk.api.client.get("/health/ready").json()["checks"]["rules"]["ok"]
