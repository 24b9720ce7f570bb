"""Quarantine over HTTP: looked at, and replayed to a real broker."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from citybrain.mqtt import connected_client
from citybrain.store.connection import connect
from citybrain.store.quarantine import lock_replay

LINHE, WUYUAN = "150802", "150821"


@contextmanager
def listening(town: Any, topic: str) -> Iterator[list[tuple[str, bytes]]]:
    """Somebody who has subscribed, as a collector has."""
    heard: list[tuple[str, bytes]] = []
    ready: list[bool] = []
    client = connected_client(town.broker.collector_url)
    client.on_message = lambda _c, _u, message: heard.append((message.topic, message.payload))
    client.on_subscribe = lambda *_: ready.append(True)
    client.subscribe(topic, qos=1)
    deadline = time.monotonic() + 10
    while not ready:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    try:
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()


def test_what_waits_is_told_by_reason_and_scope(town: Any) -> None:
    (reason,) = town.client.get("/api/v1/quarantine").json()["reasons"]
    assert (reason["reason"], reason["entries"]) == ("bad_json", 2)
    (reason,) = town.ask("engineer", regions=[LINHE]).get("/api/v1/quarantine").json()["reasons"]
    assert reason["entries"] == 1
    assert town.ask("engineer", domains=["air"]).get("/api/v1/quarantine").json()["reasons"] == []
    assert town.ask("operator").get("/api/v1/quarantine").status_code == 403
    assert town.ask("operator").get("/api/v1/quarantine/entries").status_code == 403


def test_entries_show_their_bytes(town: Any) -> None:
    (entry,) = town.ask("engineer", regions=[LINHE]).get("/api/v1/quarantine/entries").json()["items"]
    assert entry["topic"] == f"city/{LINHE}/water/gauge-{LINHE}/reading"
    assert base64.b64decode(entry["payload"]) == entry["text"].encode() == b'{"values": '
    assert (entry["size"], entry["truncated"], entry["replayed"]) == (11, False, None)


def test_a_long_payload_is_cut_and_bytes_that_are_no_text_are_shown(town: Any) -> None:
    payload = b"\xff\x00" + b"x" * 10_000
    town.execute(
        "insert into quarantine (received, topic, reason, detail, payload, size, device_id) "
        "values (now(), 'nowhere', 'bad_topic', '', %s, %s, 0)",
        payload,
        len(payload),
    )
    (entry,) = town.client.get("/api/v1/quarantine/entries", params={"topic": "nowh"}).json()["items"]
    assert entry["truncated"]
    assert base64.b64decode(entry["payload"]) == payload[:4096]
    assert entry["text"].startswith("\\xff\\x00xxx")
    scoped = town.ask("engineer", regions=[LINHE]).get("/api/v1/quarantine/entries", params={"topic": "nowhere"})
    assert scoped.json()["items"] == []
    town.execute("delete from quarantine where topic = 'nowhere'")


def test_entries_are_filtered_and_come_page_by_page(town: Any) -> None:
    first = town.client.get("/api/v1/quarantine/entries", params={"limit": 1}).json()
    second = town.client.get("/api/v1/quarantine/entries", params={"limit": 1, "cursor": first["next"]}).json()
    assert first["items"][0]["id"] > second["items"][0]["id"]
    assert second["next"] is None
    for query, count in (
        ({"reason": "bad_json"}, 2),
        ({"reason": "nothing"}, 0),
        ({"topic": f"city/{LINHE}"}, 1),
        ({"to": "2020-01-01T00:00:00Z"}, 0),
        ({"replayed": True}, 0),
    ):
        assert len(town.client.get("/api/v1/quarantine/entries", params=query).json()["items"]) == count
    for query in ({"from": "2020-01-01T00:00:00"}, {"limit": 101}, {"topic": "\x00"}):
        assert town.client.get("/api/v1/quarantine/entries", params=query).status_code == 422
    assert town.client.get("/api/v1/quarantine/entries", params={"cursor": "WzFlOTld"}).status_code == 400


def test_replay_publishes_what_the_scope_has_and_says_so(town: Any) -> None:
    town.execute("update quarantine set replayed = null")
    county = town.ask("administrator", regions=[LINHE])
    with listening(town, "city/+/water/+/reading") as heard:
        answer = county.post("/api/v1/quarantine/replay", json={})
        assert answer.json() == {"published": 1, "skipped": 0}, answer.text
        assert county.post("/api/v1/quarantine/replay", json={}).json()["published"] == 0
        assert heard == [(f"city/{LINHE}/water/gauge-{LINHE}/reading", b'{"values": ')]
        assert town.client.post("/api/v1/quarantine/replay", json={"reason": "nothing"}).json()["published"] == 0
    assert town.execute("select count(*) from quarantine where replayed is null") == [(1,)]
    ((actor, target),) = town.execute(
        "select actor, target from audit where action = 'quarantine.replay' order by id limit 1"
    )
    assert (actor, target) == (f"token:{town.name(county)}", "all")
    assert town.ask("engineer").post("/api/v1/quarantine/replay", json={}).status_code == 403


def test_what_nobody_hears_goes_on_waiting(town: Any) -> None:
    town.execute("update quarantine set replayed = null")
    answer = town.client.post("/api/v1/quarantine/replay", json={})
    assert answer.status_code == 409
    assert "no collector has subscribed" in answer.json()["detail"]
    assert town.execute("select count(*) from quarantine where replayed is null") == [(2,)]


def test_one_replays_at_a_time(town: Any) -> None:
    with connect(town.database_url, "writer", "test") as connection, connection.transaction():
        assert lock_replay(connection)
        assert town.client.post("/api/v1/quarantine/replay", json={}).status_code == 409


def test_a_broker_that_is_away_is_a_problem(town: Any, serve: Callable[[str, str], Any]) -> None:
    with serve(town.database_url, "mqtt://127.0.0.1:9") as api:
        api.client.timeout = 30
        answer = api.client.post("/api/v1/quarantine/replay", json={}, headers={"Accept-Language": "zh"})
    assert answer.status_code == 503
    assert "无法连接消息代理" in answer.json()["detail"]
