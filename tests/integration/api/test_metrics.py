"""Metrics are right, and each of them is documented."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import ConnStatus, ExecStatus, PGconn

from citybrain.settings import PROJECT
from deploy.local.servers import Database
from tests.integration.api.conftest import eventually

# One that a minute ago nobody was told of, and one for each reason why nobody must be.
UNTOLD = """
insert into alert (rule, subject, subject_kind, region_id, domain_id, mode, version, title_zh, title_en, severity,
    worst, condition, raised_at, last_time, changed_at, past, told_at, withheld)
select 'water.metrics', subject, 'text', '150821', 'water', mode, 1, 'x', 'x', 1, 1, 'raised', now(), now(),
       now() - ago, past, told_at, withheld
from (values
    ('nobody was told', 'live', interval '2 minutes', false, null::timestamptz, null),
    ('there is time yet', 'live', interval '0', false, null, null),
    ('on trial', 'shadow', interval '2 minutes', false, null, null),
    ('of the past', 'live', interval '2 minutes', true, null, null),
    ('told', 'live', interval '2 minutes', false, now(), null),
    ('withheld', 'live', interval '2 minutes', false, null, 'shelved')
) as given (subject, mode, ago, past, told_at, withheld)
"""

COUNT = "from citybrain import metrics; metrics.MESSAGES.inc(5); metrics.CONNECTED.set(1)"
LIBRARY = re.compile(r"python_|process_")


@pytest.fixture
def follower(database_server: Database) -> Iterator[Callable[[], None]]:
    """Begins to follow the database's log as a standby does, with a slot, and falls two megabytes behind."""
    with (database_server.server.data / "pg_hba.conf").open("a") as rights:
        rights.write("local replication all trust\n")
    parameters = conninfo_to_dict(database_server.url) | {"replication": "true", "application_name": "second"}

    with psycopg.connect(database_server.url, autocommit=True) as connection, ExitStack() as stack:

        def follow() -> None:
            connection.execute("select pg_reload_conf()")
            connection.execute("select pg_create_physical_replication_slot('second', true)")
            stack.callback(end)
            eventually(connected)
            link = links[0]
            row = connection.execute("select pg_current_wal_flush_lsn()").fetchone()
            assert row is not None
            begun = link.exec_(f"START_REPLICATION SLOT second {row[0]}".encode())
            assert begun.status == ExecStatus.COPY_BOTH, begun.error_message
            eventually(lambda: streams("streaming"))
            connection.execute("select pg_logical_emit_message(true, 'test', repeat('x', 2000000))")

        links: list[PGconn] = []

        def connected() -> bool:
            link = PGconn.connect(make_conninfo(**parameters).encode())  # the server reads its rights in its own time
            if link.status == ConnStatus.OK:
                links.append(link)
            return bool(links)

        def streams(state: str) -> bool:
            return bool(connection.execute("select 1 from pg_stat_replication where state = %s", [state]).fetchone())

        def end() -> None:
            for link in links:
                link.finish()
            connection.execute("select pg_terminate_backend(pid) from pg_stat_replication")
            eventually(lambda: not streams("streaming"))
            connection.execute("select pg_drop_replication_slot('second')")

        yield follow


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
    ours = (PROJECT / "docs/metrics.md").read_text(encoding="utf-8").partition("## What the backup says")[0]
    documented = set(re.findall(r"^\| `(\w+)` \|", ours, re.M))
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
    assert found["process_start_time_seconds"][""] > 1e9, "the API's own"
    assert found.get("citybrain_mqtt_connected", {"": 0}) == {"": 0}, "those two processes are no more"


def test_requests_are_counted_by_route_and_class(city: Any) -> None:
    def counted() -> tuple[float, float, float]:
        found = families(city.api)
        requests = found["citybrain_http_requests"]
        took = found["citybrain_http_seconds"]
        return (
            requests.get("method=GET,route=/domains/{id},status=2xx", 0),
            requests.get("method=GET,route=/domains/{id},status=4xx", 0),
            took.get("le=+Inf,route=/domains/{id}", 0),
        )

    good, bad, timed = counted()
    for _ in range(3):
        assert city.api.client.get("/api/v1/domains/water").status_code == 200
    assert city.api.client.get("/api/v1/domains/nothing").status_code == 404

    assert counted() == (good + 3, bad + 1, timed + 4)


def test_a_client_can_not_invent_labels(city: Any) -> None:
    city.api.client.request("BREW", "/api/v1/coffee")
    city.api.client.get("/a/path/of/their/own")

    labels = [part.split("=", 1) for key in families(city.api)["citybrain_http_requests"] for part in key.split(",")]
    assert {value for name, value in labels if name == "method"} <= {"GET", "POST", "PUT", "DELETE", "other"}
    assert "cockpit" in {value for name, value in labels if name == "route"}
    assert not [value for name, value in labels if name == "route" and ("coffee" in value or "their" in value)]


def test_a_live_stream_is_counted_while_it_is_open(city: Any) -> None:
    def streams() -> float:
        return families(city.api)["citybrain_http_streams"][""]

    before = streams()
    with city.api.client.stream("GET", "/api/v1/stream") as answer:
        next(answer.iter_bytes())
        eventually(lambda: streams() == before + 1)
        assert families(city.api)["citybrain_http_seconds"]["le=10.0,route=/stream"] >= 1


def test_rules_that_fail_and_alerts_that_nobody_is_told_of(city: Any) -> None:
    found = families(city.api)
    assert found["citybrain_rules_running"] == {"": 0}
    assert found["citybrain_rules_failing"] == {"": 0}
    assert found["citybrain_alerts_untold"] == {"": 0}

    with psycopg.connect(city.database_url) as connection:
        connection.execute(UNTOLD)
    try:
        assert families(city.api)["citybrain_alerts_untold"] == {"": 1}
    finally:
        with psycopg.connect(city.database_url) as connection:
            connection.execute("delete from alert where rule = 'water.metrics'")


def test_the_log_of_the_database_its_reader_and_its_slot(city: Any, follower: Callable[[], None]) -> None:
    before = families(city.api)
    assert before["citybrain_standby_streaming"] == before["citybrain_slot_active"] == {}
    assert before["citybrain_archive_failing"] == {}, "there is no archive"
    follower()

    found = families(city.api)

    assert found["citybrain_standby_streaming"] == {"standby=second": 1}
    assert found["citybrain_standby_lag_bytes"]["standby=second"] > 1e6
    assert found["citybrain_standby_lag_seconds"]["standby=second"] >= 0
    assert found["citybrain_slot_active"] == {"slot=second": 1}
    assert found["citybrain_slot_bytes"]["slot=second"] > 1e6
    assert found["citybrain_database_log_bytes"][""] >= before["citybrain_database_log_bytes"][""] + 1e6
