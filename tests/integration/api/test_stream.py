"""The live stream over real databases: who hears what, and that nothing is missed or told twice."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest

from citybrain.catalogue.model import Catalogue
from citybrain.store.connection import connect
from citybrain.store.migrate import migrate
from citybrain.store.sql import query
from deploy.local.servers import postgres

Serve = Callable[..., AbstractContextManager[Any]]
Wait = Callable[[Callable[[], bool]], None]
Grant = Callable[..., str]

LINHE, WUYUAN = "150802", "150821"


@dataclass
class Event:
    """One server-sent event; `id` is the client's position after it."""

    kind: str
    data: Any
    id: int | None


@dataclass
class Listener:
    """A client that keeps what it hears, by a thread of its own."""

    connection: socket.socket
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    position: int | None = None
    retry_ms: int | None = None
    over: bool = False

    def read(self) -> None:
        try:
            with self.connection.makefile("rb") as answer:
                self.status = int(answer.readline().split()[1])
                while line := answer.readline().strip():
                    name, _, value = line.decode().partition(":")
                    self.headers[name.lower()] = value.strip()
                self._follow(answer)
        except (OSError, ValueError, IndexError):
            pass  # cut off
        self.over = True

    def _follow(self, answer: Any) -> None:
        text = b""
        while size := int(answer.readline() or b"0", 16):
            text += answer.read(size)
            answer.readline()
            *whole, text = text.split(b"\n\n")
            for block in whole:
                self._hear(block.decode())

    def _hear(self, block: str) -> None:
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "id" in fields:
            self.position = int(fields["id"])
        if "retry" in fields:
            self.retry_ms = int(fields["retry"])
        if "data" in fields:
            self.events.append(Event(fields["event"], json.loads(fields["data"]), self.position))

    def of(self, kind: str) -> list[Any]:
        return [event.data for event in list(self.events) if event.kind == kind]

    def ids(self) -> list[int]:
        return [data["id"] for data in self.of("alert")]


@contextmanager
def listening(api: Any, token: str | None = None, last: int | None = None, **parameters: str) -> Iterator[Listener]:
    """A client, once it was greeted or refused."""
    authorization = f"Bearer {token}" if token else api.client.headers["authorization"]
    lines = [f"GET /api/v1/stream?{urlencode(parameters)} HTTP/1.1", "Host: test", f"Authorization: {authorization}"]
    lines += [] if last is None else [f"Last-Event-ID: {last}"]
    url = api.client.base_url
    with closing(socket.create_connection((url.host, url.port))) as connection:
        connection.sendall("\r\n".join([*lines, "Accept-Encoding: gzip", "", ""]).encode())
        listener = Listener(connection)
        thread = threading.Thread(target=listener.read)
        thread.start()
        try:
            deadline = time.monotonic() + 10
            while not listener.over and not listener.of("hello") and time.monotonic() < deadline:
                time.sleep(0.01)
            yield listener
        finally:
            with suppress(OSError):  # it is closed already
                connection.shutdown(socket.SHUT_RDWR)
            thread.join()


def raise_alerts(
    url: str, number: int = 1, region: str | None = LINHE, domain: str = "water", mode: str = "live"
) -> list[int]:
    """Alerts, each with its event; the ids of the events."""
    with connect(url, "writer", "test") as connection, connection.transaction():
        connection.execute(query("alerts", "lock"))
        return [raise_alert(connection, region, domain, mode) for _ in range(number)]


