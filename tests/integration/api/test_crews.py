"""Crews: listed by administrators within their scope, offered to operators for an alert, sent by their id."""

from __future__ import annotations

from typing import Any

from tests.integration.api.desk import LINHE, SITE, WUYUAN, Desk, opened

__all__ = ["opened"]


def crew(id: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "title": {"zh": f"{id} 班", "en": f"Crew {id}"}, **more}


def test_an_administrator_adds_changes_and_retires_one(desk: Desk) -> None:
    chief = desk.who("administrator")
    new = crew("repair-1", regions=[LINHE], contact="13800000000", base={"longitude": 107.4, "latitude": 40.7})
    made = chief.post("crews", json=new)
    assert made.status_code == 201
    assert made.json()["contact"] == "13800000000"
    assert made.json()["regions"][0]["title"]["zh"] == "临河区"
    assert chief.post("crews", json=new).status_code == 409

    changed = chief.patch("crews/repair-1", json={"title": {"zh": "抢修一班", "en": "Repair 1"}, "domains": ["water"]})
    assert changed.json()["title"]["zh"] == "抢修一班"
    assert changed.json()["contact"] == "13800000000", "what is absent stays"
    assert chief.patch("crews/repair-1", json={"base": None}).json()["base"] is None
    assert desk.who("viewer").get("crews/repair-1").json()["contact"] == "138****0000"

    assert chief.patch("crews/repair-1", json={"active": False}).json()["active"] is False
    assert [one["id"] for one in chief.get("crews", params={"active": True}).json()["items"]] == []
    assert [one["id"] for one in chief.get("crews", params={"active": False}).json()["items"]] == ["repair-1"]
    actions = [action for (action,) in desk.do("select action from audit where target = 'crew repair-1' order by id")]
    assert actions == ["crew.add", *["crew.change"] * 3]


def test_what_can_not_be_kept_is_refused(desk: Desk) -> None:
    chief = desk.who("administrator")
    assert chief.post("crews", json=crew("No Good")).status_code == 422
    assert chief.post("crews", json=crew("a", regions=["999999"])).status_code == 422
    assert chief.post("crews", json=crew("a", base={"longitude": 107.4})).status_code == 422
    assert chief.post("crews", json=crew("a", contact="ring the bell")).status_code == 422


def test_each_sees_and_manages_those_of_their_own_scope(desk: Desk) -> None:
    chief = desk.who("administrator")
    for one in (
        crew("all"),
        crew("city", regions=["150800"]),
        crew("here", regions=[LINHE]),
        crew("air", domains=["air"]),
    ):
        chief.post("crews", json=one).raise_for_status()
    chief.post("crews", json=crew("there", regions=[WUYUAN])).raise_for_status()

    linhe = desk.who("administrator", regions=[LINHE])
    assert [one["id"] for one in linhe.get("crews").json()["items"]] == ["air", "all", "city", "here"]
    first = linhe.get("crews", params={"limit": 3}).json()
    assert [one["id"] for one in linhe.get("crews", params={"cursor": first["next"]}).json()["items"]] == ["here"]
    assert linhe.get("crews/there").status_code == 404
    assert linhe.patch("crews/there", json={"active": False}).status_code == 404
    assert linhe.patch("crews/city", json={"active": False}).status_code == 403
    assert linhe.post("crews", json=crew("mine")).status_code == 403
    assert linhe.patch("crews/here", json={"regions": [WUYUAN]}).status_code == 403
    assert desk.who().post("crews", json=crew("mine")).status_code == 403


def test_an_alert_is_offered_those_that_go_there_the_best_first(desk: Desk) -> None:
    chief, operator = desk.who("administrator"), desk.person("li")
    ((longitude, latitude),) = desk.do("select longitude, latitude from site where id = %s", SITE)
    near = {"longitude": longitude, "latitude": latitude + 0.01}
    far = {"longitude": longitude, "latitude": latitude + 0.1}
    for one in (
        crew("busy", base=near),
        crew("far", regions=[LINHE], domains=["water"], base=far),
        crew("near", regions=["150800"], base=near, contact="13800000000"),
        crew("nowhere"),
        crew("abroad", regions=[WUYUAN]),
        crew("air", domains=["air"]),
        crew("retired", base=near),
    ):
        chief.post("crews", json=one).raise_for_status()
    chief.patch("crews/retired", json={"active": False}).raise_for_status()
    other = desk.raise_("150802/water/b/pressure")
    operator.post(f"alerts/{other}/confirm", json={}).raise_for_status()
    operator.post(f"alerts/{other}/dispatch", json={"crew": "busy"}).raise_for_status()

    id = desk.raise_("150802/water/a/pressure", site=SITE)
    items = operator.get(f"alerts/{id}/crews").json()["items"]
    assert [(one["id"], one["orders"]) for one in items] == [("near", 0), ("far", 0), ("nowhere", 0), ("busy", 1)]
    assert 1110 < items[0]["distance_m"] < 1114, "a hundredth of a degree of latitude"
    assert items[0]["contact"] == "138****0000"
    assert items[2]["distance_m"] is None
    assert desk.who(regions=[WUYUAN]).get(f"alerts/{id}/crews").status_code == 404
    assert desk.who("viewer").get(f"alerts/{id}/crews").status_code == 403


def test_a_crew_is_sent_by_its_id_and_others_by_their_names(desk: Desk) -> None:
    chief, operator = desk.who("administrator"), desk.person("li")
    chief.post("crews", json=crew("repair-1")).raise_for_status()
    member = desk.person("zhao", crew="repair-1")
    id, other = desk.raise_("150802/water/a/pressure"), desk.raise_("150802/water/b/pressure")
    for alert, name in ((id, "repair-1"), (other, "邻县支援队")):
        operator.post(f"alerts/{alert}/confirm", json={}).raise_for_status()
        operator.post(f"alerts/{alert}/dispatch", json={"crew": name}).raise_for_status()

    assert operator.get(f"alerts/{id}").json()["crew_title"] == {"zh": "repair-1 班", "en": "Crew repair-1"}
    assert operator.get(f"alerts/{other}").json()["crew_title"] is None
    assert [one["crew"] for one in operator.get(f"alerts/{id}/timeline").json()["items"]][-1] == "repair-1"
    assert chief.patch("crews/repair-1", json={"active": False}).status_code == 409, "it has an order"
    for action in ("accept", "start", "feed-back"):
        member.post(f"alerts/{id}/{action}", json={"note": "x"}).raise_for_status()
    chief.patch("crews/repair-1", json={"active": False}).raise_for_status()
    refused = operator.post(f"alerts/{other}/reassign", json={"crew": "repair-1"})
    assert (refused.status_code, "has retired" in refused.text) == (422, True)
