"""`citybrain simulate` as a process, with a real database, broker and collector."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from citybrain.catalogue.model import Catalogue
from deploy.local.servers import Broker
from rules.backtest.score import read as read_truth
from simulators.city import FAULTS
from simulators.model import HOUR, SECOND
from simulators.scenario import load
from simulators.simulation import Simulation

if TYPE_CHECKING:
    from tests.integration.simulators.conftest import Listener

PATIENCE_S = 120.0
CITYBRAIN = [sys.executable, "-c", "from citybrain.cli import main; main()"]
ZONE = ZoneInfo("Asia/Shanghai")
TOWN = """\
title: {zh: 小城, en: Small town}
devices: 53
sentinel:
  - region: 150802
    name: town
    title: {zh: 小城, en: Town}
    longitude: 107.405
    latitude: 40.755
    streets: 1
    schools: 1
    rain_gauges: 1
"""
HEAD = "title: {zh: 测试, en: Test}\ncity: town.yaml\n"
LEAK = "happenings:\n  - {incident: gas, fault: sentinel.gas_leak, at: 1h, lasts: 2h, place: town-school-1, rate: 8}\n"


@dataclass
class Platform:
    """A store with the rules that ship, a broker, and a folder with the small town's file."""

    url: str
    broker: Broker
    folder: Path
    catalogue: Catalogue

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "CITYBRAIN_DATABASE_URL": self.url,
            "CITYBRAIN_MQTT_URL": self.broker.url,
            "CITYBRAIN_MQTT_ADMIN_URL": self.broker.collector_url,
            "CITYBRAIN_RUNTIME_DIR": str(self.folder / "runtime"),
            "COLUMNS": "200",
        }

    def start(self, *arguments: str, **settings: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*CITYBRAIN, "simulate", *arguments],
            cwd=self.folder,
            env=self.environment | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, **settings: str) -> tuple[int, str]:
        """Simulate to the end; exit status and what was said."""
        process = self.start(*arguments, **settings)
        output, _ = process.communicate(timeout=PATIENCE_S)
        return process.returncode, output

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query.encode()).fetchall()

    def ledger(self) -> tuple[int, ...]:
        """Stored, duplicate and quarantined."""
        [row] = self.ask("select sum(stored), sum(duplicate), sum(quarantined) from ledger")
        return tuple(int(count or 0) for count in row)

    def scenario(self, text: str) -> str:
        (self.folder / "case.yaml").write_text(HEAD + text, encoding="utf-8")
        return "case.yaml"

    def simulation(self, name: str, begin: int, start: int) -> Simulation:
        scenario = load(name, FAULTS, self.folder)
        return Simulation(scenario, self.catalogue, seed=1, begin=begin, start=start, offset=8 * HOUR)


@pytest.fixture
def platform(database: str, mortal_broker: Broker, catalogue: Catalogue, tmp_path: Path) -> Platform:
    (tmp_path / "town.yaml").write_text(TOWN, encoding="utf-8")
    return Platform(database, mortal_broker, tmp_path, catalogue)


@pytest.fixture
def collector(platform: Platform) -> Iterator[subprocess.Popen[bytes]]:
    log = platform.folder / "collector.log"
    settings = platform.environment | {"CITYBRAIN_MQTT_URL": platform.broker.collector_url}
    with log.open("wb") as file:
        process = subprocess.Popen([*CITYBRAIN, "collect"], env=settings, stdout=file, stderr=file)
    wait_until(lambda: '"event": "connected"' in log.read_text(), "connected")
    yield process
    process.terminate()
    process.wait(PATIENCE_S)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"after {PATIENCE_S:g} s: not {what}"
        time.sleep(0.1)


def told_to_stop(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=PATIENCE_S)
    return output


@pytest.mark.usefixtures("collector")
def test_a_scenario_in_bulk_is_stored_and_raises_what_it_is_meant_to(platform: Platform) -> None:
    applied = subprocess.run([*CITYBRAIN, "rules", "apply", "--by", "test"], env=platform.environment, check=False)
    assert applied.returncode == 0
    start = datetime.now(ZONE).replace(minute=0, second=0, microsecond=0) - timedelta(hours=5)
    name = platform.scenario(f"starts: {start:%Y-%m-%dT%H:%M}\nhistory: 2h\nlasts: 4h\ncalm_devices: true\n{LEAK}")
    status, output = platform.run("--scenario", name, "--truth", "truth.csv")
    assert status == 0, output
    found = re.search(r"Published [\d,]+ messages, ([\d,]+) readings, 0 messages resent\.", output)
    assert found, output
    readings = int(found[1].replace(",", ""))
    wait_until(lambda: sum(platform.ledger()) >= readings, "all in the ledger")
    assert platform.ledger() == (readings, 0, 0)
    begun = int(start.timestamp()) * SECOND
    simulation = platform.simulation(name, begun - 2 * HOUR, begun)
    simulation.advance(begun + 4 * HOUR)
    simulation.rest()
    assert simulation.sent.stored == readings

    known = dict(platform.ask("select kind, count(*) from site where id like 'sim-%' group by kind"))
    assert sum(known.values()) == len(simulation.city.sites)
    assert known.keys() <= platform.catalogue.domains["sentinel"].site_kinds.keys()
    assert platform.ask("select count(*) from device where not verified") == [(0,)]

    [truth] = read_truth(platform.folder / "truth.csv", ZONE)
    assert (truth.name, truth.kind, truth.start_us) == ("gas", "sentinel.gas_leak", begun + HOUR)
    wait_until(lambda: bool(platform.ask("select 1 from alert")), "an alert raised")
    alerts = platform.ask("select rule, site_id, raised_at from alert where domain_id = 'sentinel'")
    assert "sentinel.methane" in {rule for rule, _, _ in alerts}
    assert {site for _, site, _ in alerts} <= truth.subjects
    assert all(truth.start_us <= moment.timestamp() * SECOND <= truth.end_us for _, _, moment in alerts)


