"""Devices over HTTP: seen within one's scope, and their credentials changed at a real broker."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import paho.mqtt.publish
import psycopg
import pytest
from paho.mqtt import MQTTException

from deploy.local.servers import Broker

DEVICES = "/api/v1/devices"
_numbers = itertools.count()


@pytest.fixture(scope="module")
def api(city: Any) -> httpx.Client:
    client: httpx.Client = city.api.client
    return client


@pytest.fixture
def acting(city: Any, api: httpx.Client, grant: Callable[..., str]) -> Iterator[Callable[..., httpx.Client]]:
    """A client of a role and scope."""
    made: list[httpx.Client] = []

    def act(role: str, regions: list[str] | None = None, domains: list[str] | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {grant(city.database_url, role, regions, domains)}"}
        made.append(httpx.Client(base_url=api.base_url, headers=headers, trust_env=False))
        return made[-1]

    yield act
    for client in made:
        client.close()


@pytest.fixture
def fresh() -> dict[str, str]:
    """A device that nobody has yet."""
    return {"region": "150821", "domain": "water", "name": f"api-{next(_numbers)}"}


def path(device: dict[str, str]) -> str:
    return f"{DEVICES}/{device['region']}/{device['domain']}/{device['name']}"


def may_publish(broker: Broker, secret: dict[str, str]) -> bool:
    auth = {"username": secret["username"], "password": secret["password"]}
    topic = f"city/{secret['username']}/status"
    try:
        paho.mqtt.publish.single(topic, "online", qos=1, hostname="127.0.0.1", port=broker.port, auth=auth)
    except MQTTException:
        return False
    return True


def test_a_device_is_found_by_what_is_known_of_it(api: httpx.Client) -> None:
    found = api.get(DEVICES, params={"text": "dongsi"}).json()["items"]
    (station,) = found
    assert (station["region"]["id"], station["domain"]["id"], station["name"]) == ("150802", "air", "air-dongsi")
    assert station["credentials"] == {"state": "none", "created_at": None, "rotated_at": None, "revoked_at": None}
    assert (station["online"], station["verified"]) == (True, True)
    for filters, named in (
        ({"region": "150800", "domain": "air", "online": True}, True),
        ({"region": "150821", "domain": "air"}, False),
        ({"site": station["site"]["id"]}, True),
        ({"credentials": "none", "verified": True}, True),
        ({"credentials": "active"}, False),
        ({"verified": False}, False),
        ({"online": False}, False),
        ({"region": "nowhere"}, False),
    ):
        names = [item["name"] for item in api.get(DEVICES, params=filters).json()["items"]]
        assert ("air-dongsi" in names) == named, filters


def test_pages_give_every_device_once(api: httpx.Client) -> None:
    every = api.get(DEVICES, params={"limit": 1000}).json()
    assert every["next"] is None
    paged, cursor = [], None
    while True:
        page = api.get(DEVICES, params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        paged += page["items"]
        if (cursor := page["next"]) is None:
            break
    assert paged == every["items"]


def test_one_device_shows_series_and_ledger(api: httpx.Client) -> None:
    gauge = api.get(f"{DEVICES}/150821/water/gauge-7").json()
    assert {series["metric"]["id"] for series in gauge["series"]} == {"pressure", "pump_running"}
    (hour, *_) = gauge["ledger"]
    assert hour["received"] == hour["stored"] + hour["duplicate"] + hour["quarantined"] > 0


def test_credentials_are_given_renewed_and_taken_away(api: httpx.Client, city: Any, fresh: dict[str, str]) -> None:
    made = api.post(DEVICES, json=fresh)
    assert made.status_code == 201, made.text
    first = made.json()
    assert may_publish(city.broker, first)
    again = api.post(DEVICES, json=fresh)
    assert (again.status_code, "rotate" in again.json()["detail"]) == (409, True)

    second = api.post(f"{path(fresh)}/rotate").json()
    assert not may_publish(city.broker, first)
    assert may_publish(city.broker, second)

    assert api.post(f"{path(fresh)}/revoke").json() == {"username": second["username"]}
    assert not may_publish(city.broker, second)
    assert api.get(path(fresh)).json()["credentials"]["state"] == "revoked"
    assert may_publish(city.broker, api.post(f"{path(fresh)}/rotate").json())

    with psycopg.connect(city.database_url) as connection:
        rows = connection.execute(
            "select action, a::text from audit a where target = %s order by id", [f"device {second['username']}"]
        ).fetchall()
        kept = connection.execute("select coalesce(string_agg(r::text, ''), '') from request_key r").fetchone()
    assert [action for action, _ in rows] == ["device.add", "device.rotate", "device.revoke", "device.rotate"]
    assert all(secret["password"] not in f"{rows}{kept}" for secret in (first, second))


def test_a_repeated_request_does_not_tell_the_password_again(api: httpx.Client, fresh: dict[str, str]) -> None:
    headers = {"Idempotency-Key": f"devices-{fresh['name']}"}
    assert api.post(DEVICES, json=fresh, headers=headers).status_code == 201
    assert api.post(DEVICES, json=fresh, headers=headers).status_code == 409


def test_several_are_added_or_none(api: httpx.Client, fresh: dict[str, str]) -> None:
    other = {**fresh, "name": fresh["name"] + "-b"}
    answer = api.post(f"{DEVICES}/import", json={"devices": [fresh, {**other, "site": "nowhere"}]})
    assert answer.status_code == 422
    assert "devices.1: there is no site 'nowhere'" in answer.json()["detail"]
    assert api.get(path(fresh)).status_code == 404
    answer = api.post(f"{DEVICES}/import", json={"devices": [fresh, other]})
    assert [device["name"] for device in answer.json()["devices"]] == [fresh["name"], other["name"]]


@pytest.mark.parametrize("role", ["viewer", "operator", "engineer"])
def test_only_administrators_change_credentials(
    acting: Callable[..., httpx.Client], fresh: dict[str, str], role: str
) -> None:
    client = acting(role)
    assert client.get(DEVICES).status_code == 200
    for answer in (
        client.post(DEVICES, json=fresh),
        client.post(f"{DEVICES}/import", json={"devices": [fresh]}),
        client.post(f"{DEVICES}/150821/water/gauge-7/rotate"),
        client.post(f"{DEVICES}/150821/water/gauge-7/revoke"),
    ):
        assert answer.status_code == 403


@pytest.mark.parametrize(("regions", "domains"), [(["150802"], None), (None, ["air"])])
def test_what_is_outside_the_scope_is_not_there(
    api: httpx.Client,
    acting: Callable[..., httpx.Client],
    fresh: dict[str, str],
    regions: list[str] | None,
    domains: list[str] | None,
) -> None:
    client = acting("administrator", regions, domains)
    seen = client.get(DEVICES, params={"limit": 1000}).json()["items"]
    assert seen
    assert all(regions is None or device["region"]["id"] in regions for device in seen)
    assert all(domains is None or device["domain"]["id"] in domains for device in seen)
    api.post(DEVICES, json=fresh)
    for answer in (
        client.get(path(fresh)),
        client.post(f"{path(fresh)}/rotate"),
        client.post(f"{path(fresh)}/revoke"),
    ):
        assert answer.status_code == 404
    assert client.post(DEVICES, json={**fresh, "name": "beyond"}).status_code == 422
    assert client.get(DEVICES, params={"region": "150821", "domain": "water"}).json()["items"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a/b"},
        {"name": ""},
        {"name": "x" * 129},
        {"name": "a\0b"},
        {"name": "#"},
        {"site": "\0"},
        {"region": "1"},
    ],
)
def test_what_can_not_be_a_device_is_refused(api: httpx.Client, fresh: dict[str, str], wrong: dict[str, str]) -> None:
    answer = api.post(DEVICES, json={**fresh, **wrong})
    assert answer.status_code == 422, answer.text
    chinese = api.post(DEVICES, json={**fresh, **wrong}, headers={"Accept-Language": "zh"})
    assert chinese.headers["content-language"] == "zh"
