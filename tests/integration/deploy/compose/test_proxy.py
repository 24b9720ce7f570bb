"""compose/nginx.conf in a real nginx: TLS outside, the API inside, and nothing that a client says of itself."""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from citybrain.devices import certificates
from citybrain.settings import PROJECT
from deploy.local import tools
from tests.integration.deploy.compose.conftest import free_port

PATIENCE_S = 10.0  # seconds that nginx may take to start


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked, as an API that is open to everybody would."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Proxy:
    port: int
    ca: Path

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
        context = ssl.create_default_context(cafile=self.ca)
        connection = http.client.HTTPSConnection("localhost", self.port, context=context, timeout=5)
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("proxy")
    files = certificates.make(folder / "tls", ["localhost"], datetime.now(UTC))
    api = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=api.serve_forever, daemon=True).start()
    port, health = free_port(), free_port()
    text = (PROJECT / "deploy/compose/nginx.conf").read_text()
    for ours, here in {
        "/tmp/": f"{folder}/",  # the first: the folder may lie there, too
        "/run/secrets/server_certificate": str(files.certificate),
        "/run/secrets/server_key": str(files.key),
        "api:8000": f"127.0.0.1:{api.server_port}",
        "listen 8443": f"listen 127.0.0.1:{port}",
        "127.0.0.1:8081": f"127.0.0.1:{health}",
    }.items():
        assert ours in text
        text = text.replace(ours, here)
    if os.geteuid() == 0:
        text = f"user root;\n{text}"  # the folders of tests are closed to all others
    (folder / "nginx.conf").write_text(text)
    nginx = tools.usr("nginx", "sbin/nginx") / "sbin/nginx"
    with subprocess.Popen([nginx, "-c", folder / "nginx.conf", "-e", "stderr", "-g", "daemon off;"]) as process:
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not answers(health):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield Proxy(port, files.certificate.with_name("ca.crt"))
        finally:
            process.terminate()
            api.shutdown()


def answers(port: int) -> bool:
    """As the health check of compose.yaml."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False


def test_the_api_is_told_who_asks_and_how(proxy: Proxy) -> None:
    status, body = proxy.get("/api/v1/status", {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http"})
    told = json.loads(body)
    assert status == 200
    assert told["path"] == "/api/v1/status"
    assert told["host"] == f"localhost:{proxy.port}"
    assert told["x-forwarded-proto"] == "https"
    assert told["x-forwarded-for"] == "127.0.0.1"
    assert "connection" not in told or told["connection"] != "close"


def test_an_address_that_a_client_makes_up_does_not_count(proxy: Proxy) -> None:
    _, body = proxy.get("/", {"X-Forwarded-For": "203.0.113.9"})
    assert json.loads(body)["x-forwarded-for"] == "127.0.0.1"


@pytest.mark.parametrize("path", ["/metrics", "/health/ready", "//metrics", "/%6detrics", "/x/../metrics"])
def test_the_platforms_own_health_stays_inside(proxy: Proxy, path: str) -> None:
    status, _ = proxy.get(path)
    assert status == 404


def test_plain_http_gets_no_answer(proxy: Proxy) -> None:
    with socket.create_connection(("127.0.0.1", proxy.port)) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert plain.recv(100).startswith(b"HTTP/1.1 400")
