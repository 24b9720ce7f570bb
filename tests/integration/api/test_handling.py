"""What people do with alerts through the API: two at once, repeated, for a crew, beyond their scope, many at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from rules.alerts.handling import STEPS, Action
from tests.integration.api.desk import LINHE, WUYUAN, Desk, opened

__all__ = ["opened"]

BESIDE = {"assign": ["operator"], "comment": ["note"]}


def kinds(desk: Desk, id: int) -> list[str]:
    return [kind for (kind,) in desk.do("select kind from alert_event where alert_id = %s order by id", id)]


def audited(desk: Desk) -> list[tuple[Any, ...]]:
    return desk.do("select action, target from audit where action like 'alert.%%' order by id")


def offered(document: Any) -> dict[str, list[str]]:
    return {offer["action"]: offer["needs"] for offer in document["allowed"]}


def test_the_whole_way(desk: Desk) -> None:
    id = desk.raise_("150802/water/a/pressure")
    client = desk.who()
    way = ("confirm", "dispatch", "accept", "start", "feed-back", "return", "reassign", "accept", "start", "feed-back")
    for revision, action in enumerate((*way, "close", "reopen", "refute")):
        crew = {"crew": "一班"} if action in ("dispatch", "reassign") else {}
        answer = client.post(f"alerts/{id}/{action}", json={"note": "说明", **crew, "revision": revision})
        assert answer.status_code == 200, answer.text
        assert answer.json()["revision"] == revision + 1
    assert client.get(f"alerts/{id}").json()["handling"] == "false"
    assert audited(desk)[0] == ("alert.confirm", f"alert {id}")
    assert len(audited(desk)) == 13


def test_of_two_at_once_the_second_learns_what_the_first_did(desk: Desk) -> None:
    id = desk.raise_("150802/water/a/pressure")
    people = [desk.person("li", title="李雪梅"), desk.person("wang", title="王强")]

    def confirm(client: httpx.Client) -> httpx.Response:
        return client.post(f"alerts/{id}/confirm", json={"revision": 0}, headers={"Accept-Language": "zh"})

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(confirm, people), key=lambda answer: answer.status_code)
    assert [answer.status_code for answer in answers] == [200, 409]
    told, first = answers[1].json(), answers[0].json()
    assert "确认属实" in told["detail"]
    stands = told["alert"]
    assert (stands["action"], stands["actor"], stands["revision"]) == ("confirm", first["operator"], 1)
    assert stands["actor_title"] in ("李雪梅", "王强")
    assert stands["actor_title"] in told["detail"]
    assert datetime.fromisoformat(stands["at"]) <= datetime.now(UTC)
    assert stands["allowed"] == first["allowed"]
    assert [offer["action"] for offer in stands["allowed"]] == ["dispatch", "refute", "close", "assign", "comment"]
    assert kinds(desk, id) == ["raised", "confirm"]


def test_a_repetition_with_its_key_changes_nothing_more(desk: Desk) -> None:
    id = desk.raise_("150802/water/a/pressure")
    client, key = desk.who(), {"Idempotency-Key": str(uuid4())}
    first, second = (client.post(f"alerts/{id}/comment", json={"note": "看过"}, headers=key) for _ in range(2))
    assert (first.json(), second.headers["Idempotency-Replayed"]) == (second.json(), "true")
    other = desk.who().post(f"alerts/{id}/comment", json={"note": "看过"}, headers=key)
    assert "Idempotency-Replayed" not in other.headers, "keys are each one's own"
    assert kinds(desk, id) == ["raised", "comment", "comment"]
    assert client.post(f"alerts/{id}/close", json={"note": "x"}, headers=key).status_code == 422


def test_each_alert_says_what_its_caller_may_do_what_leads_on_first(desk: Desk) -> None:
    id = desk.raise_("150802/water/a/pressure")
    operator, viewer = desk.who(), desk.who("viewer")
    new = {"confirm": [], "refute": ["note"], "close": ["note"], **BESIDE}
    (item,) = operator.get("alerts").json()["items"]
    assert list(offered(item).items()) == list(new.items())
    assert viewer.get("alerts").json()["items"][0]["allowed"] == []
    operator.post(f"alerts/{id}/confirm", json={}).raise_for_status()
    confirmed = {"dispatch": ["crew"], "refute": ["note"], "close": ["note"], **BESIDE}
    assert list(offered(operator.get(f"alerts/{id}").json()).items()) == list(confirmed.items())


def test_what_is_not_possible_says_where_the_alert_stands(desk: Desk) -> None:
    id = desk.raise_("150802/water/a/pressure")
    client = desk.who()
    client.post(f"alerts/{id}/refute", json={"note": "误动"}).raise_for_status()
    late = client.post(f"alerts/{id}/confirm", json={}).json()
    assert (late["type"], late["alert"]["handling"]) == ("urn:citybrain:problem:changed", "false")
    assert offered(late["alert"]) == {"reopen": ["note"], "comment": ["note"]}


def test_if_match(desk: Desk) -> None:
    id = desk.raise_("150802/water/a/pressure")
    client = desk.who()
    tag = client.get(f"alerts/{id}").headers["ETag"]
    assert client.post(f"alerts/{id}/comment", json={"note": "a"}, headers={"If-Match": tag}).status_code == 200
    late = client.post(f"alerts/{id}/comment", json={"note": "b"}, headers={"If-Match": tag})
    assert (late.status_code, late.json()["type"]) == (412, "urn:citybrain:problem:changed")
    assert late.json()["alert"]["action"] is None, "a comment moves nothing"
    assert client.post(f"alerts/{id}/comment", json={"note": "c"}, headers={"If-Match": "*"}).status_code == 200
    assert kinds(desk, id) == ["raised", "comment", "comment"]


def test_a_crew_acts_on_what_it_was_sent(desk: Desk) -> None:
    mine, theirs = desk.raise_("150802/water/a/pressure"), desk.raise_("150802/water/b/pressure")
    duty, crew = desk.who(), desk.person("zhao", crew="一班")
    for id, name in ((mine, "一班"), (theirs, "二班")):
        duty.post(f"alerts/{id}/confirm", json={})
        duty.post(f"alerts/{id}/dispatch", json={"crew": name}).raise_for_status()
    assert offered(crew.get(f"alerts/{mine}").json()) == {"accept": [], "return": ["note"], "comment": ["note"]}
    assert offered(crew.get(f"alerts/{theirs}").json()) == {}
    done = crew.post(f"alerts/{mine}/accept", json={})
    assert offered(done.json()) == {"start": [], "return": ["note"], "comment": ["note"]}
    assert crew.post(f"alerts/{theirs}/accept", json={}).status_code == 403
    assert crew.post(f"alerts/{mine}/close", json={"note": "x"}).status_code == 403
    assert crew.post("shelves", json={"alert": mine, "until": "2030-01-01T00:00:00Z", "reason": "x"}).status_code == 403


@pytest.mark.parametrize("action", STEPS)
def test_nobody_acts_beyond_their_scope_or_role(desk: Desk, action: Action) -> None:
    there = desk.raise_("150821/water/b/pressure", region=WUYUAN)
    path = f"alerts/{there}/{action.replace('_', '-')}"
    step = STEPS[action]
    body = {"note": "x", **({"crew": "x"} if step.crew else {}), **({"operator": "x"} if step.operator else {})}
    assert desk.who(regions=[LINHE]).post(path, json=body).status_code == 404
    assert desk.who(domains=["air"]).post(path, json=body).status_code == 404
    assert desk.who("viewer").post(path, json=body).status_code == 403
    assert kinds(desk, there) == ["raised"]
    assert audited(desk) == []


def test_what_is_missing_or_not_possible_is_said_in_both_languages(desk: Desk) -> None:
    id = desk.raise_("150802/water/a/pressure")
    client = desk.who()
    assert client.post(f"alerts/{id}/refute", json={}).status_code == 422
    assert client.post(f"alerts/{id}/refute", json={"note": "  "}).status_code == 422
    assert client.post(f"alerts/{id}/comment", json={"note": "\0"}).status_code == 422
    wrong = {
        tongue: client.post(f"alerts/{id}/accept", json={}, headers={"Accept-Language": tongue})
        for tongue in ("zh", "en")
    }
    assert {answer.status_code for answer in wrong.values()} == {409}
    assert wrong["en"].json()["detail"].startswith(f"Alert {id} is new: accept is not possible.")
    assert wrong["zh"].json()["detail"] == f"告警 {id} 待研判，不能签收。可以：确认属实、判为误报、办结。"


def test_many_at_once_each_for_itself(desk: Desk) -> None:
    one, two = desk.raise_("150802/water/a/pressure"), desk.raise_("150802/water/b/pressure")
    there = desk.raise_("150821/water/c/pressure", region=WUYUAN)
    client, key = desk.who(regions=[LINHE]), {"Idempotency-Key": str(uuid4())}
    client.post(f"alerts/{two}/confirm", json={})
    body = {"ids": [one, two, there, one], "action": "confirm"}
    answer = client.post("bulk/alerts", json=body, headers=key)
    items = answer.json()["items"]
    assert [(item["id"], (item["problem"] or {}).get("status")) for item in items] == [
        (one, None),
        (two, 409),
        (there, 404),
    ]
    assert items[0]["done"]["handling"] == "confirmed"
    assert items[1]["problem"]["detail"]["zh"]
    assert items[1]["problem"]["alert"]["action"] == "confirm"
    assert items[2]["problem"]["alert"] is None
    assert client.post("bulk/alerts", json=body, headers=key).headers["Idempotency-Replayed"] == "true"
    assert kinds(desk, one) == kinds(desk, two) == ["raised", "confirm"]
    assert [action for action, _ in audited(desk)] == ["alert.confirm", "alert.confirm", "alert.bulk"]
    assert client.post("bulk/alerts", json={"ids": list(range(1, 202)), "action": "confirm"}).status_code == 422