def raise_alert(connection: psycopg.Connection[Any], region: str | None, domain: str, mode: str) -> int:
    row = connection.execute(
        """
        with raised as (
            insert into alert (rule, subject, subject_kind, region_id, domain_id, mode, version, title_zh, title_en,
                severity, worst, condition, raised_at, last_time, changed_at, past)
            values ('test', gen_random_uuid(), 'text', %s, %s, %s, 1, '测', 'Test', 2, 2, 'raised', now(), now(), now(),
                false)
            returning id
        )
        insert into alert_event (alert_id, at, kind, event_time, severity, version)
        select id, now(), 'raised', now(), 2, 1 from raised returning id
        """,
        (region, domain, mode),
    ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
def api(database: str, serve: Serve) -> Iterator[Any]:
    with serve(database) as api:
        yield api


# ── what is told, and to whom ───────────────────────────────────────────────────────────────────────────────


def test_an_alert_is_told_at_once_with_all_that_a_list_needs(api: Any, database: str, wait: Wait) -> None:
    with listening(api) as listener:
        began = time.monotonic()
        (id,) = raise_alerts(database)
        wait(lambda: bool(listener.of("alert")))

        assert time.monotonic() - began < 1
        assert listener.status == 200
        assert listener.headers["content-type"].startswith("text/event-stream")
        assert listener.headers["cache-control"] == "no-store"
        assert "content-encoding" not in listener.headers
        (told,) = listener.of("alert")
        assert told["id"] == id == listener.position
        assert told["kind"] == "raised"
        assert told["alert"]["title"] == {"zh": "测", "en": "Test"}
        assert told["alert"]["region_title"] == {"zh": "临河区", "en": "Linhe District"}
        assert told["alert"] | {"severity": 2, "attention": 2, "condition": "raised", "open": True} == told["alert"]
        assert listener.of("health")[0]["checks"].keys() >= {"database", "collectors"}
        assert 1000 <= (listener.retry_ms or 0) <= 4000


def test_everybody_hears_what_is_theirs(api: Any, database: str, grant: Grant, wait: Wait) -> None:
    with (
        listening(api) as everything,
        listening(api, region="1508", domain="water") as water,
        listening(api, region="1508") as unknown_region,
        listening(api, region="150800") as league,
        listening(api, grant(database, "viewer", [WUYUAN])) as county,
        listening(api, grant(database, "viewer", None, ["heating"])) as heating,
        listening(api, grant(database, "viewer", [WUYUAN]), region="150800", kinds="alert") as narrow,
        listening(api, kinds="health") as health,
    ):
        linhe = raise_alerts(database, region=LINHE)
        wuyuan = raise_alerts(database, region=WUYUAN)
        warm = raise_alerts(database, region=LINHE, domain="heating")
        nowhere = raise_alerts(database, region=None)
        raise_alerts(database, mode="shadow")
        last = raise_alerts(database, region=WUYUAN, domain="heating")
        wait(lambda: len(everything.ids()) == 5 and len(county.ids()) == 2 and len(heating.ids()) == 2)
        wait(lambda: league.ids()[-1:] == last and narrow.ids()[-1:] == last)

        assert everything.ids() == [*linhe, *wuyuan, *warm, *nowhere, *last]
        assert league.ids() == [*linhe, *wuyuan, *warm, *last]
        assert county.ids() == narrow.ids() == [*wuyuan, *last]
        assert heating.ids() == [*warm, *last]
        assert not water.ids()
        assert not unknown_region.ids()
        assert not health.ids()
        assert not narrow.of("health")


def test_what_can_t_be_understood_or_is_not_known_is_refused(api: Any) -> None:
    wrong = [
        {"kinds": "alert,rumour"},
        {"kinds": ""},
        {"last_event_id": "x"},
        {"last_event_id": "-1"},
        {"last_event_id": "9" * 19},
        {"region": "x" * 200},
        {"region": "\x00"},
    ]
    answers = [api.client.get("/api/v1/stream", params=parameters) for parameters in wrong]
    answers.append(api.client.get("/api/v1/stream", headers={"Last-Event-ID": "abc"}))
    stranger = api.client.get("/api/v1/stream", headers={"Authorization": "Bearer cbt_wrong"})

    assert [answer.status_code for answer in answers] == [422] * 8
    assert {answer.headers["content-type"] for answer in [*answers, stranger]} == {"application/problem+json"}
    assert stranger.status_code == 401


# ── coming back ─────────────────────────────────────────────────────────────────────────────────────────────


def test_who_comes_back_gets_what_was_missed_once(api: Any, database: str, wait: Wait) -> None:
    with listening(api) as listener:
        first = raise_alerts(database, 3)
        wait(lambda: listener.ids() == first)
        last = listener.position
    missed = raise_alerts(database, 1200)

    with listening(api, last=last) as listener:
        more = raise_alerts(database, 2)
        wait(lambda: listener.ids()[-1:] == more[-1:])
        assert listener.ids() == [*missed, *more]
    with listening(api, last_event_id=str(more[0])) as listener:
        wait(lambda: listener.ids() == [more[1]])


def test_who_was_away_too_long_or_knows_what_is_not_there_yet_starts_anew(api: Any, database: str, wait: Wait) -> None:
    with connect(database, "owner", "test") as connection:
        connection.execute("alter table alert_event alter id restart with 50001")
    (newest,) = raise_alerts(database)
    for behind in (10_001, -1):
        with listening(api, last=newest - behind) as listener:
            wait(lambda: bool(listener.of("reset")))
            assert listener.of("reset") == [{"position": newest}]
            assert listener.position == newest
            more = raise_alerts(database)
            wait(lambda: listener.ids() == more)  # noqa: B023
            newest = more[-1]


def test_a_quiet_stream_s_position_moves_on(api: Any, database: str, wait: Wait) -> None:
    with listening(api, domain="air") as listener:
        (id,) = raise_alerts(database, domain="water")
        deadline = time.monotonic() + 20
        while listener.position != id and time.monotonic() < deadline:
            time.sleep(0.1)

        assert listener.position == id
        assert not listener.ids()
        assert len(listener.of("health")) >= 2


class Writer(threading.Thread):
    """Raises alerts all the time, through whatever happens to the database."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._stop_asked = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._stop_asked.wait(0.02):
            try:
                raise_alerts(self._url, 2)
            except psycopg.Error:
                time.sleep(0.1)

    def stop(self) -> None:
        self._stop_asked.set()
        self.join()


def stored(url: str) -> list[int]:
    with connect(url, "owner", "test") as connection:
        return [row[0] for row in connection.execute("select id from alert_event order by id")]


def test_every_alert_once_through_kills_and_cut_connections(
    tmp_path: Path, serve: Serve, catalogue: Catalogue, wait: Wait
) -> None:
    heard: list[int] = []
    with postgres(tmp_path) as server:
        migrate(server.url, catalogue)
        raise_alerts(server.url)
        begun = last = stored(server.url)[-1]
        writer = Writer(server.url)
        try:
            for turn in range(2):
                with serve(server.url) as api:
                    for _ in range(2):
                        with listening(api, last=last) as listener:
                            time.sleep(0.5)  # then the connection is cut
                        heard += listener.ids()
                        last = listener.position or last
                    with listening(api, last=last) as listener:
                        if turn % 2:
                            server.kill()
                            time.sleep(0.5)
                            before = len(listener.ids())
                            server.start()
                            wait(lambda: len(listener.ids()) > before)  # noqa: B023
                        else:
                            wait(lambda: bool(listener.ids()))
                            api.process.kill()
                            api.process.join()
                    heard += listener.ids()
                    last = listener.position or last
        finally:
            writer.stop()
        with serve(server.url) as api, listening(api, last=last) as listener:
            expected = [id for id in stored(server.url) if id > begun]
            wait(lambda: bool(listener.position) and listener.position >= expected[-1])  # type: ignore[operator]
            heard += listener.ids()

    assert heard == expected
    assert len(heard) > 100


# ── who may no longer listen ────────────────────────────────────────────────────────────────────────────────


def test_a_revoked_token_ends_its_streams_at_once(api: Any, database: str, grant: Grant, wait: Wait) -> None:
    token = grant(database, "viewer")
    with listening(api, token) as listener, listening(api) as other:
        with connect(database, "writer", "test") as connection:
            connection.execute("update token set revoked_at = now() where role = 'viewer'")
        raise_alerts(database)
        wait(lambda: listener.over and bool(other.ids()))

        assert listener.of("end") == [{"reason": "access"}]
        assert listener.ids() == []
        assert not other.over


def test_a_token_that_expires_ends_its_streams(api: Any, database: str, grant: Grant, wait: Wait) -> None:
    token = grant(database, "viewer")
    with listening(api, token) as listener:
        with connect(database, "writer", "test") as connection:
            soon = datetime.now(UTC) + timedelta(seconds=1)
            connection.execute("update token set expires_at = %s where role = 'viewer'", (soon,))
        wait(lambda: listener.over)

        assert listener.of("end") == [{"reason": "access"}]


def test_a_scope_that_is_narrowed_holds_for_what_follows(api: Any, database: str, grant: Grant, wait: Wait) -> None:
    with listening(api, grant(database, "viewer")) as listener, listening(api) as other:
        first = raise_alerts(database)
        wait(lambda: listener.ids() == first)
        with connect(database, "writer", "test") as connection:
            connection.execute("update token set regions = %s where role = 'viewer'", ([WUYUAN],))
        raise_alerts(database, 5, LINHE)
        theirs = raise_alerts(database, 1, WUYUAN)
        wait(lambda: len(other.ids()) == 7)

        assert listener.ids() == [*first, *theirs]


def test_an_ended_session_ends_its_stream(api: Any, database: str, wait: Wait) -> None:
    with connect(database, "owner", "test") as connection:
        connection.execute(
            "insert into person (name, role, created_at, created_by) values ('li', 'viewer', now(), 'test')"
        )
        connection.execute(
            "insert into session select sha256('open'), id, now(), now() + interval '1 hour', '', '' from person"
        )
    with listening(api, "open") as listener:
        wait(lambda: bool(listener.of("hello")))
        with connect(database, "owner", "test") as connection:
            connection.execute("delete from session")
        wait(lambda: listener.over)

        assert listener.of("end") == [{"reason": "access"}]


# ── newest values ───────────────────────────────────────────────────────────────────────────────────────────


def measure(connection: psycopg.Connection[Any], device: str, value: float, region: str = LINHE) -> None:
    """A newest value, as a collector writes it."""
    connection.execute(
        """
        with device as (
            insert into device (region_id, domain_id, name, verified, first_seen)
            values (%(region)s, 'water', %(device)s, true, now())
            on conflict (region_id, domain_id, name) do update set verified = true returning id
        ), series as (
            insert into series (device_id, metric_id)
            select device.id, m.id from device, metric m where m.domain_id = 'water' and m.name = 'pressure'
            on conflict (device_id, metric_id) do update set metric_id = excluded.metric_id returning id
        )
        insert into series_state (series_id, time, value) select id, now(), %(value)s from series
        on conflict (series_id) do update set time = excluded.time, value = excluded.value
        """,
        {"region": region, "device": device, "value": value},
    )


def told(listener: Listener) -> list[tuple[str, float]]:
    return [(value["device"], value["value"]) for batch in listener.of("latest") for value in batch["values"]]


def test_newest_values_as_they_stand_and_as_they_change(api: Any, database: str, grant: Grant, wait: Wait) -> None:
    with connect(database, "owner", "test") as connection:
        measure(connection, "a", 1)
        measure(connection, "far", 1, WUYUAN)
        with (
            listening(api, kinds="latest") as listener,
            listening(api, grant(database, "viewer", [LINHE]), kinds="latest", metric="pressure") as near,
            listening(api, kinds="latest", metric="flow") as flow,
        ):
            wait(lambda: len(told(listener)) == 2 and told(near) == [("a", 1)])
            measure(connection, "a", 2)
            measure(connection, "far", 2, WUYUAN)
            wait(lambda: ("a", 2) in told(listener) and ("far", 2) in told(listener) and told(near)[1:] == [("a", 2)])
            time.sleep(2.5)

            assert len(told(listener)) == 4, "what does not change is not told again"
            assert not told(flow)


def test_a_value_that_took_long_to_commit_is_told(api: Any, database: str, wait: Wait) -> None:
    with connect(database, "owner", "a") as connection, connect(database, "owner", "b") as slow:
        measure(connection, "a", 1)
        measure(connection, "b", 1)
        with listening(api, kinds="latest") as listener:
            wait(lambda: len(told(listener)) == 2)
            with slow.transaction():
                measure(slow, "b", 2)  # it has its number now, and is seen later than what comes after it
                with slow.transaction():  # a savepoint has a number of its own
                    measure(slow, "c", 2)
                for value in (2, 3, 4):
                    measure(connection, "a", value)
                    wait(lambda: ("a", value) in told(listener))  # noqa: B023
            wait(lambda: ("b", 2) in told(listener) and ("c", 2) in told(listener))
            time.sleep(2.5)

            assert sorted(told(listener)) == [("a", 1), ("a", 2), ("a", 3), ("a", 4), ("b", 1), ("b", 2), ("c", 2)]


# ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_open_streams_do_not_hold_up_a_stop(api: Any, wait: Wait) -> None:
    with listening(api) as one, listening(api, kinds="latest") as other:
        began = time.monotonic()
        api.process.terminate()
        wait(lambda: one.over and other.over)

        assert time.monotonic() - began < 1
        api.process.join(15)
        assert api.process.exitcode == 0
        assert one.of("end") == other.of("end") == [{"reason": "restart"}]
        assert one.retry_ms


def test_a_client_that_reads_nothing_is_let_go_and_loses_nothing(api: Any, database: str, wait: Wait) -> None:
    def open_streams() -> int:
        count = 0
        for line in Path(f"/proc/{api.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # it was closed since it was listed
                count += "socket" in str(line.readlink())
        return count

    before = open_streams()
    with listening(api, kinds="alert") as quick, closing(socket.socket()) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect((api.client.base_url.host, api.client.base_url.port))
        authorization = api.client.headers["authorization"]
        slow.sendall(f"GET /api/v1/stream HTTP/1.1\r\nHost: test\r\nAuthorization: {authorization}\r\n\r\n".encode())
        time.sleep(0.5)
        for _ in range(12):
            raise_alerts(database, 500)
        wait(lambda: len(quick.ids()) == 6000)

        listener = Listener(slow)
        listener.read()
        assert listener.of("end") == [{"reason": "slow"}]
        assert 0 < len(listener.ids()) < 6000
        with listening(api, kinds="alert", last=listener.position) as again:
            wait(lambda: len(listener.ids()) + len(again.ids()) == 6000)
            assert listener.ids() + again.ids() == quick.ids()
    wait(lambda: open_streams() <= before + 1)
