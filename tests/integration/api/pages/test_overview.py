"""The overview: cards, alerts by severity and age, devices, and the platform."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.integration.api.pages.conftest import alert, now


@pytest.fixture(scope="module")
def overview(town: Any) -> dict[str, Any]:
    with psycopg.connect(town.database_url) as connection:
        alert(connection, "end-1", 1, timedelta(minutes=5))
        late = {"handling": "handling", "due": now() - timedelta(minutes=1)}
        alert(connection, "end-2", 1, timedelta(minutes=20), en="Burst", zh="爆管", **late)
        alert(connection, "gas-1", 3, timedelta(hours=2), rule="sentinel.methane")
        alert(connection, "gas-2", 4, timedelta(days=2), rule="sentinel.methane")
        connection.execute(
            "insert into ledger (hour, device_id, received, stored, duplicate, quarantined, revised) "
            "select date_trunc('hour', %s::timestamptz) - n * interval '1 hour', id, 60, 58, 1, 1, 0 "
            "from device, generate_series(0, 3) n where name = 'inlet-1'",
            (now(),),
        )
        # Two devices fell silent, one of them yesterday, and one was never heard.
        silence = (
            "update series_state set time = time - %s::interval from series s join device d on d.id = s.device_id "
            "where s.id = series_id and d.name = %s"
        )
        connection.execute(silence, ("1 day", "inlet-3"))
        connection.execute(silence, ("20 days", "inlet-4"))
        connection.execute(
            "insert into device (region_id, domain_id, name, verified, first_seen) "
            "values ('150802', 'water', 'unheard', true, %s)",
            (now(),),
        )
    found: dict[str, Any] = town.get("overview")
    return found


def card(overview: dict[str, Any], domain: str) -> dict[str, Any]:
    (found,) = [one for one in overview["domains"] if one["domain"]["id"] == domain]
    return dict(found)


def test_alerts_by_severity_and_age(overview: dict[str, Any]) -> None:
    assert overview["ages"] == [[1, 1, 0, 0, 0], [0] * 5, [0, 0, 1, 0, 0], [0, 0, 0, 0, 1]]
    red = overview["alerts"][0]
    assert red == {"severity": 1, "open": 2, "raised": 2, "unjudged": 1, "overdue": 1}


def test_a_card_says_what_is_worst(overview: dict[str, Any]) -> None:
    water = card(overview, "water")

    assert water["worst"]["title"] == {"zh": "爆管", "en": "Burst"}
    assert water["worst"]["place"]["en"] == "end-2", "its deadline is over"
    assert [count["open"] for count in water["alerts"]] == [2, 0, 0, 0]
    assert card(overview, "air")["worst"] is None


def test_the_vital_sign_of_each_domain(overview: dict[str, Any]) -> None:
    for domain in ("water", "heating", "air", "sentinel"):
        vital = card(overview, domain)["vital"]
        assert vital["number"]["value"] is not None
        assert len(vital["number"]["trend"]) == len(vital["number"]["band"]) == 24
    assert card(overview, "water")["vital"]["across"] == "sum"
    assert card(overview, "water")["vital"]["number"]["n"] == 6, "of the eight inlets two are silent"
    assert card(overview, "sentinel")["vital"]["number"]["place"]["id"].startswith("gas-")
    warm = card(overview, "heating")["beside"][1]
    assert (warm["across"], warm["unit"], warm["number"]["value"]) == ("share", "%", 100)
    assert warm["keeps"]["rule"] == "heating.indoor_low"


def test_devices_are_silent_since(town: Any, overview: dict[str, Any]) -> None:
    devices = card(overview, "water")["devices"]
    longest = town.get("devices", state="silent", sort="since", domain="water")["items"]

    assert (devices["silent"], devices["unheard"]) == (2, 1)
    assert [one["name"] for one in longest] == ["inlet-4", "inlet-3"]
    assert longest[0]["silent_since"] == devices["silent_since"] == longest[0]["heard_at"]
    assert overview["platform"]["devices"]["total"] == sum(one["devices"]["total"] for one in overview["domains"])
    (unheard,) = town.get("devices", state="unheard", domain="water")["items"]
    assert (unheard["name"], unheard["heard_at"], unheard["silent_since"]) == ("unheard", None, None)


def test_pages_of_silent_devices_go_on_where_they_ended(town: Any, overview: dict[str, Any]) -> None:
    names, cursor = [], {}
    for _ in range(3):
        page = town.get("devices", sort="since", domain="water", limit="1", **cursor)
        names.append(page["items"][0]["name"])
        cursor = {"cursor": page["next"]}

    assert names[:2] == ["inlet-4", "inlet-3"]
    assert len(set(names)) == 3, "then come those that are heard"


def test_a_device_without_series_is_silent_by_its_last_word(town: Any, overview: dict[str, Any]) -> None:
    with psycopg.connect(town.database_url) as connection:
        connection.execute(
            "insert into device (region_id, domain_id, name, verified, first_seen, online, status_at) "
            "values ('150821', 'sentinel', 'gateway-off', true, %s, false, %s)",
            (now(), now()),
        )
    (gateway,) = town.get("devices", state="silent", text="gateway-off")["items"]

    assert (gateway["heard_at"], gateway["silent_since"]) == (None, gateway["status_at"])


def test_the_platform_and_its_ledger(overview: dict[str, Any]) -> None:
    platform = overview["platform"]

    assert platform["ledger"]["received"] == 240
    assert platform["ledger"]["received"] == sum(
        platform["ledger"][name] for name in ("stored", "duplicate", "quarantined")
    )
    assert platform["ledger"]["unbalanced"] == 0
    assert 0 < platform["rate"] <= 120 / 3600
    assert platform["quarantine"] == 0
    assert "database" in platform["readiness"]["checks"]


def test_a_flood_is_said_with_its_beginning(town: Any, overview: dict[str, Any]) -> None:
    assert (overview["flood"]["rate"], overview["flood"]["since"]) == (1, None)
    with psycopg.connect(town.database_url, autocommit=True) as connection:
        connection.execute("insert into flood (region_id, started_at) values ('150802', %s)", (now(),))
    try:
        here, elsewhere = (town.ask([region]).get("/api/v1/overview").json() for region in ("150802", "150821"))
    finally:
        with psycopg.connect(town.database_url, autocommit=True) as connection:
            connection.execute("delete from flood")

    assert here["flood"]["since"] is not None
    assert elsewhere["flood"]["since"] is None


def test_a_scope_sees_its_own_city(town: Any, overview: dict[str, Any]) -> None:
    county = town.ask(["150821"]).get("/api/v1/overview").json()
    filtered = town.get("overview", region="150821")
    air = town.ask(domains=["air"]).get("/api/v1/overview").json()

    assert county["ages"][0] == filtered["ages"][0] == [0, 1, 0, 0, 0]
    assert card(county, "water")["vital"]["number"]["n"] == 3
    assert county["platform"]["quarantine"] is None
    assert [one["domain"]["id"] for one in air["domains"]] == ["air"]
    assert air["alerts"][0]["open"] == 0
