"""Each process that shares no directory with an API can be read at a port of its own, even while it waits."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from citybrain.settings import PROJECT
from tests.integration.ingest.conftest import free_port

PATIENCE_S = 20.0


@pytest.mark.parametrize(
    ("command", "metric"),
    [
        ("collect", "citybrain_mqtt_lost_sessions_total"),
        ("derive", "citybrain_derived_readings"),
        ("rules run", "citybrain_notifications"),
    ],
)
def test_a_process_shows_what_it_counts(command: str, metric: str) -> None:
    port = free_port()
    environment = {
        **os.environ,
        "CITYBRAIN_METRICS_PORT": str(port),
        "CITYBRAIN_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "CITYBRAIN_MQTT_URL": "mqtt://127.0.0.1:1",
    }
    process = subprocess.Popen(
        [Path(sys.executable).with_name("citybrain"), *command.split()],
        cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            assert process.poll() is None, "it has ended"
            assert time.monotonic() < deadline, "nothing is shown"
            try:
                text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
                break
            except httpx.TransportError:
                time.sleep(0.1)
        assert f"# TYPE {metric}" in text
    finally:
        process.kill()
        process.wait()
