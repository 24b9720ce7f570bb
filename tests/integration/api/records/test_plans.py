"""Plans over HTTP: what is asked, where it stands, what people enter."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from citybrain.catalogue.model import Catalogue
from citybrain.settings import PROJECT
from citybrain.store.connection import connect
from rules.plans.evaluation import evaluate, record
from rules.plans.load import load

LINHE, WUYUAN = "150802", "150821"
PLAN = "inner-mongolia-city-quality-2025"
LEAKAGE = f"/api/v1/indicators/{PLAN}/leakage_rate"


def day(town: Any, ago: int = 0) -> str:
    (now,) = town.execute("select now()")[0]
    return str(now.astimezone(ZoneInfo("Asia/Shanghai")).date() - timedelta(days=ago))


@pytest.fixture(scope="module")
def evaluated(town: Any, catalogue: Catalogue) -> Any:
    """Leakage was entered for two counties and looked at."""
    plans = load(PROJECT, catalogue)
    for region, value in ((LINHE, 8.5), (WUYUAN, 14)):
        body = {"region": region, "day": day(town, 1), "value": value, "note": "年报"}
        answer = town.client.post(f"{LEAKAGE}/values", json=body)
        assert answer.status_code == 201, answer.text
    (now,) = town.execute("select now()")[0]
    with connect(town.database_url, "writer", "test") as connection:
        record(connection, plans, evaluate(connection, plans, now, ZoneInfo("Asia/Shanghai")))
    return town


def test_plans_have_their_indicators_page_by_page(evaluated: Any) -> None:
    plans = evaluated.client.get("/api/v1/plans").json()["items"]
    (plan,) = [plan for plan in plans if plan["id"] == PLAN]
    assert evaluated.client.get(f"/api/v1/plans/{PLAN}").json() == plan
    found, cursor = [], None
    while True:
        query = {"limit": 5, **({"cursor": cursor} if cursor else {})}
        page = evaluated.client.get(f"/api/v1/plans/{PLAN}/indicators", params=query).json()
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert len({one["id"] for one in found}) == len(found) == plan["indicators"]
    (leakage,) = [one for one in found if one["id"] == f"{PLAN}/leakage_rate"]
    assert leakage["target"] == {"value": 9, "year": 2030, "words": None}
    assert {one["region"]["id"]: one["verdict"] for one in leakage["standings"]}[WUYUAN] == "off_course"
    assert evaluated.client.get(LEAKAGE).json() == leakage


def test_what_is_off_course_is_found(evaluated: Any) -> None:
    found = evaluated.client.get("/api/v1/indicators", params={"verdict": ["off_course", "at_risk"]}).json()["items"]
    assert [(one["indicator"], one["region"]["id"]) for one in found] == [(f"{PLAN}/leakage_rate", WUYUAN)]
    assert (found[0]["actual"], found[0]["year"]) == (14, 2030)
    assert found[0]["shortfall"] == pytest.approx(5)
    inside = evaluated.client.get("/api/v1/indicators", params={"region": LINHE, "plan": PLAN}).json()["items"]
    assert {one["region"]["id"] for one in inside} == {LINHE}
    assert evaluated.client.get("/api/v1/indicators", params={"plan": "nothing"}).json()["items"] == []


def test_standings_come_page_by_page(evaluated: Any) -> None:
    every = evaluated.client.get("/api/v1/indicators", params={"limit": 1000}).json()["items"]
    found, cursor = [], None
    while True:
        query = {"limit": 7, **({"cursor": cursor} if cursor else {})}
        page = evaluated.client.get("/api/v1/indicators", params=query).json()
        found += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == every


def test_a_county_sees_its_own_values_only(evaluated: Any) -> None:
    county = evaluated.ask(regions=[LINHE])
    assert county.get(f"/api/v1/plans/{PLAN}").status_code == 200
    assert {one["region"]["id"] for one in county.get("/api/v1/indicators").json()["items"]} == {LINHE}
    assert {one["region"]["id"] for one in county.get(LEAKAGE).json()["standings"]} == {LINHE}
    for path in ("values", "course"):
        found = county.get(f"{LEAKAGE}/{path}").json()["items"]
        assert {one["region"]["id"] for one in found} == {LINHE}
        assert county.get(f"{LEAKAGE}/{path}", params={"region": WUYUAN}).json()["items"] == []


def test_plans_of_another_region_and_for_one_domain_do_not_exist(evaluated: Any) -> None:
    for client in (evaluated.ask(regions=["150100"]), evaluated.ask(domains=["water"])):
        ids = {plan["id"] for plan in client.get("/api/v1/plans").json()["items"]}
        assert "bayannur-2021-2025" not in ids
        assert client.get("/api/v1/plans/bayannur-2021-2025").status_code == 404
        assert client.get("/api/v1/indicators/bayannur-2021-2025/forest_cover").status_code == 404


def test_an_entry_says_who_and_is_corrected_by_another(evaluated: Any) -> None:
    engineer = evaluated.ask("engineer", regions=[LINHE])
    entered, until = day(evaluated, 3), day(evaluated, 2)
    body = {"region": LINHE, "day": entered, "value": 0.00000012}
    for value in (0.00000012, 10.25):
        answer = engineer.post(f"{LEAKAGE}/values", json={**body, "value": value})
        assert answer.status_code == 201, answer.text
    found = engineer.get(f"{LEAKAGE}/values", params={"to": until}).json()["items"]
    assert [(one["value"], one["entered_by"]) for one in found] == [(10.25, f"token:{evaluated.name(engineer)}")]
    (entry,) = evaluated.execute("select details from audit where action = 'plan.enter' order by id desc limit 1")
    assert entry[0] == {"region": LINHE, "day": entered, "value": 10.25}


def test_values_that_can_not_be_are_refused(evaluated: Any) -> None:
    engineer = evaluated.ask("engineer", regions=[LINHE])
    good = {"region": LINHE, "day": day(evaluated), "value": 9}
    before = evaluated.execute("select count(*) from plan_value")
    ahead = day(evaluated, -2)  # tomorrow would do, unless the day ends meanwhile
    for wrong, status in (
        ({"day": ahead}, 422),
        ({"day": "9999-12-31"}, 422),
        ({"value": "NaN"}, 422),
        ({"value": 1e400}, 422),
        ({"region": WUYUAN}, 404),
        ({"region": "nowhere"}, 404),
        ({"note": "a\x00b"}, 422),
        ({"note": "x" * 1001}, 422),
    ):
        text = (
            engineer.build_request("POST", f"{LEAKAGE}/values", json={**good, **wrong})
            if wrong != {"value": 1e400}
            else None
        )
        answer = (
            engineer.send(text)
            if text
            else engineer.post(
                f"{LEAKAGE}/values", content=f'{{"region": "{LINHE}", "day": "{day(evaluated)}", "value": 1e400}}'
            )
        )
        assert answer.status_code == status, (wrong, answer.text)
    assert engineer.post(f"/api/v1/indicators/{PLAN}/nothing/values", json=good).status_code == 404
    assert evaluated.ask("operator").post(f"{LEAKAGE}/values", json=good).status_code == 403
    assert evaluated.execute("select count(*) from plan_value") == before
    zh = engineer.post(f"{LEAKAGE}/values", json={**good, "day": ahead}, headers={"Accept-Language": "zh"})
    assert "尚未到来" in zh.json()["detail"]


def test_an_entry_that_is_repeated_is_entered_once(evaluated: Any) -> None:
    entered = day(evaluated, 5)
    body = {"region": LINHE, "day": entered, "value": 9.5}
    headers = {"Idempotency-Key": "once"}
    first, second = (evaluated.client.post(f"{LEAKAGE}/values", json=body, headers=headers) for _ in range(2))
    assert first.json() == second.json()
    assert evaluated.execute("select count(*) from plan_value where day = %s", entered) == [(1,)]


@pytest.mark.parametrize("cursor", ["x", "WyJ4Il0", "WzFd", "WyIyMDI2LTAxLTAxIiwiXHUwMDAwIl0"])
def test_cursors_of_other_lists_are_refused(evaluated: Any, cursor: str) -> None:
    for path in ("/values", "/course"):
        assert evaluated.client.get(LEAKAGE + path, params={"cursor": cursor}).status_code in (400, 422)
