"""The platform of compose.yaml without an engine: its commands, health checks and secrets, from device to scrape."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
import pytest
import yaml

from citybrain.settings import PROJECT
from tests.integration.deploy.compose.conftest import DEVICE, City, free_port
from tests.integration.deploy.compose.test_accounts import client

PATIENCE_S = 60.0  # seconds that processes may take to start, on a machine that is busy
WORKERS = ("collector", "collector-standby", "derive", "rules", "api")
SERVICES = yaml.safe_load((PROJECT / "deploy/compose.yaml").read_text())["services"]


@dataclass(frozen=True)
class Worker:
    service: dict[str, Any]
    process: subprocess.Popen[bytes]
    port: int

    def healthy(self) -> bool:
        """Whether the very health check of compose.yaml says so."""
        _, program, *arguments = self.service["healthcheck"]["test"]
        assert program == "python"
        words = [word.replace(":9201/", f":{self.port}/").replace(":8000/", f":{self.port}/") for word in arguments]
        return subprocess.run([sys.executable, *words], capture_output=True, timeout=20).returncode == 0


def until(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture(scope="module")
def workers(let_in: City, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Worker]]:
    """All that work, each with the secrets that it has there, and no more."""
    assert let_in.citybrain("rules", "apply", "--by", "compose").returncode == 0
    directory = tmp_path_factory.mktemp("workers")
    login = let_in.url("citybrain", let_in.secret("database_password"))
    with ExitStack() as running:
        found = {}
        for name in WORKERS:
            service, port, secrets = SERVICES[name], free_port(), directory / name
            secrets.mkdir()
            for secret in service["secrets"]:
                shutil.copy(let_in.secrets / secret, secrets / secret)
            (secrets / "citybrain_database_url").write_text(login)
            environment = {
                **{word: value for word, value in os.environ.items() if not word.startswith("CITYBRAIN_")},
                **{word: value for word, value in service["environment"].items() if word != "CITYBRAIN_CATALOGUE_DIR"},
                "CREDENTIALS_DIRECTORY": str(secrets),
                "CITYBRAIN_HTTP_PORT" if name == "api" else "CITYBRAIN_METRICS_PORT": str(port),
            }
            log = running.enter_context((directory / f"{name}.log").open("wb"))
            command = [sys.executable, "-c", "from citybrain.cli import main; main()", *service["command"]]
            process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=log, stderr=log)
            running.callback(process.wait, 30)
            running.callback(process.terminate)
            found[name] = Worker(service, process, port)
        yield found


def test_a_reading_comes_from_a_device_to_the_ledger_and_prometheus_sees_it(
    let_in: City, device: str, workers: dict[str, Worker]
) -> None:
    for name, worker in workers.items():
        until(lambda worker=worker: worker.healthy() or worker.process.poll() is not None)  # type: ignore[misc]
        assert worker.process.poll() is None, name
    api = f"http://127.0.0.1:{workers['api'].port}"
    until(lambda: httpx.get(f"{api}/health/ready").status_code == 200)
    with client(let_in.broker.server.ports["8883"], DEVICE, device, ca=let_in.ca) as sender:
        assert sender.publish(f"city/{DEVICE}/reading") == "Success"
    with psycopg.connect(let_in.database_url, autocommit=True) as connection:
        until(lambda: connection.execute("select stored from ledger where stored > 0").fetchone())
    assert let_in.citybrain("ledger", "--verify").returncode == 0
    # As Prometheus asks: by the service's name, with its token.
    asked = {"Host": "api:8000"}
    assert httpx.get(f"{api}/metrics", headers=asked).status_code == 401
    answer = httpx.get(
        f"{api}/metrics", headers={**asked, "Authorization": f"Bearer {let_in.secret('prometheus_token')}"}
    )
    assert answer.status_code == 200
    assert "citybrain_database_up 1.0" in answer.text


def test_behind_the_proxy_nobody_is_on_this_machine(workers: dict[str, Worker]) -> None:
    answer = httpx.get(f"http://127.0.0.1:{workers['api'].port}/metrics", headers={"X-Forwarded-For": "127.0.0.1"})
    assert answer.status_code == 401


def test_only_who_may_change_credentials_has_the_secret_for_it() -> None:
    holders = {name for name, service in SERVICES.items() if "citybrain_mqtt_admin_url" in service.get("secrets", [])}
    assert holders == {"api", "accounts"}


def test_workers_stop_in_order(workers: dict[str, Worker]) -> None:
    for worker in workers.values():
        worker.process.terminate()
    assert [worker.process.wait(30) for worker in workers.values()] == [0] * len(WORKERS)
