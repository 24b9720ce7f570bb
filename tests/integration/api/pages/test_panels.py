"""The four pages that ship, on a city as the simulators leave it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from citybrain.catalogue.load import load
from citybrain.settings import PROJECT
from tests.integration.api.pages.conftest import alert

PAGES = load(PROJECT).pages
NOWHERE = {("sentinel", "heat")}  # the town has no such sites
PANELS = [(domain, panel) for domain, page in PAGES.items() for panel in page.panels]


@pytest.fixture(scope="module", autouse=True)
def alerts(town: Any) -> None:
    with psycopg.connect(town.database_url) as connection:
        alert(connection, "end-3", 1, timedelta(minutes=5))
        alert(connection, "end-3", 3, timedelta(minutes=5), rule="water.other")
        alert(connection, "gas-2", 2, timedelta(hours=3), rule="sentinel.methane")
        newest = (
            "update series_state set value = %s from series s join device d on d.id = s.device_id "
            "join metric m on m.id = s.metric_id where s.id = series_id and d.name = %s and m.name = %s"
        )
        connection.execute(newest, (1, "sewer-1", "cover_open"))
        connection.execute(newest, (-9, "station-4", "supply_temp_deviation"))
        # Well 5 has been without a reading since yesterday.
        connection.execute(
            "update series_state set time = time - interval '1 day' from series s join device d on d.id = s.device_id "
            "where s.id = series_id and d.name = 'gas-5'"
        )


def panel(town: Any, domain: str, id: str, **parameters: str) -> dict[str, Any]:
    found: dict[str, Any] = town.get(f"domains/{domain}/page/panels/{id}", **parameters)
    assert found["panel"] == id
    assert found["kind"] == PAGES[domain].panels[id].kind
    return found


@pytest.mark.parametrize(("domain", "id"), PANELS)
def test_every_panel_of_every_page_answers(town: Any, domain: str, id: str) -> None:
    found = panel(town, domain, id)
    content = next(value for key, value in found.items() if isinstance(value, list))

    assert bool(content) != ((domain, id) in NOWHERE), "there is something to see"


@pytest.mark.parametrize("domain", PAGES)
def test_a_page_says_what_its_panels_are(town: Any, domain: str) -> None:
    page = town.get(f"domains/{domain}/page")

    assert [one["id"] for one in page["panels"]] == list(PAGES[domain].panels)
    named = {figure["metric"] for one in page["panels"] for figure in one["figures"] + one["columns"]}
    assert named <= {metric["id"] for metric in page["metrics"]}


def test_limits_are_those_of_the_rules_in_force(town: Any) -> None:
    page = town.get("domains/water/page")
    (pressure,) = [metric for metric in page["metrics"] if metric["id"] == "pressure"]
    (mild, grave) = [limit for limit in pressure["limits"] if limit["rule"] == "water.end_pressure"]

    assert (mild["severity"], mild["value"], mild["operator"], mild["confidence"]) == (3, 0.2, "<", "S")
    assert (grave["severity"], grave["value"], grave["source"], grave["clause"]) == (2, 0.14, "CJJ 58", "3.1.3")
    assert {limit["rule"] for limit in pressure["limits"]} == {"water.end_pressure"}, "a fall is no level"
    assert page["vital"]["beside"][1]["keeps"]["value"] == 0.14


def test_the_structure_is_not_told_twice(town: Any) -> None:
    tag = town.client.get("/api/v1/domains/air/page").headers["ETag"]

    assert town.client.get("/api/v1/domains/air/page", headers={"If-None-Match": tag}).status_code == 304


def test_a_sum_has_its_course_its_band_and_what_is_usual(town: Any) -> None:
    inflow, night, _, share, lowest = panel(town, "water", "vitals")["figures"]

    assert inflow["value"] == pytest.approx(8 * 104, rel=0.05), "eight inlets"
    assert (inflow["n"], inflow["of"]) == (8, 8)
    assert len(inflow["trend"]) == len(inflow["band"]) == 24
    assert inflow["trend"][12] == pytest.approx(8 * 102, rel=0.2)
    low, high = inflow["band"][12]
    assert low * (1 - 1e-9) <= inflow["trend"][12] <= high * (1 + 1e-9), "all days are alike"
    assert inflow["usual"] == pytest.approx(inflow["trend"][-2], rel=0.2)
    assert night["trend"] is None, "one value a night has no hourly course"
    assert (share["value"], share["n"]) == (100, 16)
    assert lowest["place"]["id"].startswith("end-")


def test_zones_are_told_with_all_that_lies_in_them(town: Any) -> None:
    found = panel(town, "water", "zones")
    first = found["rows"][0]
    inflow, night, leakage, pressure = first["cells"]

    assert found["total"] == len(found["rows"]) == 8
    assert (first["id"], first["severity"], first["alerts"], first["unjudged"]) == ("zone-3", 1, 2, True)
    assert inflow["usual"] == pytest.approx(inflow["value"], rel=0.3)
    assert inflow["low"] <= 0.8 * inflow["median"] < 1.2 * inflow["median"] <= inflow["high"]
    assert len(night["days"]) == 28
    assert sum(value is not None for value in night["days"]) >= 26
    assert night["low"] <= night["median"] <= night["high"]
    assert leakage["value"] == pytest.approx(9, rel=0.1)
    assert (pressure["n"], pressure["of"]) == (2, 2), "the ends of this zone"
    assert [row["severity"] for row in found["rows"][1:]] == [None] * 7


def test_the_selected_zones_series(town: Any) -> None:
    found = panel(town, "water", "today", sel="zone-3")

    lines = {(line["metric"], line["site"]["id"]) for line in found["lines"]}
    assert ("zone_inflow", "inlet-3") in lines
    assert {site for metric, site in lines if metric == "pressure"} == {"inlet-3", "end-3", "end-11"}
    assert all(line["band"] for line in found["lines"])
    assert not found["more"]


def test_without_a_selection_a_series_is_the_mean_of_all(town: Any) -> None:
    inflow, pressure = panel(town, "water", "today")["lines"]

    assert (inflow["series"], inflow["resolution"]) == (None, "hour")
    assert 23 <= len(inflow["points"]) <= 25
    assert len(inflow["band"]) == 24, "of the hours that begin in the span"
    assert pressure["metric"] == "pressure"


def test_the_curve_is_what_was_against_what_should_be(town: Any) -> None:
    everything = panel(town, "heating", "curve")
    station = panel(town, "heating", "curve", sel="station-3")

    assert len(everything["newest"]) == 8
    worst = everything["newest"][0]
    assert worst["site"]["id"] == "station-4"
    assert worst["reference"] == pytest.approx(worst["y"] + 9)
    assert len(station["hours"]) >= 7 * 24
    assert all(point["reference"] > point["y"] for point in station["hours"]), "one kelvin too cold"
    assert station["reference"] == sorted(station["reference"])


def test_stations_stand_in_the_order_of_their_deviation(town: Any) -> None:
    rows = panel(town, "heating", "stations")["rows"]

    assert rows[0]["id"] == "station-4"
    deviation = [abs(row["cells"][0]["value"]) for row in rows]
    assert deviation == sorted(deviation, reverse=True)
    assert len(rows[0]["cells"][0]["trend"]) == 24
    assert rows[0]["cells"][4] is None, "no return pressure is measured there"


def test_tiles_have_words_for_what_is_coded(town: Any) -> None:
    rows = [row for row in panel(town, "air", "stations")["rows"] if row["id"].startswith("air-sim-")]
    aqi, category, primary, *_ = rows[0]["cells"]

    assert len(rows) == 4
    assert len(aqi["trend"]) == 24
    assert category["states"] == ["good"]
    assert primary["states"] == ["pm25"]


def test_wells_are_counted_by_kind_and_state_and_the_abnormal_listed(town: Any) -> None:
    found = panel(town, "sentinel", "wells")
    counts = {(count["kind"]["id"], count["state"]): count["sites"] for count in found["counts"]}

    assert counts == {
        ("gas_well", "alert_2"): 1,
        ("gas_well", "silent"): 1,
        ("gas_well", "normal"): 14,
        ("sewer_well", "normal"): 16,
    }
    assert [(site["id"], site["state"]) for site in found["abnormal"]] == [("gas-2", "alert_2"), ("gas-5", "silent")]
    silent = datetime.fromisoformat(found["now"]) - datetime.fromisoformat(found["abnormal"][1]["since"])
    assert silent > timedelta(days=1), "since its newest reading"


def test_covers_are_counted_by_what_they_say(town: Any) -> None:
    found = panel(town, "sentinel", "covers")

    assert {(count["state"], count["normal"]) for count in found["counts"]} == {
        ("true", False),
        ("false", True),
        ("silent", False),
    }
    assert {site["id"] for site in found["abnormal"]} == {"sewer-1", "gas-5"}


def test_the_methane_list_is_of_those_that_measure_it_and_ends_after_twenty(town: Any) -> None:
    found = panel(town, "sentinel", "methane")

    assert (len(found["rows"]), found["total"]) == (20, 32)
    assert found["rows"][0]["id"] == "gas-2", "it has an alert"


# ── what is asked for, and who asks ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("domain", "id"), PANELS)
def test_a_region_is_not_mixed_with_another(town: Any, domain: str, id: str) -> None:
    """By the filter, and by the scope of who asks; even numbers lie in the other county."""
    path = f"/api/v1/domains/{domain}/page/panels/{id}"
    filtered = town.client.get(path, params={"region": "150821"}).json()
    scoped = town.ask(["150821"]).get(path).json()
    everything = town.client.get(path).json()

    for found in (filtered, scoped):
        places = [row["id"] for row in found.get("rows", []) + found.get("abnormal", [])]
        assert all(int(place.rsplit("-", 1)[1]) % 2 == 0 for place in places)
    instants = ("now", "start")
    assert {**filtered, **dict.fromkeys(instants)} == {**scoped, **dict.fromkeys(instants)}
    if "figures" in found:
        assert sum(one["of"] for one in filtered["figures"]) < sum(one["of"] for one in everything["figures"])


def test_what_lies_beyond_the_scope_does_not_exist(town: Any) -> None:
    elsewhere = town.ask(["150821"])
    assert elsewhere.get("/api/v1/domains/water/page/panels/today", params={"sel": "zone-3"}).status_code == 404
    assert elsewhere.get("/api/v1/domains/water/page/panels/today", params={"sel": "zone-4"}).status_code == 200
    assert elsewhere.get("/api/v1/domains/heating/page/panels/curve", params={"sel": "station-3"}).status_code == 404
    only_air = town.ask(domains=["air"])
    assert only_air.get("/api/v1/domains/air/page").status_code == 200
    assert only_air.get("/api/v1/domains/water/page").status_code == 404
    assert only_air.get("/api/v1/domains/water/page/panels/zones").status_code == 404


@pytest.mark.parametrize("path", ["domains/nothing/page", "domains/water/page/panels/nothing"])
def test_there_is_no_such_page_or_panel(town: Any, path: str) -> None:
    answer = town.client.get(f"/api/v1/{path}", headers={"Accept-Language": "zh"})

    assert answer.status_code == 404
    assert "没有" in answer.json()["detail"]
