"""A real Prometheus, with our configuration, reads a real API: an alert comes, in both languages."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from deploy.local import tools
from tests.integration.api.conftest import serving
from tests.integration.ingest.conftest import free_port

PATIENCE_S = 20.0


@contextmanager
def prometheus(folder: Path) -> Iterator[httpx.Client]:
    """A server of that folder, whose API the client asks."""
    program = tools.usr("prometheus", "bin/prometheus") / "bin" / "prometheus"
    address = f"127.0.0.1:{free_port()}"
    (folder / "targets" / "prometheus.yml").write_text(yaml.safe_dump([{"targets": [address]}]))
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        with httpx.Client(base_url=f"http://{address}/api/v1", trust_env=False) as client:
            yield client
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def eventually(look: Callable[[], Any]) -> Any:
    """What a look gives as soon as it gives something."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            if found := look():
                return found
        except httpx.HTTPError:  # nobody is there yet, or it is not ready
            pass
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.2)


@pytest.fixture
def hasty(folder: Path) -> Path:
    """The same, but reading and judging each second, and waiting for nothing: `for` is promtool's to test."""
    configuration = yaml.safe_load((folder / "prometheus.yml").read_text(encoding="utf-8"))
    configuration["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    alerts = yaml.safe_load((folder / "alerts.yml").read_text(encoding="utf-8"))
    for group in alerts["groups"]:
        for rule in group["rules"]:
            rule.pop("for", None)
    (folder / "alerts.yml").write_text(yaml.safe_dump(alerts, allow_unicode=True))
    return folder


def test_an_api_is_read_and_an_alert_comes(database: str, hasty: Path) -> None:
    with serving(database) as api:
        at = f"127.0.0.1:{api.client.base_url.port}"
        (hasty / "targets" / "api.yml").write_text(yaml.safe_dump([{"targets": [at]}]))
        with prometheus(hasty) as client:

            def value(query: str) -> list[Any]:
                answer = client.get("/query", params={"query": query}).raise_for_status()
                found: list[Any] = answer.json()["data"]["result"]
                return found

            def alerts() -> dict[str, Any]:
                answer = client.get("/alerts").raise_for_status()
                return {one["labels"]["alertname"]: one for one in answer.json()["data"]["alerts"]}

            up = eventually(lambda: value('up{job="api"} == 1'))
            assert up[0]["metric"]["instance"] == at
            assert eventually(lambda: value("citybrain_database_up"))[0]["value"][1] == "1"
            assert eventually(lambda: value("citybrain:database_log_bytes:rate5m"))

            nobody = eventually(lambda: alerts().get("CitybrainTargetDown"))  # there is no node exporter here
            assert nobody["state"] == "firing"
            assert nobody["annotations"]["summary_zh"] == "node 127.0.0.1:9100 无应答"
            assert nobody["annotations"]["summary_en"] == "node at 127.0.0.1:9100 does not answer"
            assert not alerts().keys() & {"CitybrainApiDown", "CitybrainDatabaseAway", "CitybrainPrometheusRulesFail"}
            groups = client.get("/rules").json()["data"]["groups"]
            assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}

            api.stop()
            assert eventually(lambda: alerts().get("CitybrainApiDown"))["labels"]["severity"] == "critical"
