"""Metrics are right, and each of them is documented."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from citybrain.settings import PROJECT

COUNT = "from citybrain import metrics; metrics.MESSAGES.inc(5); metrics.CONNECTED.set(1)"
LIBRARY = re.compile(r"python_|process_")


def families(api: Any) -> dict[str, dict[str, float]]:
    """What a scrape gives: by name, the value of each set of labels as text."""
    response = api.client.get("/metrics")
    assert response.status_code == 200
    return {
        family.name: {
            ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items())): sample.value
            for sample in family.samples
        }
        for family in text_string_to_metric_families(response.text)
    }


def test_each_metric_is_documented(city: Any) -> None:
    documented = set(re.findall(r"^\| `(\w+)` \|", (PROJECT / "docs/metrics.md").read_text(encoding="utf-8"), re.M))
    exposed = {name.removesuffix("_created") for name in families(city.api) if not LIBRARY.match(name)}

    assert exposed - documented == set()
    assert documented - exposed == set()


def test_what_the_database_says(city: Any) -> None:
    found = families(city.api)

    assert found["citybrain_database_up"] == {"": 1}
    accounts = found["citybrain_ledger_day_readings"]
    assert accounts["account=received"] == sum(accounts.values()) / 2 >= 18
    assert found["citybrain_ledger_day_unbalanced_hours"] == {"": 0}
    assert found["citybrain_quarantine_open_entries"]["reason=invalid_json"] == 1
    assert found["citybrain_devices"]["domain=air,listed=verified,state=online"] == 1
    assert found["citybrain_devices"]["domain=water,listed=unverified,state=unknown"] == 1
    assert found["citybrain_collector_connected"] == {"unit=city": 1}
    assert found["citybrain_collector_heartbeat_age_seconds"]["unit=city"] < 10
    assert found["citybrain_database_bytes"][""] > 1e6
    assert found["citybrain_database_chunks"][""] >= 1
    assert 0 < found["citybrain_database_locks"][""] < found["citybrain_database_lock_room"][""]


def test_completeness_is_the_share_that_came_in_the_last_full_hour(city: Any, catalogue: Any) -> None:
    # Six readings of pressure were published of either hour; pump_running reports on change and owes nothing.
    interval = catalogue.domains["water"].metrics["pressure"].interval
    expected = 3600 / interval.total_seconds()

    assert families(city.api)["citybrain_completeness_ratio"]["domain=water"] == pytest.approx(6 / expected)


def test_processes_that_share_a_directory_are_added_up(
    database: str, serve: Callable[..., AbstractContextManager[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    for _ in range(2):
        subprocess.run([sys.executable, "-c", COUNT], cwd=PROJECT, env=dict(os.environ), check=True, timeout=30)

    with serve(database, method="spawn") as api:
        found = families(api)

    assert found["citybrain_messages"][""] == 10
    assert found.get("citybrain_mqtt_connected", {"": 0}) == {"": 0}, "those two processes are no more"
