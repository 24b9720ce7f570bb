"""The ledger over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

LINHE, WUYUAN = "150802", "150821"


def hours(client: Any, **query: object) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        asked = {**query, "limit": 3, **({"cursor": cursor} if cursor else {})}
        answer = client.get("/api/v1/ledger", params=asked)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        cursor = answer.json()["next"]
        if cursor is None:
            return found


def test_the_account_comes_hour_by_hour_the_newest_first(town: Any) -> None:
    found = hours(town.client)
    assert len(found) == 10
    keys = [(one["hour"], one["device_id"]) for one in found]
    assert keys == sorted(keys, reverse=True)
    assert all(one["received"] == one["stored"] + one["duplicate"] + one["quarantined"] for one in found)
    assert {one["region"]["title"]["en"] for one in found} == {"Linhe District", "Wuyuan County"}


def test_totals_are_the_sum_of_the_hours(town: Any) -> None:
    totals = town.client.get("/api/v1/ledger/totals").json()
    assert (totals["received"], totals["stored"], totals["unbalanced"]) == (600, 580, 0)
    town.execute(
        "update ledger set stored = 57 where hour = (select max(hour) from ledger) and device_id in "
        "(select id from device where region_id = %s)",
        LINHE,
    )
    assert town.client.get("/api/v1/ledger/totals").json()["unbalanced"] == 1
    assert town.ask(regions=[WUYUAN]).get("/api/v1/ledger/totals").json()["unbalanced"] == 0
    (wrong,) = hours(town.client, unbalanced=True)
    assert (wrong["region"]["id"], wrong["missing"]) == (LINHE, 1)


def test_a_scope_sees_its_own_account(town: Any) -> None:
    assert {one["region"]["id"] for one in hours(town.ask(regions=[LINHE]))} == {LINHE}
    assert hours(town.ask(regions=[LINHE]), region=WUYUAN) == []
    assert hours(town.ask(domains=["air"])) == []
    assert town.ask(domains=["air"]).get("/api/v1/ledger/totals").json()["received"] == 0


def test_it_is_filtered(town: Any) -> None:
    assert len(hours(town.client, region="150800")) == 10
    assert len(hours(town.client, region=LINHE)) == 5
    assert len(hours(town.client, device=f"gauge-{LINHE}")) == 5
    assert hours(town.client, domain="air") == []
    (first,) = town.execute("select min(hour) from ledger")[0]
    span = {"from": first.isoformat(), "to": (first + timedelta(hours=2)).isoformat()}
    assert len(hours(town.client, **span)) == 4


@pytest.mark.parametrize(
    "query",
    [
        {"from": "2026-01-01T00:00:00"},
        {"from": "2020-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
        {"to": "0001-01-01T00:00:00Z"},
        {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
        {"limit": 100000},
        {"region": "\x00"},
    ],
)
def test_spans_and_pages_have_bounds(town: Any, query: dict[str, Any]) -> None:
    answer = town.client.get("/api/v1/ledger", params=query)
    assert answer.status_code == 422, answer.text


def test_a_cursor_of_another_list_is_refused(town: Any) -> None:
    assert town.client.get("/api/v1/ledger", params={"cursor": "WyIxNTA4MDIiXQ"}).status_code == 400
