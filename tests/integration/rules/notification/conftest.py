"""Announcements in a real store, webhooks that behave as they are told to, and whoever listens on the broker."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import paho.mqtt.client as paho
import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from citybrain.mqtt import connected_client
from citybrain.store.connection import Connection, connect

PATIENCE_S = 15.0  # seconds that anything may take
RAISED = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
LIMIT = {"value": 0.14, "unit": "MPa", "source": "CJJ 58", "clause": "3.1.3", "confidence": "B"}


def _wait_until(condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while True:
        with suppress(psycopg.OperationalError):
            if condition():
                return
        assert time.monotonic() < deadline, f"after {patience_s:g} s: not {what}"
        time.sleep(0.02)


class Webhook:
    """A server that takes messages by path; `behave` says what a path does from now on."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, Any]]] = []
        self.asked: list[str] = []
        self._status: dict[str, int] = {}
        self._released: dict[str, threading.Event] = {}
        self._ended = threading.Event()
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = webhook._answer(self.path.strip("/"), document)
                with suppress(OSError):
                    self.send_response(status)
                    self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _answer(self, path: str, document: dict[str, Any]) -> int:
        self.asked.append(path)
        if released := self._released.get(path):
            released.wait(60)
        status = self._status.get(path, 200)
        if status == 200 and not self._ended.is_set():
            self.received.append((path, document))
        return status

    def hang(self, path: str) -> None:
        self._released[path] = threading.Event()

    def release(self, path: str) -> None:
        self._released.pop(path).set()

    def answer(self, path: str, status: int) -> None:
        self._status[path] = status

    def titles(self, path: str) -> list[str]:
        return [document["title"] for where, document in self.received if where == path]

    def url(self, path: str, options: str = "") -> str:
        return f"json://127.0.0.1:{self.port}/{path}{options}"

    def close(self) -> None:
        self._ended.set()
        for released in self._released.values():
            released.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    server = Webhook()
    yield server
    server.close()


@pytest.fixture
def store(database: str) -> Iterator[Connection]:
    """The store as a writer has it."""
    with connect(database, "writer", "test") as connection:
        yield connection


class City:
    """Where alerts are announced."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def announce(self, title: str = "管网末梢压力过低", region: str | None = "150802", **other: Any) -> int:
        """Raise an alert and announce it; the announcement's id."""
        row = {
            "title": title,
            "region": region,
            "domain": "water",
            "severity": 2,
            "subject": f"{region}/water/gw-7/pressure",
            "kind": "raised",
            "at": datetime.now(UTC),
            "raised": RAISED,
            "limits": Jsonb({"limit": LIMIT}),
        } | other
        found = self._connection.execute(
            """
            with raised as (
                insert into alert (rule, subject, subject_kind, region_id, domain_id, mode, version, title_zh, title_en,
                                   severity, worst, condition, raised_at, last_time, changed_at, past, values, limits)
                select %(domain)s || '.' || count(*), %(subject)s, 'series', %(region)s, %(domain)s, 'live', 3,
                       %(title)s, 'Low pressure', %(severity)s, %(severity)s, 'raised', %(raised)s, %(raised)s, %(at)s,
                       false, '{"value": 0.125}', %(limits)s
                from alert returning *
            )
            insert into announcement (alert_id, kind, severity, region_id, domain_id, at, text_zh, text_en)
            select id, %(kind)s, severity, region_id, domain_id, %(at)s, title_zh, title_en from raised returning id
            """,
            row,
        ).fetchone()
        assert found
        return int(found[0])

    def delivery(self, announcement: int, route: str) -> dict[str, Any]:
        """What is recorded of a delivery; nothing: {}."""
        cursor = self._connection.cursor(row_factory=dict_row)
        found = cursor.execute(
            "select * from delivery where announcement_id = %s and route = %s", (announcement, route)
        ).fetchone()
        return found or {}

    def is_sent(self, announcement: int, route: str) -> bool:
        return bool(self.delivery(announcement, route).get("status") == "sent")


@pytest.fixture
def city(store: Connection) -> City:
    return City(store)


@contextmanager
def _publishing(url: str) -> Iterator[paho.Client]:
    client = connected_client(url)
    yield client
    client.disconnect()
    client.loop_stop()


@contextmanager
def _listening(url: str, topic: str) -> Iterator[list[paho.MQTTMessage]]:
    heard: list[paho.MQTTMessage] = []
    ready = threading.Event()
    client = connected_client(url)
    client.on_message = lambda _client, _userdata, message: heard.append(message)
    client.on_subscribe = lambda *_: ready.set()
    client.subscribe(topic, qos=1)
    assert ready.wait(PATIENCE_S)
    yield heard
    client.disconnect()
    client.loop_stop()


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """Returns as soon as a condition holds; a database that is away does not hold it."""
    return _wait_until


@pytest.fixture
def publishing() -> Callable[[str], AbstractContextManager[paho.Client]]:
    """A client as the runner gives it to the notifier."""
    return _publishing


@pytest.fixture
def listening() -> Callable[[str, str], AbstractContextManager[list[paho.MQTTMessage]]]:
    """What comes on a topic while the block lasts."""
    return _listening
