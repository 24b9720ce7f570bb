"""Regions, domains, metrics and sites."""

from __future__ import annotations

from collections.abc import Callable

import psycopg

from tests.integration.api.readings.week import PM25, Stored


def test_the_tree_of_regions_can_be_drawn(stored: Stored, grant: Callable[..., str]) -> None:
    token = grant(stored.url, "viewer", ["150802"])
    regions = {item["id"]: item for item in stored.json("regions", token=token)["items"]}

    assert {id for id, item in regions.items() if item["in_scope"]} == {"150802"}
    assert regions.keys() == {"150000", "150800", "150802"}
    assert stored.get("regions/150800", token).json()["parent"] == "150000"
    assert stored.get("regions/150821", token).status_code == 404
    everything = stored.json("regions", limit=5)
    assert len(everything["items"]) == 5
    assert stored.json("regions", cursor=everything["next"])["items"][0]["id"] > everything["items"][-1]["id"]


def test_domains_and_metrics(stored: Stored) -> None:
    water = stored.json("domains/water")

    assert {"id": "pump_house", "title": {"zh": "泵房", "en": "Pump house"}} in water["site_kinds"]
    (pressure,) = [metric for metric in water["metrics"] if metric["id"] == "pressure"]
    assert (pressure["unit"], pressure["high"], pressure["interval_s"]) == ("MPa", 2.5, 60)
    every = stored.json("metrics", limit=1000)["items"]
    assert {metric["domain"] for metric in every} == {item["id"] for item in stored.json("domains")["items"]}
    states = [state for metric in every for state in metric["states"]]
    assert states
    assert all(state["title"] for state in states)
    assert stored.get("domains/nothing").status_code == 404


def test_sites(stored: Stored) -> None:
    every = stored.json("sites")["items"]

    assert {site["id"] for site in stored.json("sites", region="150800")["items"]} == {site["id"] for site in every}
    assert [site["id"] for site in stored.json("sites", text="DONGSI")["items"]] == ["air-linhe-3"]
    assert stored.json("sites", kind="pump_house")["items"] == []
    first = every[0]
    east, north = first["longitude"], first["latitude"]
    box = f"{east - 0.001},{north - 0.001},{east + 0.001},{north + 0.001}"
    assert [site["id"] for site in stored.json("sites", bbox=box)["items"]] == [first["id"]]
    assert stored.get("sites", bbox="1,2,3").status_code == 422
    site = stored.json("sites/air-linhe-3")
    assert site["kind_title"]["en"]
    assert [device["name"] for device in site["devices"]] == ["air-dongsi"]
    assert [series["name"] for series in site["series"]] == [PM25]


def test_numbers_in_the_ids_of_sites_count_as_such(stored: Stored) -> None:
    with psycopg.connect(stored.url) as connection:
        connection.execute(
            "insert into site (id, region_id, domain_id, kind, title_zh, title_en, longitude, latitude) "
            "select 'row-' || n, '150802', 'air', 'station', 'row', 'row', 107, 40 from unnest(array[10, 2, 9, 100]) n"
        )
    try:
        first = stored.json("sites", text="row", limit=2)
        second = stored.json("sites", text="row", limit=2, cursor=first["next"])
        names = [site["id"] for page in (first, second) for site in page["items"]]
        assert names == ["row-2", "row-9", "row-10", "row-100"]
    finally:
        with psycopg.connect(stored.url) as connection:
            connection.execute("delete from site where title_en = 'row'")


def test_what_a_client_has_already_is_not_sent_again(stored: Stored) -> None:
    for path in ("regions", "domains", "metrics", "sites"):
        tag = stored.get(path).headers["etag"]
        again = stored.client.get(f"/api/v1/{path}", headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
