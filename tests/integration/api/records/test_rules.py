"""Rules over HTTP: what is in force, and what others would say."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from citybrain.settings import PROJECT
from citybrain.store.connection import connect

LINHE, WUYUAN = "150802", "150821"
RULE = """\
- rule: water.trial
  title: {zh: 试, en: Trial}
  metric: pressure
  where: site_kind = 'network_end'
  raise: value < limit
  for: 5m
  severity: 3
  limit: {value: 0.2, unit: MPa, source: platform default, confidence: S}
  tests:
    - {name: a dip, start: 06:00, given: 0.25 0.18x8 0.25, expect: [06:06 raised 3, 06:09 cleared]}
    - {name: wrong, start: 06:00, given: 0.25 0.18x8 0.25, expect: none}
"""


def span(town: Any, **more: object) -> dict[str, object]:
    first, last = town.execute("select min(time), max(time) from reading")[0]
    return {"from": first.isoformat(), "to": (last + timedelta(minutes=1)).isoformat(), **more}


def test_rules_in_force_are_listed_page_by_page(town: Any) -> None:
    (applied,) = town.execute("select count(*) from board_rule")
    found, cursor = [], None
    while True:
        query = {"limit": 10, **({"cursor": cursor} if cursor else {})}
        page = town.client.get("/api/v1/rules", params=query).json()
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert [rule["id"] for rule in found] == sorted(rule["id"] for rule in found)
    assert len(found) == applied[0]
    (pressure,) = [rule for rule in found if rule["id"] == "water.end_pressure"]
    assert pressure["severities"] == [2, 3]
    assert pressure["metrics"] == ["pressure"]
    assert {(one["severity"], one["value"], one["confidence"]) for one in pressure["limits"]} == {
        (3, 0.2, "S"),
        (2, 0.14, "B"),
    }
    assert pressure["mode"] == "live"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"domain": "plan"}, lambda rule: rule["source"] == "plan"),
        ({"metric": "pressure"}, lambda rule: "pressure" in rule["metrics"]),
        ({"severity": 1}, lambda rule: 1 in rule["severities"]),
        ({"mode": "shadow"}, lambda rule: rule["mode"] == "shadow"),
        ({"failing": False}, lambda rule: rule["failing_since"] is None),
    ],
)
def test_rules_are_filtered(town: Any, query: dict[str, Any], expected: Any) -> None:
    every = town.client.get("/api/v1/rules", params={"limit": 1000}).json()["items"]
    found = town.client.get("/api/v1/rules", params={**query, "limit": 1000}).json()["items"]
    assert [rule["id"] for rule in found] == [rule["id"] for rule in every if expected(rule)]


def test_a_rule_has_its_definition_and_its_versions(town: Any) -> None:
    rule = town.client.get("/api/v1/rules/water.end_pressure").json()
    assert rule["definition"]["raise"] == "value < limit"
    assert rule["advice"]["zh"]
    versions = town.client.get("/api/v1/rules/water.end_pressure/versions").json()["items"]
    assert [(one["version"], one["in_force"]) for one in versions] == [(1, True)]
    assert town.client.get("/api/v1/rules/water.end_pressure/versions/1").json() == versions[0]
    assert town.client.get("/api/v1/rules/water.end_pressure/versions/2").status_code == 404
    assert town.client.get("/api/v1/rules/water.nothing").status_code == 404


def test_rules_of_another_domain_do_not_exist(town: Any) -> None:
    air = town.ask("engineer", domains=["air"])
    assert {rule["domain"]["id"] for rule in air.get("/api/v1/rules").json()["items"]} == {"air"}
    for path in ("", "/versions", "/versions/1"):
        assert air.get(f"/api/v1/rules/water.end_pressure{path}").status_code == 404
    asked = air.post("/api/v1/rules/dry-run", json=span(town, rule="water.end_pressure"))
    assert asked.status_code == 422
    assert "No rule water.end_pressure" in asked.json()["detail"]


def test_open_alerts_are_counted_within_the_scope(town: Any) -> None:
    for region in (LINHE, WUYUAN, WUYUAN):
        town.execute(
            "insert into alert (rule, subject, subject_kind, region_id, domain_id, mode, version, title_zh, title_en, "
            "severity, worst, condition, raised_at, last_time, changed_at, past) values ('water.end_pressure', "
            "gen_random_uuid()::text, 'series', %s, 'water', 'live', 1, '', '', 3, 3, 'raised', now(), now(), now(), "
            "false)",
            region,
        )
    counts = [
        client.get("/api/v1/rules/water.end_pressure").json()["open_alerts"]
        for client in (town.client, town.ask(regions=[LINHE]), town.ask(regions=[WUYUAN]))
    ]
    assert counts == [3, 1, 2]


def test_only_engineers_try_rules(town: Any) -> None:
    for path in ("check", "test", "dry-run"):
        assert town.ask("operator").post(f"/api/v1/rules/{path}", json={"yaml": RULE}).status_code == 403


def test_mistakes_are_named_with_their_places(town: Any) -> None:
    engineer = town.ask("engineer")
    assert engineer.post("/api/v1/rules/check", json={"yaml": RULE}).json() == {
        "problems": [],
        "warnings": [],
        "rules": ["water.trial"],
    }
    wrong = RULE.replace("value < limit", "velue < limit")
    (problem,) = engineer.post("/api/v1/rules/check", json={"yaml": wrong}).json()["problems"]
    assert (problem["line"], problem["column"], problem["where"]) == (5, 10, "water.trial.raise")
    assert "velue" in problem["what"]


@pytest.mark.parametrize("text", ["a: &a [x, x]\nb: *a", "[" * 50_000])
def test_texts_that_are_no_rules_are_problems(town: Any, text: str) -> None:
    answer = town.ask("engineer").post("/api/v1/rules/check", json={"yaml": text})
    assert answer.status_code == 200, answer.text
    assert answer.json()["problems"]
    assert answer.json()["rules"] == []


def test_a_text_has_a_longest_length(town: Any) -> None:
    assert town.ask("engineer").post("/api/v1/rules/check", json={"yaml": "#" * 262_145}).status_code == 422


def test_tests_say_what_did_not_fire(town: Any) -> None:
    found = town.ask("engineer").post("/api/v1/rules/test", json={"yaml": RULE}).json()
    assert [(one["name"], one["passed"]) for one in found["results"]] == [("a dip", True), ("wrong", False)]
    assert any("fired, not expected" in line for line in found["results"][1]["lines"])


def test_a_dry_run_says_what_the_command_says(town: Any, tmp_path: Path) -> None:
    town.execute("delete from alert")
    found = town.client.post("/api/v1/rules/dry-run", json=span(town, rule="water.end_pressure")).json()
    out = tmp_path / "alerts.json"
    zone = ZoneInfo("Asia/Shanghai")
    first, last = town.execute("select min(time), max(time) from reading")[0]
    subprocess.run(
        [
            *(sys.executable, "-c", "from citybrain.cli import main; main()"),
            *("rules", "backtest", "water.end_pressure", "--json", out),
            *("--from", f"{first.astimezone(zone):%Y-%m-%dT%H:%M}"),
            *("--to", f"{last.astimezone(zone) + timedelta(minutes=1):%Y-%m-%dT%H:%M}"),
        ],
        check=True,
        cwd=PROJECT,
        env={"CITYBRAIN_DATABASE_URL": town.database_url, "PATH": ""},
        capture_output=True,
        timeout=60,
    )
    command = json.loads(out.read_text())
    assert found["readings"] == command["readings"] == 600
    assert found["count"] == len(command["alerts"]) == 2
    assert {one["subject"] for one in found["alerts"]} == {one["subject"] for one in command["alerts"]}
    (rule,) = found["rules"]
    assert (rule["version"], rule["in_force"], rule["same"], rule["changed"]) == (1, 2, 2, 0)
    assert sum(day["alerts"] for day in found["days"]) == 2


def test_other_limits_raise_other_alerts(town: Any) -> None:
    limits = [{"severity": 3, "value": 0.16}, {"severity": 2, "value": 0.1}]
    answer = town.client.post("/api/v1/rules/dry-run", json=span(town, rule="water.end_pressure", limits=limits))
    (rule,) = answer.json()["rules"]
    assert (rule["alerts"], rule["in_force"], rule["only_in_force"]) == (0, 2, 2)
    unknown = [{"severity": 1, "value": 0.16}]
    answer = town.client.post("/api/v1/rules/dry-run", json=span(town, rule="water.end_pressure", limits=unknown))
    assert answer.status_code == 422
    assert "has no limit" in answer.json()["detail"]


def test_a_dry_run_sees_no_further_than_its_scope(town: Any) -> None:
    for asked, client in (({}, town.ask("engineer", regions=[LINHE])), ({"regions": [LINHE]}, town.ask("engineer"))):
        found = client.post("/api/v1/rules/dry-run", json=span(town, yaml=RULE, **asked)).json()
        assert found["readings"] == 300
        assert [alert["region"] for alert in found["alerts"]] == [LINHE]
    beyond = town.ask("engineer", regions=[LINHE])
    answer = beyond.post("/api/v1/rules/dry-run", json=span(town, yaml=RULE, regions=[WUYUAN]))
    assert answer.status_code == 422
    assert "no region 150821" in answer.json()["detail"]


def test_queries_are_run_only_as_they_are_in_force_and_for_those_who_see_everything(town: Any) -> None:
    (name, definition) = town.execute(
        "select rule, definition from board_rule where definition ? 'query' order by rule limit 1"
    )[0]
    scoped = town.ask("engineer", regions=[LINHE])
    answer = scoped.post("/api/v1/rules/dry-run", json=span(town, rule=name))
    assert answer.status_code == 422
    assert "sees the whole city" in answer.json()["detail"]
    other = json.dumps([{**definition, "query": definition["query"] + "\n-- another", "tests": []}])
    answer = town.client.post("/api/v1/rules/dry-run", json=span(town, yaml=other))
    assert answer.status_code == 422
    assert "not the one in force" in answer.json()["detail"]


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"rule": "water.end_pressure", "yaml": RULE},
        {"yaml": RULE, "limits": [{"value": 1}]},
        {"rule": "water.end_pressure", "from": "2026-11-01T00:00:00"},
        {"rule": "water.end_pressure", "from": "2026-01-01T00:00:00Z", "to": "2026-03-01T00:00:00Z"},
        {"rule": "water.end_pressure", "from": "0001-01-01T00:00:00Z", "to": "0001-01-02T00:00:00Z"},
        {"rule": "water.end_pressure", "from": "9999-12-01T00:00:00Z", "to": "9999-12-02T00:00:00Z"},
        {"rule": "water.end_pressure", "from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
        {"rule": "water\x00"},
        {"yaml": "- rule: water.trial"},
    ],
)
def test_dry_runs_that_mean_nothing_are_refused(town: Any, asked: dict[str, object]) -> None:
    answer = town.client.post("/api/v1/rules/dry-run", json=span(town) | asked)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_trial_ends_when_nobody_waits_and_two_do_not_run_at_once(town: Any) -> None:
    # A test of so many readings, each a restart, takes far longer than a minute.
    endless = RULE.replace("0.25 0.18x8 0.25, expect: none", "0.25 0.18x60000 0.25, expect: none")
    engineer = town.ask("engineer")
    engineer.timeout = 2

    def give_up() -> None:
        with pytest.raises(Exception, match="timed out"):
            engineer.post("/api/v1/rules/test", json={"yaml": endless})

    waiting = threading.Thread(target=give_up)
    waiting.start()
    time.sleep(0.5)
    others = town.ask("engineer")
    assert others.get("/api/v1/rules").status_code == 200
    waiting.join()
    engineer.timeout = 1.5
    give_up()  # its turn came although the one before would still be at work
    assert others.post("/api/v1/rules/check", json={"yaml": RULE}).status_code == 200
    with connect(town.database_url, "writer", "test") as connection:
        left = connection.execute("select count(*) from pg_stat_activity where application_name = 'citybrain trial'")
        assert left.fetchone() == (0,)