@pytest.mark.usefixtures("collector")
def test_what_was_stopped_goes_on_without_a_gap_and_without_a_conflict(platform: Platform) -> None:
    """A gas leak at 600 times the speed, which is stopped in its middle; the rest comes in bulk."""
    start = datetime.now(ZONE).replace(minute=0, second=0, microsecond=0) - timedelta(hours=5)
    name = platform.scenario(f"starts: {start:%Y-%m-%dT%H:%M}\nlasts: 4h\ncalm_devices: true\n{LEAK}")
    process = platform.start("--scenario", name, "--speed", "600")
    wait_until(lambda: platform.ledger()[0] > 500, "under way")
    output = told_to_stop(process)
    assert process.returncode == 1, output
    assert "Stopped before the end" in output
    begun = int(start.timestamp()) * SECOND
    note = json.loads((platform.folder / "runtime" / "simulated-until.json").read_text())
    assert begun + HOUR / 4 < note["until"] < begun + 4 * HOUR

    status, output = platform.run("--scenario", name, "--resume")
    assert status == 0, output
    simulation = platform.simulation(name, begun, begun)
    simulation.advance(begun + 4 * HOUR)
    simulation.rest()
    # What reports only changes says once more how it is when the simulation goes on.
    changing = {number for number, metric in enumerate(simulation.roster.metrics) if metric.reports == "change"}
    assert changing
    wait_until(lambda: platform.ledger()[0] >= simulation.sent.stored, "all in the ledger")
    stored, _, quarantined = platform.ledger()
    assert quarantined == 0
    assert stored <= simulation.sent.stored + len(changing) * len(simulation.roster)
    [(least,)] = platform.ask(
        "select min(count) from (select count(*) from reading r join series s on s.id = r.series_id"
        " join metric m on m.id = s.metric_id where m.name = 'methane' group by r.series_id) each"
    )
    interval = platform.catalogue.domains["sentinel"].metrics["methane"].interval
    assert interval
    assert least >= timedelta(hours=4) / interval


@pytest.mark.usefixtures("collector")
def test_a_live_city_ends_in_order_and_goes_on(platform: Platform) -> None:
    name = platform.scenario(f"history: 1h\ncalm_devices: true\n{LEAK.replace('1h', '0', 1)}")
    for arguments in ([], ["--resume"]):
        process = platform.start("--scenario", name, *arguments)
        before = platform.ledger()[0]
        wait_until(lambda before=before: platform.ledger()[0] > before, "readings of it")  # type: ignore[misc]
        time.sleep(3)
        began = time.monotonic()
        output = told_to_stop(process)
        assert process.returncode == 0, output
        assert time.monotonic() - began < 10
        assert "gas" in output
        assert "may not have arrived" not in output
    note = json.loads((platform.folder / "runtime" / "simulated-until.json").read_text())
    assert -90 < note["until"] / SECOND - time.time() <= 0
    assert platform.ledger()[2] == 0


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        (
            LEAK.replace("town-school-1", "town-school-7"),
            [],
            r"case.yaml:4:5: .*no place 'town-school-7' .*did you mean",
        ),
        ("happenings: [[[[\n", [], r"case.yaml:\d+:\d+: not valid YAML"),
        (LEAK, ["--speed", "-1"], "Invalid value for '--speed'"),
        (LEAK, ["--truth", "."], r"\. can't be written: Is a directory\."),
    ],
)
def test_what_can_not_be_is_told_before_anything_is_published(
    platform: Platform, listener: Listener, text: str, arguments: list[str], message: str
) -> None:
    status, output = platform.run("--scenario", platform.scenario(text), *arguments)
    assert status in (1, 2)
    assert re.search(message, output), output
    assert "Traceback" not in output
    listener.listen(lambda: False, 0.5)
    assert not listener.received
    assert not (platform.folder / "runtime").exists()


def test_a_broker_that_refuses_or_is_not_there(platform: Platform, listener: Listener) -> None:
    name = platform.scenario(LEAK)
    simulation = platform.simulation(name, 0, 0)
    rows = [",".join((*key, "/".join(key), "wrong")) for key in simulation.roster.keys]
    (platform.folder / "wrong.csv").write_text("region,domain,name,username,password\n" + "\n".join(rows) + "\n")
    status, output = platform.run("--scenario", name, "--credentials", "wrong.csv")
    assert status == 1
    assert "The broker refuses the connection" in output
    status, output = platform.run(
        "--scenario", name, "--credentials", "wrong.csv", CITYBRAIN_MQTT_URL="mqtt://127.0.0.1:1"
    )
    assert status == 1
    assert "No MQTT broker answers" in output
    assert "Traceback" not in output
    listener.listen(lambda: False, 0.5)
    assert not [topic for topic, _ in listener.received if topic.endswith("reading")]
    assert not (platform.folder / "runtime" / "simulated-until.json").exists()
