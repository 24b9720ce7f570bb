"""Who is let in to the servers of compose.yaml, by the very command and configuration that it runs."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import paho.mqtt.client as paho
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from citybrain.access.secrets import digest
from citybrain.devices import certificates
from citybrain.store.connection import connect
from tests.integration.deploy.compose.conftest import DEVICE, City

PATIENCE_S = 10.0  # seconds that something may take


def until(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@dataclass
class Client:
    """A client of the broker, and what the broker answered it."""

    client: paho.Client
    connected: list[str] = field(default_factory=list)
    subscribed: list[str] = field(default_factory=list)
    published: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)

    def subscribe(self, topic: str) -> str:
        self.client.subscribe(topic, qos=1)
        until(lambda: self.subscribed)
        return self.subscribed.pop()

    def publish(self, topic: str) -> str:
        self.client.publish(topic, b'{"values": {"pressure": 0.31}}', qos=1)
        until(lambda: self.published)
        return self.published.pop()


@contextmanager
def client(port: int, user: str = "", password: str = "", *, ca: Path | None = None, id: str = "") -> Iterator[Client]:
    """A client that has had an answer to its wish to come in."""
    made = paho.Client(CallbackAPIVersion.VERSION2, client_id=id, protocol=paho.MQTTv5, reconnect_on_failure=False)
    found = Client(made)
    made.on_connect = lambda c, u, flags, reason, p: found.connected.append(str(reason))
    made.on_subscribe = lambda c, u, mid, reasons, p: found.subscribed.append(str(reasons[0]))
    made.on_publish = lambda c, u, mid, reason, p: found.published.append(str(reason))
    made.on_message = lambda c, u, message: found.heard.append(message.topic)
    if user:
        made.username_pw_set(user, password)
    if ca:
        made.tls_set(str(ca))
    made.connect("localhost", port)
    made.loop_start()
    try:
        until(lambda: found.connected)
        yield found
    finally:
        made.disconnect()
        made.loop_stop()


def test_a_second_start_changes_nothing(let_in: City) -> None:
    def state() -> list[object]:
        with psycopg.connect(let_in.database_url) as connection:
            return (
                connection.execute("select id, hash, expires_at from token").fetchall()
                + connection.execute("select target from audit where actor = 'compose'").fetchall()
            )

    before = state()
    run = let_in.run("-m", "deploy.compose.accounts")
    assert run.returncode == 0, run.stderr
    assert state() == before
    assert len(before) == 2


def test_our_processes_come_in_as_what_they_are_and_not_as_superuser(let_in: City) -> None:
    url = let_in.url("citybrain", let_in.secret("database_password"))
    for role in ("owner", "writer", "board", "rules"):
        with connect(url, role, "test") as connection:
            assert connection.execute("select current_user, session_user").fetchone() == (
                f"citybrain_{role}",
                "citybrain",
            )
    with psycopg.connect(url) as connection:
        assert connection.execute(
            "select rolsuper, rolcreaterole from pg_roles where rolname = current_user"
        ).fetchone() == (
            False,
            False,
        )


@pytest.mark.parametrize("command", ["db migrate", "rules apply --by compose", "db maintain", "person first", "ledger"])
def test_no_command_needs_a_superuser_once_all_are_let_in(let_in: City, command: str) -> None:
    url = let_in.url("citybrain", let_in.secret("database_password"))
    run = let_in.citybrain(*command.split(), database_url=url)
    assert run.returncode == 0, run.stderr


def test_a_wrong_password_does_not_let_in(let_in: City) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(let_in.url("citybrain", "wrong"))


def test_grafana_sees_boards_and_nothing_else(let_in: City) -> None:
    url = let_in.url("grafana", let_in.secret("grafana_database_password"))
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute("select count(*) from board_region").fetchone() != (0,)
        for forbidden in ("select from reading", "select from person", "select from rule_reading"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("create table mine (n int)")


def test_no_password_is_kept_as_it_is(let_in: City) -> None:
    with psycopg.connect(let_in.database_url) as connection:
        kept = connection.execute(
            "select rolpassword from pg_authid where rolname in ('citybrain', 'grafana')"
        ).fetchall()
    assert [text[:14] for (text,) in kept] == ["SCRAM-SHA-256$"] * 2


def test_prometheus_token_is_that_of_its_file(let_in: City) -> None:
    with psycopg.connect(let_in.database_url) as connection:
        found = connection.execute("select name, role, hash from token").fetchall()
    assert found == [("prometheus", "viewer", digest(let_in.secret("prometheus_token")))]


def test_a_token_that_was_revoked_stays_so_until_its_file_is_another(let_in: City) -> None:
    with psycopg.connect(let_in.database_url, autocommit=True) as connection:
        connection.execute("update token set revoked_at = now(), revoked_by = 'test'")
        let_in.run("-m", "deploy.compose.accounts")
        assert connection.execute("select revoked_at is null from token").fetchone() == (False,)
        path = let_in.secrets / "prometheus_token"
        path.unlink()
        path.write_text("cbt_another")
        let_in.run("-m", "deploy.compose.accounts")
        assert connection.execute("select revoked_at is null, hash from token").fetchone() == (
            True,
            digest("cbt_another"),
        )


def test_a_device_publishes_over_tls_and_the_platform_hears_it(let_in: City, device: str) -> None:
    ports = let_in.broker.server.ports
    with client(ports["1883"], "platform", let_in.secret("mosquitto_password"), id="collector") as platform:
        assert platform.subscribe("city/#") == "Granted QoS 1"
        with client(ports["8883"], DEVICE, device, ca=let_in.ca, id="whatever") as sender:
            assert sender.connected == ["Success"]
            assert sender.publish(f"city/{DEVICE}/reading") == "Success"
            assert sender.publish("city/150802/water/other/reading") == "Not authorized"
            assert sender.publish("city/150802/water/alert") == "Not authorized"
            assert sender.subscribe("city/#") == "Not authorized"
        until(lambda: platform.heard)
        assert platform.heard == [f"city/{DEVICE}/reading"]


@pytest.mark.parametrize("user", ["", "stranger", DEVICE, "admin", "platform"])
@pytest.mark.parametrize("door", ["8883", "1883"])
def test_nobody_comes_in_without_the_right_password(let_in: City, device: str, user: str, door: str) -> None:
    ca = let_in.ca if door == "8883" else None
    with client(let_in.broker.server.ports[door], user, "wrong", ca=ca) as stranger:
        assert stranger.connected == ["Not authorized"]


def test_a_client_that_trusts_others_does_not_go_on(let_in: City, tmp_path: Path) -> None:
    other = certificates.make(tmp_path, ["localhost"], datetime.now(UTC)).certificate.with_name("ca.crt")
    with pytest.raises(ssl.SSLCertVerificationError), client(let_in.broker.server.ports["8883"], ca=other):
        pass


def test_whoever_comes_in_by_the_health_check_can_do_nothing(let_in: City) -> None:
    with client(let_in.broker.server.ports["1880"]) as nobody:
        assert nobody.connected == ["Success"]
        assert nobody.publish("city/150802/water/any/reading") == "Not authorized"
        assert nobody.publish("$CONTROL/dynamic-security/v1") == "Not authorized"
        assert nobody.subscribe("city/#") == "Not authorized"
        assert nobody.subscribe("$SYS/#") == "Not authorized"


def test_the_platform_may_not_change_credentials(let_in: City) -> None:
    port = let_in.broker.server.ports["1883"]
    with client(port, "platform", let_in.secret("mosquitto_password")) as platform:
        assert platform.publish("$CONTROL/dynamic-security/v1") == "Not authorized"


def test_what_was_queued_outlives_a_killed_broker(let_in: City, device: str) -> None:
    """As the volume `broker` keeps it, with the plugin that compose/mosquitto.conf loads."""
    ports = let_in.broker.server.ports
    password = let_in.secret("mosquitto_password")
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 3600
    waiting = paho.Client(CallbackAPIVersion.VERSION2, client_id="waits", protocol=paho.MQTTv5)
    waiting.username_pw_set("platform", password)
    heard: list[str] = []
    waiting.on_message = lambda c, u, message: heard.append(message.topic)
    waiting.on_connect = lambda c, u, flags, reason, p: c.subscribe("city/#", qos=1)
    answered: list[object] = []
    waiting.on_subscribe = lambda *arguments: answered.append(arguments)
    waiting.connect("localhost", ports["1883"], clean_start=False, properties=properties)
    waiting.loop_start()
    until(lambda: answered)
    waiting.disconnect()
    waiting.loop_stop()
    with client(ports["8883"], DEVICE, device, ca=let_in.ca) as sender:
        assert sender.publish(f"city/{DEVICE}/status") == "Success"
    time.sleep(0.3)
    let_in.broker.kill()
    let_in.broker.start()
    waiting.connect("localhost", ports["1883"], clean_start=False, properties=properties)
    waiting.loop_start()
    until(lambda: heard)
    waiting.disconnect()
    waiting.loop_stop()
    assert heard == [f"city/{DEVICE}/status"]
