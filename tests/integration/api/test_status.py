"""What was published over MQTT, as the API tells it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol

import psycopg
import pytest


class City(Protocol):
    database_url: str
    api: Any
    hour: datetime


@pytest.fixture
def status(city: City) -> dict[str, Any]:
    response = city.api.client.get("/api/v1/status")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    body: dict[str, Any] = response.json()
    return body


def site(status: dict[str, Any], title: str) -> dict[str, Any]:
    (found,) = [site for site in status["sites"] if title in site["title"]["en"]]
    return dict(found)


def domain(status: dict[str, Any], id: str) -> dict[str, Any]:
    (found,) = [domain for domain in status["domains"] if domain["id"] == id]
    return dict(found)


def published(city: City, status: dict[str, Any], trend: list[float | None]) -> list[float | None]:
    """What a trend tells of the two hours in which was published."""
    begun_since = (datetime.fromisoformat(status["now"]) - city.hour) // timedelta(hours=1)
    assert len(trend) == 24
    return trend[22 - begun_since : 24 - begun_since]


def test_the_ledger_adds_up(status: dict[str, Any]) -> None:
    ledger = status["ledger"]

    assert ledger["received"] == ledger["stored"] + ledger["duplicate"] + ledger["quarantined"]
    assert ledger["stored"] >= 10
    assert ledger["unbalanced"] == 0


def test_a_site_of_the_catalogue_with_its_latest_values(city: City, status: dict[str, Any]) -> None:
    station = site(status, "Dongsi")

    assert station["region_title"] == {"zh": "临河区", "en": "Linhe District"}
    assert station["verified"]
    assert station["values"]["pm25"]["value"] == 112
    assert station["values"]["pm25"]["good"]
    assert published(city, status, station["trend"]) == [90, 112]
    assert status["metrics"]["air"]["pm25"]["unit"] == "ug/m3"


def test_an_unlisted_device_and_a_doubtful_value(status: dict[str, Any]) -> None:
    gauge = site(status, "gauge-7")

    assert gauge["id"] is None
    assert not gauge["verified"]
    assert gauge["values"]["pressure"]["value"] == 7.7
    assert not gauge["values"]["pressure"]["good"]
    assert "out_of_range" in gauge["values"]["pressure"]["quality"]


def test_a_domain_and_its_vital_sign(city: City, status: dict[str, Any]) -> None:
    air = domain(status, "air")

    assert air["devices"] == {"total": 3, "unverified": 0, "online": 1, "offline": 0, "unknown": 2}
    assert air["vital"]["metric"] == "pm25", "there is no AQI yet"
    assert air["vital"]["value"] == 112
    assert "Dongsi" in air["vital"]["place"]["en"]
    assert published(city, status, air["vital"]["trend"]) == [90, 112]
    assert domain(status, "heating")["places"] == 0


def test_what_waits_in_quarantine(status: dict[str, Any]) -> None:
    reasons = {row["reason"]: row["entries"] for row in status["quarantine"]}

    assert reasons["invalid_json"] == 1


def test_who_collects(status: dict[str, Any]) -> None:
    (collector,) = status["collectors"]

    assert collector["unit"] == "city"
    assert collector["connected"]
    assert collector["heard_s"] < 10
    assert status["ready"]


def test_a_ledger_that_does_not_add_up_is_seen(city: City, wait: Callable[[Callable[[], bool]], None]) -> None:
    def unbalanced() -> int:
        return int(city.api.client.get("/api/v1/status").json()["ledger"]["unbalanced"])

    change = "update ledger set received = received + %s where device_id = (select min(device_id) from ledger)"
    with psycopg.connect(city.database_url, autocommit=True) as connection:
        connection.execute(change, (1,))
        try:
            wait(lambda: unbalanced() == 1)
        finally:
            connection.execute(change, (-1,))
    wait(lambda: unbalanced() == 0)
