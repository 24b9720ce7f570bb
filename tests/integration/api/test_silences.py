"""Shelves and maintenance windows through the API: none of them reaches beyond who made it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest

from tests.integration.api.desk import LINHE, WUYUAN, Desk, opened, soon

__all__ = ["opened"]

SITE = "air-linhe-1"


def shelve(client: httpx.Client, **more: Any) -> httpx.Response:
    return client.post("shelves", json={"rule": "*", "until": soon(hours=2), "reason": "换表", **more})


def open_window(client: httpx.Client, **more: Any) -> httpx.Response:
    return client.post("maintenance-windows", json={"end_at": soon(hours=2), "reason": "冲洗", **more})


def test_a_countys_shelf_ends_at_its_border(desk: Desk) -> None:
    here, there = desk.raise_("150802/water/a/pressure"), desk.raise_("150821/water/b/pressure", region=WUYUAN)
    county, city = desk.who(regions=[LINHE], domains=["water"]), desk.who()
    made = shelve(county)
    assert made.status_code == 201, made.text
    shelf = made.json()
    assert [region["id"] for region in shelf["regions"]] == [LINHE]
    assert city.get(f"alerts/{here}").json()["shelved_until"]
    assert city.get(f"alerts/{there}").json()["shelved_until"] is None
    noted = desk.do("select alert_id from alert_event where kind = 'shelved'")
    assert noted == [(here,)]
    assert [one["id"] for one in county.get("shelves").json()["items"]] == [shelf["id"]]
    assert desk.who(regions=[WUYUAN]).get("shelves").json()["items"] == []
    assert desk.who(regions=[WUYUAN]).delete(f"shelves/{shelf['id']}").status_code == 404
    assert desk.who("viewer").delete(f"shelves/{shelf['id']}").status_code == 403
    assert county.delete(f"shelves/{shelf['id']}").status_code == 200
    assert county.delete(f"shelves/{shelf['id']}").status_code == 404
    assert city.get(f"alerts/{here}").json()["shelved_until"] is None


def test_a_county_does_not_end_the_citys_shelf(desk: Desk) -> None:
    shelf = shelve(desk.who()).json()["id"]
    county = desk.who(regions=[LINHE])
    assert [one["regions"] for one in county.get("shelves").json()["items"]] == [None]
    assert county.delete(f"shelves/{shelf}").status_code == 403


def test_what_can_not_be_shelved(desk: Desk) -> None:
    there = desk.raise_("150821/water/b/pressure", region=WUYUAN)
    county = desk.who(regions=[LINHE])
    alone = {"rule": None, "alert": there}
    assert shelve(county, **alone).status_code == 404
    assert shelve(county, region=WUYUAN).status_code == 404
    assert shelve(county, until=soon(hours=25)).status_code == 422
    assert shelve(county, until="2026-11-22T10:00:00").status_code == 422
    assert shelve(county, alert=there).status_code == 422
    assert shelve(county, rule=None).status_code == 422
    assert shelve(desk.who(), region="nowhere").status_code == 404
    assert desk.do("select count(*) from shelf") == [(0,)]


def test_a_window_lies_within_the_scope(desk: Desk) -> None:
    here = desk.raise_("150802/water/a/pressure")
    county = desk.who("engineer", regions=[LINHE])
    made = open_window(county, region=LINHE)
    assert made.status_code == 201, made.text
    assert county.get(f"alerts/{here}").json()["maintained_until"]
    of_site = open_window(county, site=SITE).json()
    assert (of_site["region"], of_site["domain"]) == (LINHE, "air")
    refused: list[tuple[dict[str, Any], int]] = [
        ({"region": WUYUAN}, 404),
        ({"region": "150800"}, 404),
        ({"domain": "water"}, 403),
        ({}, 403),
        ({"site": "nowhere"}, 404),
        ({"device": "150821/water/x"}, 404),
    ]
    for where, status in refused:
        assert open_window(county, **where).status_code == status, where
    assert open_window(desk.who("operator"), region=LINHE).status_code == 403
    assert open_window(desk.who("engineer")).status_code == 422
    assert open_window(desk.who("engineer"), region="nowhere").status_code == 422
    water = desk.who("engineer", regions=[LINHE], domains=["water"])
    assert open_window(water, region=LINHE).status_code == 403
    assert open_window(water, region=LINHE, domain="air").status_code == 404
    assert open_window(water, site=SITE).status_code == 404


def test_windows_are_seen_and_ended_by_those_they_concern(desk: Desk) -> None:
    city, county, other = (desk.who("engineer", regions=regions) for regions in (None, [LINHE], [WUYUAN]))
    whole = open_window(city, region="150800").json()["id"]
    own = open_window(county, region=LINHE, start_at=soon(hours=1)).json()["id"]
    assert [one["id"] for one in county.get("maintenance-windows").json()["items"]] == [own, whole]
    assert [one["id"] for one in other.get("maintenance-windows").json()["items"]] == [whole]
    assert other.delete(f"maintenance-windows/{own}").status_code == 404
    assert county.delete(f"maintenance-windows/{whole}").status_code == 404
    assert county.delete(f"maintenance-windows/{own}").status_code == 200
    assert city.delete(f"maintenance-windows/{whole}").status_code == 200
    assert city.get("maintenance-windows").json()["items"] == []
    page = city.get("maintenance-windows", params={"over": True, "limit": 1}).json()
    assert len(page["items"]) == 1
    rest = city.get("maintenance-windows", params={"over": True, "cursor": page["next"]}).json()
    assert len(page["items"] + rest["items"]) == 2


@pytest.mark.parametrize("regions", [None, [LINHE]])
def test_statistics_within_the_scope(desk: Desk, regions: list[str] | None) -> None:
    for number in range(3):
        desk.raise_(f"150802/water/a{number}/pressure")
    desk.raise_("150821/water/b/pressure", region=WUYUAN)
    found = desk.who("viewer", regions=regions).get("statistics/alerts").json()
    assert sum(one["alerts"] for one in found["priorities"]) == (3 if regions else 4)
    assert found["most"] == {"value": 3 if regions else 4, "most": 10}
    assert [one["alerts"] for one in found["times"]] == [3 if regions else 4]
    assert any("b/pressure" in one["subject"] for one in found["top"]) is (regions is None)


def test_statistics_leave_connections_to_those_who_sign_in(desk: Desk) -> None:
    viewer = desk.who("viewer")
    with psycopg.connect(desk.url) as blocking, ThreadPoolExecutor(8) as threads:
        blocking.execute("lock table alert in access exclusive mode")
        asked = [threads.submit(viewer.get, "statistics/alerts") for _ in range(8)]
        time.sleep(1)
        refused = viewer.post("session", json={"name": "nobody", "password": "wrong"})
        blocking.rollback()
        assert [one.result().status_code for one in asked] == [200] * 8
    assert refused.status_code == 401
