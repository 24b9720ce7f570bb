"""Who has an alert in hand, who watches one, how long each step may take, and when the last alert was closed."""

from __future__ import annotations

from datetime import datetime, timedelta

from tests.integration.api.desk import LINHE, WUYUAN, Desk, opened

__all__ = ["opened"]

SUBJECT = "150802/water/a/pressure"


def test_an_alert_is_handed_over_with_a_word_and_the_events_say_to_whom(desk: Desk) -> None:
    id = desk.raise_(SUBJECT)
    li, wang = desk.person("li", title="李雪梅"), desk.person("wang", title="王强")
    before = li.get(f"alerts/{id}").json()

    done = li.post(f"alerts/{id}/assign", json={"operator": "wang", "note": "交给你", "revision": before["revision"]})

    assert done.status_code == 200, done.text
    assert (done.json()["handling"], done.json()["operator"]) == ("new", "wang")
    after = wang.get(f"alerts/{id}").json()
    assert (after["operator"], after["operator_title"], after["due_at"]) == ("wang", "王强", before["due_at"])
    event = wang.get(f"alerts/{id}/timeline").json()["items"][-1]
    assert (event["kind"], event["actor_title"], event["operator_title"], event["note"]) == (
        "assign", "李雪梅", "王强", "交给你",
    )  # fmt: skip
    late = wang.post(f"alerts/{id}/confirm", json={"revision": before["revision"]})
    assert (late.status_code, late.json()["alert"]["action"]) == (409, "assign"), "who was faster is told"


def test_nobody_is_given_what_they_do_not_see_or_may_not_work_on(desk: Desk) -> None:
    id = desk.raise_(SUBJECT)
    client = desk.who()
    desk.person("far", regions=[WUYUAN])
    desk.person("looks", role="viewer")
    desk.person("crew", crew="一班")
    desk.person("near", regions=["150800"])

    answers = {
        name: client.post(f"alerts/{id}/assign", json={"operator": name}).status_code
        for name in ("far", "looks", "crew", "nobody", "near")
    }

    assert answers == {"far": 422, "looks": 422, "crew": 422, "nobody": 422, "near": 200}


def test_what_is_done_with_is_in_nobodys_hands(desk: Desk) -> None:
    id = desk.raise_(SUBJECT)
    client = desk.who()
    desk.person("wang")
    client.post(f"alerts/{id}/close", json={"note": "误操作"}).raise_for_status()

    assert client.post(f"alerts/{id}/assign", json={"operator": "wang"}).status_code == 409


def test_watching_is_ones_own_and_lasts_when_the_alert_is_closed(desk: Desk) -> None:
    mine, other = desk.raise_(SUBJECT), desk.raise_("150802/water/b/pressure")
    li, wang = desk.person("li"), desk.person("wang", role="viewer")
    tag = li.get(f"alerts/{mine}").headers["ETag"]

    for _ in range(2):
        assert li.put(f"alerts/{mine}/watch").json() == {"id": mine, "watched": True}
    assert wang.put(f"alerts/{other}/watch").status_code == 200, "a viewer may, too"

    assert [item["id"] for item in li.get("alerts", params={"watched": True}).json()["items"]] == [mine]
    seen = li.get(f"alerts/{mine}", headers={"If-None-Match": tag})
    assert seen.status_code == 200, "the tag of an alert tells it, too"
    assert seen.json()["watched"]
    assert not wang.get(f"alerts/{mine}").json()["watched"]
    li.post(f"alerts/{mine}/close", json={"note": "正常"}).raise_for_status()
    kept = li.get("alerts", params={"watched": True, "open": False}).json()["items"]
    assert [item["id"] for item in kept] == [mine]
    assert li.delete(f"alerts/{mine}/watch").json()["watched"] is False
    assert li.get("alerts", params={"watched": True, "open": False}).json()["items"] == []


def test_only_people_watch_and_only_what_they_see(desk: Desk) -> None:
    there = desk.raise_("150821/water/b/pressure", region=WUYUAN)

    assert desk.who().put(f"alerts/{there}/watch").status_code == 403
    assert desk.who().get("alerts", params={"watched": True}).status_code == 403
    assert desk.person("li", regions=[LINHE]).put(f"alerts/{there}/watch").status_code == 404


def test_an_alert_says_how_long_each_step_may_take(desk: Desk) -> None:
    id = desk.raise_(SUBJECT, 2)
    client = desk.who()
    client.post(f"alerts/{id}/confirm", json={}).raise_for_status()

    alert = client.get(f"alerts/{id}").json()

    steps = {one["step"]: one["seconds"] for one in alert["deadlines"]}
    assert steps == {"judge": 300, "dispatch": 300, "accept": 900, "start": 3600, "feed_back": 14400, "verify": 3600}
    assert [one["due_at"] for one in alert["deadlines"]] == [None, alert["due_at"], None, None, None, None]


def test_the_overview_says_when_the_last_alert_was_closed_of_those_that_one_sees(desk: Desk) -> None:
    id = desk.raise_(SUBJECT)
    here, there = desk.who(regions=[LINHE]), desk.who(regions=[WUYUAN])
    here.post(f"alerts/{id}/close", json={"note": "x"}).raise_for_status()

    closed = datetime.fromisoformat(here.get("overview").json()["closed_at"])

    assert datetime.now(closed.tzinfo) - closed < timedelta(minutes=1)
    assert there.get("overview").json()["closed_at"] is None
