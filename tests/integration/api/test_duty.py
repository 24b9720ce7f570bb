"""Who is on duty, and what one shift hands over to the next."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest

from citybrain.store.connection import connect
from tests.integration.api.desk import LINHE, WUYUAN, Desk, opened, soon

__all__ = ["opened"]


def people(client: httpx.Client) -> list[str]:
    return [one["title"] for one in client.get("duty").json()["people"]]


def test_people_begin_and_end_their_duty(desk: Desk) -> None:
    li, wang = desk.person("li", title="李雪梅"), desk.person("wang", regions=[WUYUAN])
    duty = li.get("duty").json()
    assert duty["shift"]["id"] in ("day", "night")
    assert duty["shift"]["end_at"] == duty["next"]["begin_at"]
    assert duty["people"] == []

    first, again = li.post("duty/start"), li.post("duty/start")
    assert first.json()["people"] == again.json()["people"]
    wang.post("duty/start").raise_for_status()
    assert people(li) == ["李雪梅", "wang"]
    assert people(desk.who("viewer", regions=[LINHE])) == ["李雪梅"], "who sees nothing there is not shown"
    assert li.post("duty/end").json()["people"][0]["name"] == "wang"
    li.post("duty/end").raise_for_status()
    assert people(wang) == ["wang"]
    assert [action for (action,) in desk.do("select action from audit order by id")].count("duty.start") == 3


def test_a_duty_that_nobody_ends_is_over_after_a_day(desk: Desk) -> None:
    li = desk.person("li")
    li.post("duty/start").raise_for_status()
    desk.do("update duty set begun_at = now() - interval '25 hours'")
    assert people(li) == []
    assert [one["name"] for one in li.post("duty/start").json()["people"]] == ["li"]
    assert desk.do("select ended_at - begun_at from duty where ended_at is not null") == [(timedelta(hours=24),)]


def test_systems_and_crews_have_no_duty_and_sign_nothing(desk: Desk) -> None:
    li = desk.person("li")
    made = li.post("handovers", json={"note": "平稳"}).json()["id"]
    for client in (desk.who(), desk.person("zhao", crew="一班")):
        assert client.post("duty/start").status_code == 403
        assert client.post("handovers", json={"note": "x"}).status_code == 403
        assert client.post(f"handovers/{made}/take", json={}).status_code == 403
    assert desk.person("an", role="viewer").post("duty/start").status_code == 403


def test_a_shift_hands_over_what_its_maker_sees(desk: Desk) -> None:
    li = desk.person("li", title="李雪梅", regions=[LINHE])
    li.post("duty/start").raise_for_status()
    desk.do("update duty set begun_at = now() - interval '2 hours'")
    open_, closed = desk.raise_("150802/water/a/pressure", 1), desk.raise_("150802/water/b/pressure")
    desk.raise_("150821/water/c/pressure", region=WUYUAN)
    li.post(f"alerts/{closed}/refute", json={"note": "误动"}).raise_for_status()
    li.post("shelves", json={"alert": open_, "until": soon(hours=1), "reason": "换表"}).raise_for_status()

    made = li.post("handovers", json={"note": "临河区今夜平稳"})
    assert made.status_code == 201
    handover = made.json()
    content = handover["content"]
    assert (handover["made_by_title"], handover["taken_by"], handover["intact"]) == ("李雪梅", None, True)
    assert [region["id"] for region in handover["regions"]] == [LINHE]
    assert [(one["id"], one["handling"]) for one in content["open"]] == [(open_, "new"), (closed, "false")]
    assert [(one["severity"], one["raised"], one["refuted"]) for one in content["happened"]] == [(1, 1, 0), (2, 1, 1)]
    assert [(one["severity"], one["raised"]) for one in content["counts"]] == [(1, 1), (2, 1)]
    assert [one["reason"] for one in content["shelves"]] == ["换表"]
    assert [one["title"] for one in content["people"]] == ["李雪梅"]
    assert content["ledger"]["unbalanced"] == 0
    assert content["checks"]["database"]["ok"]
    span = datetime.fromisoformat(content["end_at"]) - datetime.fromisoformat(content["begin_at"])
    assert timedelta(hours=2) <= span < timedelta(hours=2, minutes=1)

    li.post(f"alerts/{open_}/confirm", json={}).raise_for_status()
    assert li.get(f"handovers/{handover['id']}").json() == handover, "it stays as it was"


def test_another_person_takes_over_once(desk: Desk) -> None:
    li, wang, zhang = desk.person("li"), desk.person("wang", title="王强"), desk.person("zhang", title="张敏")
    id = li.post("handovers", json={"note": "平稳"}).json()["id"]
    assert li.post(f"handovers/{id}/take", json={}).status_code == 409, "one's own"

    def take(client: httpx.Client) -> httpx.Response:
        return client.post(f"handovers/{id}/take", json={"note": "已核对"}, headers={"Accept-Language": "zh"})

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(take, (wang, zhang)), key=lambda answer: answer.status_code)
    assert [answer.status_code for answer in answers] == [200, 409]
    taken = answers[0].json()
    assert f"{taken['taken_by_title']} 已于" in answers[1].json()["detail"]
    assert (taken["taken_note"], taken["intact"]) == ("已核对", True)
    assert li.get("handovers", params={"taken": True}).json()["items"] == [taken]
    assert li.get("handovers", params={"taken": False}).json()["items"] == []


def test_who_sees_less_than_its_maker_sees_no_handover(desk: Desk) -> None:
    whole, part = desk.person("li"), desk.person("wang", regions=[LINHE])
    ids = [client.post("handovers", json={"note": "x"}).json()["id"] for client in (whole, part)]

    def seen(client: httpx.Client) -> list[int]:
        return [one["id"] for one in client.get("handovers").json()["items"]]

    assert seen(whole) == ids[::-1]
    assert seen(part) == ids[1:]
    assert seen(desk.who("administrator", regions=[WUYUAN])) == []
    assert part.get(f"handovers/{ids[0]}").status_code == 404
    assert part.post(f"handovers/{ids[0]}/take", json={}).status_code == 404
    first = whole.get("handovers", params={"limit": 1}).json()
    assert [one["id"] for one in whole.get("handovers", params={"cursor": first["next"]}).json()["items"]] == ids[:1]


@pytest.mark.parametrize("begin", [timedelta(days=8), timedelta(minutes=-1)])
def test_a_handover_is_about_the_last_days(desk: Desk, begin: timedelta) -> None:
    told: dict[str, Any] = {"note": "x", "begin_at": (datetime.now(UTC) - begin).isoformat()}
    assert desk.person("li").post("handovers", json=told).status_code == 422


def test_nobody_changes_what_was_signed(desk: Desk) -> None:
    li, wang = desk.person("li"), desk.person("wang")
    id = li.post("handovers", json={"note": "平稳"}).json()["id"]
    wang.post(f"handovers/{id}/take", json={}).raise_for_status()
    with connect(desk.url, "writer", "test") as connection:
        for table in ("handover", "handover_taken"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"update {table} set digest = 'x'")  # type: ignore[arg-type]
    desk.do("alter table handover disable trigger append_only")
    desk.do("update handover set content = jsonb_set(content, '{note}', '\"有事\"')")
    assert li.get(f"handovers/{id}").json()["intact"] is False, "an owner of the database could; it shows"
