"""The API with TLS of its own: with the pilot's authority, and what it says without a certificate."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from citybrain.devices import certificates
from citybrain.settings import PROJECT

SERVE = (
    "from citybrain.settings import Settings; from api.server import serve; "
    "serve(Settings(), 'postgresql://127.0.0.1:9/x')"
)
PATIENCE_S = 20.0


def start(directory: Path, port: int) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "CITYBRAIN_HTTP_TLS": "true",
        "CITYBRAIN_HTTP_PORT": str(port),
        "CITYBRAIN_TLS_CERTIFICATE": str(directory / "server.crt"),
        "CITYBRAIN_TLS_KEY": str(directory / "server.key"),
    }
    return subprocess.Popen(
        [sys.executable, "-c", SERVE], cwd=PROJECT, env=environment, stderr=subprocess.PIPE, text=True
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def test_who_trusts_the_authority_speaks_tls_and_nobody_speaks_without(tmp_path: Path) -> None:
    certificates.make(tmp_path, ["127.0.0.1"], datetime.now(UTC))
    port = free_port()
    process = start(tmp_path, port)
    try:
        trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
        with httpx.Client(verify=trusting, trust_env=False) as client:
            deadline = time.monotonic() + PATIENCE_S
            while True:
                try:
                    answer = client.get(f"https://127.0.0.1:{port}/health/live")
                    break
                except httpx.ConnectError:
                    assert process.poll() is None
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
            assert answer.status_code == 200
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            httpx.get(f"https://127.0.0.1:{port}/health/live", trust_env=False)
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://127.0.0.1:{port}/health/live", trust_env=False)
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_S)


def test_without_a_certificate_it_says_how_to_make_one(tmp_path: Path) -> None:
    process = start(tmp_path, free_port())
    _, said = process.communicate(timeout=PATIENCE_S)

    assert process.returncode != 0
    assert "citybrain tls make" in said
