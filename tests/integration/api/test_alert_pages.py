"""Alerts page by page, one of them with all there is to say, and as a warning."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from api.web.pages import encode
from tests.integration.api.desk import LINHE, WUYUAN, Desk, opened, soon

__all__ = ["opened"]

CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"


def ids(client: httpx.Client, **filters: Any) -> list[int]:
    answer = client.get("alerts", params=filters)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def test_what_needs_attention_comes_first(desk: Desk) -> None:
    blue = desk.raise_("150802/water/a/pressure", 4)
    red = desk.raise_("150802/water/b/pressure", 1)
    late = desk.raise_("150802/water/c/pressure", 2)
    undated = desk.raise_("150802/water/d/pressure", 2)
    desk.do("update alert set due_at = now(), missed = 0 where id = %s", late)
    desk.do("update alert set missed = 1 where id = %s", blue)

    assert ids(desk.who()) == [red, late, undated, blue]


def test_every_page_of_every_order_has_each_alert_once(desk: Desk) -> None:
    made = [desk.raise_(f"150802/water/d{number}/pressure", number % 4 + 1) for number in range(23)]
    desk.do("update alert set due_at = now() + id %% 3 * interval '1 minute' where id %% 2 = 0")
    client = desk.who()
    for sort in ("attention", "-raised_at", "due_at", "-changed_at"):
        whole = ids(client, sort=sort)
        seen: list[int] = []
        cursor = None
        while True:
            page = client.get(
                "alerts", params={"sort": sort, "limit": 5, **({"cursor": cursor} if cursor else {})}
            ).json()
            seen += [item["id"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert seen == whole, sort
        assert sorted(seen) == sorted(made)


def test_pages_stay_in_place_while_alerts_change(desk: Desk) -> None:
    made = [desk.raise_(f"150802/water/d{number}/pressure", 3) for number in range(10)]
    client = desk.who()
    first = client.get("alerts", params={"limit": 5}).json()
    desk.raise_("150802/water/new/pressure", 1)  # before the cursor
    gone = first["items"][0]["id"]
    assert client.post(f"alerts/{gone}/refute", json={"note": "误报"}).status_code == 200
    rest = client.get("alerts", params={"limit": 100, "cursor": first["next"]}).json()["items"]

    assert [item["id"] for item in first["items"] + rest] == made


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "",
        "W10",
        encode([1, None, "2026-11-21T10:00:00", 5]),
        encode([9, None, "2100-01-01T00:00:00Z", 5]),
        encode([1]),
    ],
)
def test_a_cursor_that_is_none(desk: Desk, cursor: str) -> None:
    for path in ("alerts", "shelves", "maintenance-windows"):
        answer = desk.who().get(path, params={"cursor": cursor}, headers={"Accept-Language": "zh"})
        if path == "alerts" or cursor != encode([1]):
            assert answer.status_code == 400, (path, answer.text)
            assert "游标无效" in answer.json()["detail"]


def test_filters(desk: Desk) -> None:
    a = desk.raise_("150802/water/a/pressure", 1, site="air-linhe-1")
    b = desk.raise_("150821/water/b/pressure", 2, region=WUYUAN, rule="water.end_pressure")
    c = desk.raise_("150802/water/c/pressure", 3)
    desk.raise_("150802/water/c/pressure", 3, kind="cleared")
    client = desk.who()
    client.post(f"alerts/{b}/confirm", json={})
    client.post(f"alerts/{b}/dispatch", json={"crew": "一班"})
    client.post("shelves", json={"alert": a, "until": soon(hours=1), "reason": "换表"})
    wanted: list[tuple[dict[str, Any], list[int]]] = [
        ({"region": "150800"}, [a, b, c]),
        ({"region": LINHE}, [a, c]),
        ({"domain": "air"}, []),
        ({"site": "air-linhe-1"}, [a]),
        ({"device": "150802/water/c"}, [c]),
        ({"rule": "water.end*"}, [b]),
        ({"rule": "water_*"}, []),
        ({"severity": [1, 3]}, [a, c]),
        ({"attention": 2}, [b]),
        ({"handling": "dispatched"}, [b]),
        ({"condition": "cleared"}, [c]),
        ({"crew": "一班"}, [b]),
        ({"overdue": True}, []),
        ({"shelved": True}, [a]),
        ({"shelved": False}, [b, c]),
        ({"from": soon(minutes=1)}, []),
        ({"to": soon(minutes=1)}, [a, b, c]),
        ({"text": "LINHE"}, [a]),
        ({"text": "%"}, []),
    ]
    for filters, found in wanted:
        assert ids(client, **filters) == found, filters
    client.post(f"alerts/{c}/close", json={"note": "好"})
    assert ids(client) == [a, b]
    assert ids(client, open=False) == [a, b, c]
    assert client.get("alerts", params={"from": "2026-11-21T10:00:00"}).status_code == 422
    assert client.get("alerts", params={"text": "\0"}).status_code == 422


def test_a_county_sees_its_county(desk: Desk) -> None:
    here = desk.raise_("150802/water/a/pressure")
    there = desk.raise_("150821/water/b/pressure", region=WUYUAN)
    nowhere = desk.raise_("all/water/c/pressure", region=None)
    county, city, air = desk.who(regions=[LINHE]), desk.who(regions=["150800"]), desk.who(domains=["air"])

    assert ids(county) == [here]
    assert ids(county, region=WUYUAN) == []
    assert ids(city) == [here, there]
    assert ids(desk.who()) == [here, there, nowhere]
    assert ids(air) == []
    counts = county.get("alerts/counts").json()
    assert [(region["id"], region["raised"]) for region in counts["regions"]] == [(LINHE, 1)]
    assert counts["severities"] == [{"severity": 2, "raised": 1, "unjudged": 1, "cleared": 0, "failing": 0}]
    assert counts["domains"][0]["title"]["en"] == "Water supply" or counts["domains"][0]["id"] == "water"
    for below in ("", "/timeline", "/explanation", "/cap"):
        assert county.get(f"alerts/{here}{below}").status_code == 200
        for hidden in (there, nowhere, 999):
            assert county.get(f"alerts/{hidden}{below}").status_code == 404


def test_what_is_on_trial_is_nobodys(desk: Desk) -> None:
    trial = desk.raise_("150802/water/a/pressure", rule="water.trial")
    client = desk.who("administrator")
    assert ids(client, open=False) == []
    assert client.get(f"alerts/{trial}").status_code == 404
    assert client.post(f"alerts/{trial}/confirm", json={}).status_code == 404


def test_one_alert_and_its_tag(desk: Desk) -> None:
    id = desk.raise_("150802/water/a/pressure")
    client = desk.who()
    first = client.get(f"alerts/{id}")
    found = first.json()
    assert [offer["action"] for offer in found["allowed"]] == ["confirm", "refute", "close", "assign", "comment"]
    assert found["region"] == LINHE
    assert first.headers["ETag"] == f'"0-{found["newest_event"]}"'
    again = client.get(f"alerts/{id}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    client.post("maintenance-windows", json={})  # refused: changes nothing
    desk.who("engineer").post(
        "maintenance-windows", json={"region": LINHE, "end_at": soon(hours=1), "reason": "冲洗"}
    ).raise_for_status()
    quiet = client.get(f"alerts/{id}", headers={"If-None-Match": first.headers["ETag"]})
    assert quiet.status_code == 200, "a window is no event of the alert, and shows"
    assert quiet.json()["maintained_until"]
    assert desk.who("viewer").get(f"alerts/{id}").json()["allowed"] == []


def test_timeline_and_explanation(desk: Desk) -> None:
    id = desk.raise_("150802/water/a/pressure")
    client = desk.who()
    client.post(f"alerts/{id}/confirm", json={"note": "属实"})
    client.post(f"alerts/{id}/dispatch", json={"crew": "一班"})
    first = client.get(f"alerts/{id}/timeline", params={"limit": 2}).json()
    rest = client.get(f"alerts/{id}/timeline", params={"cursor": first["next"]}).json()
    assert [event["kind"] for event in first["items"] + rest["items"]] == ["raised", "confirm", "dispatch"]
    assert rest["next"] is None
    assert first["items"][1]["actor"].startswith("token:")

    found = client.get(f"alerts/{id}/explanation").json()
    (limit,) = found["limits"]
    assert (limit["value"], limit["source"], limit["confidence"]) == (0.14, "CJJ 58", "B")
    assert (found["deadline"]["step"], found["deadline"]["title"]["zh"]) == ("accept", "签收")
    assert (found["told"], found["untold"]) == ([], None)


def test_as_a_warning(desk: Desk) -> None:
    id = desk.raise_("150802/air/x/pressure", 3, site="air-linhe-1")
    client = desk.who()

    def warning() -> tuple[str, str, str]:
        answer = client.get(f"alerts/{id}/cap")
        assert answer.headers["Content-Type"] == "application/cap+xml"
        root = ElementTree.fromstring(answer.content)
        return tuple(root.findtext(f"{CAP}{tag}", "") for tag in ("identifier", "msgType", "references"))  # type: ignore[return-value]

    first, kind, references = warning()
    assert (kind, references) == ("Alert", "")
    desk.raise_("150802/air/x/pressure", 1, kind="escalated", site="air-linhe-1")
    second, kind, references = warning()
    assert kind == "Update"
    assert references.split(",")[1] == first != second
    client.post(f"alerts/{id}/refute", json={"note": "检修"})
    _, kind, references = warning()
    assert (kind, len(references.split())) == ("Cancel", 2)
