"""Webhooks against a real receiver: what it gets, how it verifies it, and what happens where it fails."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import paho.mqtt.client as paho
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from citybrain.catalogue.model import Text
from deploy.local.servers import Broker
from rules.notification import outbox
from rules.notification.announcement import Announcement
from rules.notification.notifier import Notifier, try_route
from rules.notification.routes import Route
from rules.notification.webhook import WebhookChannel

if TYPE_CHECKING:
    from tests.integration.rules.notification.conftest import City

CITY = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
KEYS = (b"k" * 32, b"l" * 32)
HOOK = Route(name="hook", kind="webhook", url_from="env:HOOK_URL", secret_from="env:HOOK_SECRET")


class Receiver:
    """A system that takes webhooks, and may refuse them."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 204)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self._server.server_address[1]}/in"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    found = Receiver()
    monkeypatch.setenv("HOOK_URL", found.url)
    monkeypatch.setenv("HOOK_SECRET", " ".join(f"whsec_{base64.b64encode(key).decode()}" for key in KEYS))
    yield found
    found.close()


def news(number: int = 7, **more: Any) -> Announcement:
    words = Text(zh="橙 压力低，<北环>", en="Orange Low pressure, <north>")
    given = {"alert": 17, "title": words, "subject": "150802/water/gw-7/pressure", "event": 3, **more}
    return Announcement(
        id=number, at=NOW, kind="raised", severity=2, region="150802", domain="water", text=words, **given
    )


def verify(headers: dict[str, str], body: bytes, key: bytes) -> bool:
    """As docs/notification.md tells receivers to."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(expected, one) for one in headers["webhook-signature"].split())


def test_a_signed_cloud_event(receiver: Receiver) -> None:
    assert WebhookChannel(HOOK, CITY, "https://brain.example.org").send([news()]) == [None]
    ((headers, body),) = receiver.got
    assert all(verify(headers, body, key) for key in KEYS), "both secrets, while one takes the other's place"
    assert not verify(headers, body + b" ", KEYS[0])
    assert not verify(headers, body, b"x" * 32)
    assert abs(int(headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 60
    event = json.loads(body)
    assert headers["content-type"] == "application/cloudevents+json"
    assert {name: event[name] for name in ("specversion", "id", "type", "source", "subject", "time")} == {
        "specversion": "1.0",
        "id": "announcement-7",
        "type": "org.citybrain.alert.raised",
        "source": "https://brain.example.org",
        "subject": "alerts/17",
        "time": "2026-11-21T02:00:00+00:00",
    }
    assert headers["webhook-id"] == event["id"]
    assert event["data"]["severity"] == 2


def test_as_cap(receiver: Receiver) -> None:
    route = Route(**{**{name: getattr(HOOK, name) for name in HOOK.__slots__}, "format": "cap"})
    assert WebhookChannel(route, CITY).send([news()]) == [None]
    ((headers, body),) = receiver.got
    assert headers["content-type"] == "application/cap+xml"
    assert verify(headers, body, KEYS[0])
    assert ElementTree.fromstring(body).findtext("{urn:oasis:names:tc:emergency:cap:1.2}identifier") == "alert-17-3"


def test_refusals_and_redirects(receiver: Receiver) -> None:
    receiver.answers = [500, 307, 410]
    channel = WebhookChannel(HOOK, CITY)
    assert [channel.send([news()])[0] for _ in range(4)] == [
        "The webhook answered with the error 500.",
        "The webhook redirects (307), which is not followed: correct its address.",
        "The webhook answered with the error 410.",
        None,
    ]
    assert len(receiver.got) == 4
    assert {headers["webhook-id"] for headers, _ in receiver.got} == {"announcement-7"}


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.org/s3cr3t", "is no https:// address"),
        ("http://127.0.0.1.example.org/s3cr3t", "is no https:// address"),
        ("ftp://127.0.0.1/s3cr3t", "is no https:// address"),
        ("https://[s3cr3t", "is no https:// address"),
        ("http://127.0.0.1:1/s3cr3t", "can't be reached"),
        ("", "is not set"),
    ],
)
def test_addresses_that_will_not_do(
    receiver: Receiver, url: str, said: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOK_URL", url)
    (error,) = WebhookChannel(HOOK, CITY).send([news()])
    assert error
    assert said in error
    assert "s3cr3t" not in error + "".join(capfd.readouterr())


@pytest.mark.parametrize("secret", ["s3cr3t", "whsec_s3cr3t", "whsec_" + base64.b64encode(b"short").decode()])
def test_secrets_that_will_not_do(receiver: Receiver, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", secret)
    (error,) = WebhookChannel(HOOK, CITY).send([news()])
    assert error
    assert "is no secret of a webhook" in error
    assert secret not in error
    assert receiver.got == []


def test_a_wrong_certificate_and_one_that_is_trusted(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = self_signed(tmp_path)
    secure = Receiver(file)
    monkeypatch.setenv("HOOK_URL", secure.url)
    channel = WebhookChannel(HOOK, CITY)
    try:
        assert channel.send([news()]) == ["The webhook's certificate can't be verified."]
        assert secure.got == []
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        assert channel.send([news()]) == [None]
    finally:
        secure.close()


def test_a_trial_is_known_as_one(receiver: Receiver) -> None:
    try_route([HOOK], "hook", NOW, CITY)
    ((_, body),) = receiver.got
    assert json.loads(body)["type"] == "org.citybrain.alert.test"


def test_the_outbox_tries_again_with_the_same_id(
    database: str,
    city: City,
    broker: Broker,
    receiver: Receiver,
    publishing: Callable[[str], AbstractContextManager[paho.Client]],
    wait_until: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "FIRST_PAUSE_S", 0)
    receiver.answers = [503, 503]
    with publishing(broker.collector_url) as client:
        notifier = Notifier(database, [HOOK], client, CITY)
        notifier.start()
        try:
            number = city.announce()
            wait_until(lambda: city.is_sent(number, "hook"), "sent")
        finally:
            notifier.stop()
    assert [headers["webhook-id"] for headers, _ in receiver.got] == [f"announcement-{number}"] * 3
    assert city.delivery(number, "hook")["attempts"] == 3


def self_signed(folder: Path) -> Path:
    """A certificate of this machine that nobody trusts, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "receiver.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file
