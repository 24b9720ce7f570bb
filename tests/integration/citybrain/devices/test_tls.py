"""TLS as devices meet it: who is refused, and what they see."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from citybrain import settings as module
from citybrain.devices import certificates, dynsec
from citybrain.devices.credentials import Credential, NewDevice
from citybrain.mqtt import connected_client
from deploy.local import LocalError
from deploy.local.mosquitto import Encrypted
from deploy.local.servers import Broker, mosquitto
from ingest.session import Session

DENIED = "Not authorized"


@pytest.fixture
def own(registry: Any, request: pytest.FixtureRequest) -> Credential:
    (made,) = registry.add(NewDevice("150802", "water", request.node.name[:60]))
    return made


def ca(authority: certificates.Files) -> Path:
    return authority.certificate.with_name("ca.crt")


def publish(
    broker: Broker, authority: Path, *arguments: str, host: str = "127.0.0.1"
) -> subprocess.CompletedProcess[str]:
    """What `mosquitto_pub` makes of it."""
    encrypted = broker.server.encrypted
    assert encrypted is not None
    program = str(broker.server.programs / "bin" / "mosquitto_pub")
    command = [program, "-h", host, "-p", str(encrypted.port), "--cafile", str(authority), "-q", "1", "-m", "{}"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=20)


def test_a_device_comes_in_with_the_authority_and_its_password(
    guarded: Broker, authority: certificates.Files, own: Credential
) -> None:
    topic = ("-t", f"city/{own.username}/reading")
    credential = ("-u", own.username, "-P", own.password)
    for host in ("127.0.0.1", "localhost"):
        done = publish(guarded, ca(authority), *topic, *credential, host=host)
        assert (done.returncode, done.stderr) == (0, ""), done
    done = publish(guarded, ca(authority), *topic, "-u", own.username, "-P", "wrong")
    assert done.returncode != 0
    assert "not authori" in done.stderr.lower()


def test_nobody_comes_in_over_tls_without_credentials(guarded: Broker, authority: certificates.Files) -> None:
    done = publish(guarded, ca(authority), "-t", "city/150802/water/example-1/reading")
    assert done.returncode != 0


def test_a_device_does_not_take_another_authority_or_name_for_ours(
    guarded: Broker,
    authority: certificates.Files,
    own: Credential,
    tmp_path: Path,
    connecting: Callable[..., Any],
) -> None:
    other = certificates.make(tmp_path / "other", ["127.0.0.1"], datetime.now(UTC))
    arguments = ("-t", f"city/{own.username}/reading", "-u", own.username, "-P", own.password)
    assert publish(guarded, ca(other), *arguments).returncode != 0
    with (
        pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"),
        connecting(guarded, own, ca=ca(other)),
    ):
        pass
    encrypted = guarded.server.encrypted
    assert encrypted is not None
    trusting = ssl.create_default_context(cafile=ca(authority))
    with (
        socket.create_connection(("127.0.0.1", encrypted.port)) as plain,
        pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"),
    ):
        trusting.wrap_socket(plain, server_hostname="broker.example.org")


def test_an_expired_certificate_is_refused(tmp_path: Path, connecting: Callable[..., Any]) -> None:
    long_ago = datetime.now(UTC) - certificates.SERVER_LIFE - timedelta(days=1)
    files = certificates.make(tmp_path / "old", ["127.0.0.1"], long_ago)
    with mosquitto(tmp_path, tls=files) as broker:
        assert publish(broker, ca(files), "-t", "city/x").returncode != 0
        with pytest.raises(ssl.SSLCertVerificationError, match="expired"), connecting(broker, ca=ca(files)):
            pass


def test_over_tls_a_client_id_is_its_name(
    guarded: Broker, authority: certificates.Files, own: Credential, registry: Any, connecting: Callable[..., Any]
) -> None:
    (other,) = registry.add(NewDevice("150802", "water", "client-id-thief"))
    with (
        connecting(guarded, own, ca=ca(authority), client_id=own.username) as device,
        connecting(guarded, other, ca=ca(authority), client_id=own.username) as thief,
    ):
        assert thief.connected == ["Success"]
        assert device.publish(f"city/{own.username}/reading") != DENIED
        assert not device.ended, "its connection was not taken"


def test_old_versions_of_tls_are_refused(guarded: Broker, authority: certificates.Files) -> None:
    encrypted = guarded.server.encrypted
    assert encrypted is not None
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl, which can speak such versions, is not installed")
    command = [openssl, "s_client", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-connect", f"127.0.0.1:{encrypted.port}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    assert "Cipher is (NONE)" in done.stdout or done.returncode != 0


def test_our_own_clients_trust_the_named_authority(
    guarded: Broker, authority: certificates.Files, own: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    encrypted = guarded.server.encrypted
    assert encrypted is not None
    name = own.username.replace("/", "%2F")
    url = f"mqtts://{name}:{own.password}@127.0.0.1:{encrypted.port}"
    module.settings.cache_clear()
    with pytest.raises(ssl.SSLCertVerificationError):
        connected_client(url)
    monkeypatch.setenv("CITYBRAIN_MQTT_CA", str(ca(authority)))
    module.settings.cache_clear()
    try:
        client = connected_client(url)
        client.disconnect()
        client.loop_stop()
    finally:
        module.settings.cache_clear()


def test_a_collectors_session_works_over_tls(
    guarded: Broker, authority: certificates.Files, own: Credential, monkeypatch: pytest.MonkeyPatch
) -> None:
    encrypted = guarded.server.encrypted
    assert encrypted is not None
    acl = {"acltype": "subscribePattern", "topic": "city/#", "allow": True}
    with dynsec.broker(guarded.collector_url) as control:
        control.do(
            [
                {"command": "createRole", "rolename": "collector", "acls": [acl]},
                {"command": "createClient", "username": "collector", "password": "secret"},
                {"command": "addClientRole", "username": "collector", "rolename": "collector"},
            ]
        )
    monkeypatch.setenv("CITYBRAIN_MQTT_CA", str(ca(authority)))
    module.settings.cache_clear()
    session = Session(f"mqtts://collector:secret@127.0.0.1:{encrypted.port}", "tls", ["city/#"], 100)
    topic = f"city/{own.username}/reading"
    try:
        session.connect()
        until = time.monotonic() + 10
        while not session.inbox and time.monotonic() < until:
            if session.connected and not session.inbox:
                publish(guarded, ca(authority), "-t", topic, "-u", own.username, "-P", own.password)
            session.read(1 << 20)
            session.write()
            time.sleep(0.01)
        assert (session.inbox[-1].topic, session.inbox[-1].payload) == (topic, b"{}")
        session.acknowledge(session.generation, session.inbox)
    finally:
        session.close()
        module.settings.cache_clear()


def test_without_anonymous_clients_nobody_comes_in_on_the_plain_port(
    tmp_path: Path, connecting: Callable[..., Any]
) -> None:
    with mosquitto(tmp_path, anonymous=False) as broker, connecting(broker) as device:
        assert device.connected != ["Success"]


def test_the_broker_does_not_start_without_its_certificate(tmp_path: Path) -> None:
    settings = module.Settings(runtime_dir=tmp_path, mqtt_tls_port=8883)
    with pytest.raises(LocalError, match="tls make --host"):
        Encrypted.of(settings)
