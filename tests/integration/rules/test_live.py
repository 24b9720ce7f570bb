"""Collectors and runners as real processes, on real servers: killed, misled, and told of new rules while they run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from citybrain.catalogue.load import load as load_catalogue
from citybrain.settings import PROJECT
from citybrain.store.connection import connect
from deploy.local.servers import Broker
from ingest import orphans
from rules import sets
from rules.grammar.load import load as load_rules

PATIENCE_S = 20.0  # seconds that anything may take
CITYBRAIN = [sys.executable, "-c", "from citybrain.cli import main; main()"]
MINUTE = timedelta(minutes=1)
TITLE = "  title: {zh: 试, en: Trial}\n"
LOW = f"""
- rule: water.low
{TITLE}  metric: pressure
  raise: value < 0.2
  clear: value >= 0.25
  severity: 3
"""


class City:
    """A store and a broker, with processes of citybrain at work on them."""

    def __init__(self, url: str, broker: Broker, folder: Path) -> None:
        self.url = url
        self.broker = broker
        self.folder = folder
        self.connection = psycopg.connect(url, autocommit=True)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.heard: list[tuple[str, dict[str, Any]]] = []
        for part in ("regions", "sites", "plans"):
            shutil.copytree(PROJECT / part, folder / part)
        for file in PROJECT.glob("domains/*/domain.yaml"):
            shutil.copytree(file.parent, folder / "domains" / file.parent.name, ignore=shutil.ignore_patterns("rules*"))
        (folder / "domains" / "test").mkdir()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
        self.client.on_message = lambda _client, _data, message: self.heard.append(
            (message.topic, json.loads(message.payload))
        )
        self.client.connect("127.0.0.1", broker.port)
        self.client.subscribe("city/+/+/alert", 1)
        self.client.loop_start()

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "CITYBRAIN_DATABASE_URL": self.url,
            "CITYBRAIN_MQTT_URL": self.broker.collector_url,
            "CITYBRAIN_CATALOGUE_DIR": str(self.folder),
            "CITYBRAIN_METRICS_PORT": "0",
            "COLUMNS": "200",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [*CITYBRAIN, *arguments], env=self.environment, capture_output=True, text=True, check=False
        )

    def write(self, rules: str) -> None:
        (self.folder / "domains" / "test" / "rules.yaml").write_text(rules)

    def apply(self, rules: str) -> None:
        """Put rules in force as the command does, which takes seconds to begin."""
        self.write(rules)
        with connect(self.url, "writer", "test") as connection:
            checked = load_rules(self.folder, load_catalogue(self.folder))
            sets.apply(connection, checked, {}, "test", datetime.now(UTC))

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        log = self.folder / f"{len(self.processes)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*CITYBRAIN, *arguments], env=self.environment, stdout=file, stderr=file, start_new_session=True
            )
        self.processes.append(process)
        return process

    def log(self, process: subprocess.Popen[bytes]) -> str:
        return (self.folder / f"{self.processes.index(process)}.log").read_text()

    def collect(self) -> subprocess.Popen[bytes]:
        """A collector that is connected."""
        process = self.start("collect")
        self.wait_until(lambda: '"connected"' in self.log(process), "a collector connected")
        return process

    def say(self, device: str, moment: datetime, **values: object) -> None:
        payload = json.dumps({"time": moment.isoformat(), "values": values})
        self.client.publish(f"city/150802/{device}/reading", payload, 1).wait_for_publish(PATIENCE_S)

    def ask(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement.encode(), parameters).fetchall()

    def stored(self) -> int:
        [(count,)] = self.ask("select coalesce(sum(stored), 0) from ledger")
        return int(count)

    def alerts(self, *columns: str) -> list[tuple[Any, ...]]:
        return self.ask(f"select {', '.join(columns or ('rule', 'condition'))} from alert order by id")

    def told(self) -> list[tuple[str, str]]:
        """Rule and kind of what was published."""
        return [(document["rule"], document["kind"]) for _, document in self.heard]

    def wait_until(self, condition: Callable[[], Any], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            logs = "\n".join(self.log(process)[-2000:] for process in self.processes)
            assert time.monotonic() < deadline, f"after {PATIENCE_S:g} s: not {what}\n{logs}"
            time.sleep(0.05)

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait(PATIENCE_S)
        self.client.disconnect()
        self.client.loop_stop()
        for (unit,) in self.ask("select unit from collector"):
            self.wait_until(lambda unit=unit: self._forgotten(unit), f"forgotten {unit}")
        self.connection.close()

    def _forgotten(self, unit: str) -> bool:
        """Have the broker forget a session: it would queue for it what other tests publish."""
        with suppress(orphans.StillCollected):
            orphans.forget(self.url, self.broker.url, unit)
            return True
        return False


@pytest.fixture
def city(database: str, broker: Broker, tmp_path: Path) -> Iterator[City]:
    city = City(database, broker, tmp_path)
    yield city
    city.close()


def test_a_hold_survives_kill_9_and_broken_rules_and_a_new_version_comes_without_a_restart(city: City) -> None:
    city.apply(LOW + "  for: 30m\n")
    collector = city.collect()
    start = datetime.now(UTC).replace(microsecond=0) - 35 * MINUTE
    for minute in range(21):
        city.say("water/p1", start + minute * MINUTE, pressure=0.1)
    city.wait_until(lambda: city.stored() == 21, "20 minutes stored")
    collector.kill()
    collector.wait()
    assert city.ask("select code, run from rule_state") == [(1, 21)]
    for minute in range(21, 26):  # these wait at the broker
        city.say("water/p1", start + minute * MINUTE, pressure=0.1)

    collector = city.collect()
    city.write(LOW.replace("pressure", "presure"))
    broken = city.run("rules", "apply", "--by", "test")
    assert broken.returncode == 1
    assert "rules.yaml:4" in broken.stderr + broken.stdout
    for minute in range(26, 30):
        city.say("water/p1", start + minute * MINUTE, pressure=0.1)
    city.wait_until(lambda: city.stored() == 30, "29 minutes stored")
    assert city.alerts() == []
    city.say("water/p1", start + 30 * MINUTE, pressure=0.1)
    city.wait_until(city.alerts, "raised")
    assert city.alerts("subject", "raised_at", "version") == [("150802/water/p1/pressure", start + 30 * MINUTE, 1)]

    # The same process clears by the new version, a second or two after it was applied.
    city.write(LOW.replace("0.25", "0.4") + "  for: 30m\n")
    assert city.run("rules", "apply", "--by", "test").returncode == 0
    city.wait_until(lambda: city.ask("select max(set_id) from rule_engine where unit = 'city'") == [(2,)], "taken up")
    city.say("water/p1", start + 31 * MINUTE, pressure=0.3)
    city.wait_until(lambda: city.stored() == 32, "stored")
    assert city.alerts("condition") == [("raised",)]
    city.say("water/p1", start + 32 * MINUTE, pressure=0.4)
    city.wait_until(lambda: city.alerts("condition") == [("cleared",)], "cleared")
    assert city.ask("select kind, version from alert_event order by id") == [("raised", 1), ("cleared", 2)]
    assert collector.poll() is None


INHIBITING = f"""
- rule: water.burst
{TITLE}  metric: flow
  raise: value > 100
  severity: 1
  inhibits: {{rules: [water.low], same: device, hold: 1s, release: 2s}}
"""
SHADOW = LOW.replace("water.low", "water.trial") + "  mode: shadow\n"


def test_who_is_told_and_who_is_not(city: City) -> None:
    city.apply(LOW + INHIBITING + SHADOW)
    city.collect()
    runner = city.start("rules", "run")
    now = datetime.now(UTC)
    city.say("water/p1", now, flow=200)
    city.wait_until(lambda: city.told() == [("water.burst", "raised")], "the burst announced")
    city.say("water/p1", now, pressure=0.1)
    # Old news at another place.
    city.say("water/p2", now - timedelta(hours=1), pressure=0.1)
    city.wait_until(lambda: len(city.alerts()) == 5, "all raised, two of them on trial")
    by_rule = "select count(*) from alert where rule = 'water.low' and withheld"
    city.wait_until(lambda: city.ask(f"{by_rule} like 'inhibited %%'") == [(1,)], "withheld")
    city.wait_until(lambda: city.ask(f"{by_rule} = 'past'") == [(1,)], "withheld as old news")
    time.sleep(2)
    assert city.told() == [("water.burst", "raised")]

    # A current reading of its subject makes the old news news.
    city.say("water/p2", datetime.now(UTC), pressure=0.1)
    city.wait_until(lambda: len(city.told()) == 2, "what was old news announced")
    topic, document = city.heard[1]
    assert topic == "city/150802/water/alert"
    assert (document["rule"], document["subject"]) == ("water.low", "150802/water/p2/pressure")
    assert (document["severity"], document["region"], document["value"]) == (3, "150802", 0.1)

    # The inhibitor clears: what is still raised after `release` is announced.
    city.say("water/p1", datetime.now(UTC), flow=1)
    city.wait_until(lambda: len(city.told()) == 4, "released")
    assert sorted(city.told()[2:]) == [("water.burst", "cleared"), ("water.low", "raised")]

    # Nobody on trial was told of, and the collector took none of it for readings.
    city.say("water/p1", datetime.now(UTC), pressure=0.3)
    city.wait_until(lambda: ("water.low", "cleared") in city.told(), "cleared")
    assert "water.trial" not in {rule for rule, _ in city.told()}
    assert city.ask("select count(*) from quarantine") == [(0,)]
    ledger = city.run("ledger", "--verify")
    assert ledger.returncode == 0, ledger.stdout
    assert runner.poll() is None


def test_of_two_runners_one_works_and_the_other_takes_over(city: City) -> None:
    rule = f"""
- rule: water.every
{TITLE}  every: 2s
  query: SELECT device, value AS v FROM rule_latest WHERE metric = 'flow'
  subject: device
  columns: {{v: m3/h}}
  raise: v > 10
  severity: 4
"""
    city.apply(rule)
    collector = city.collect()
    city.say("water/p1", datetime.now(UTC), flow=20)
    city.wait_until(lambda: city.stored() == 1, "stored")
    collector.kill()
    runners = [city.start("rules", "run"), city.start("rules", "run")]
    city.wait_until(city.told, "announced")
    city.wait_until(lambda: any('"working"' in city.log(one) for one in runners), "a runner")
    time.sleep(3)
    working = [one for one in runners if '"working"' in city.log(one)]
    assert len(working) == 1
    working[0].kill()
    working[0].wait()
    [other] = (one for one in runners if one not in working)
    city.wait_until(lambda: '"working"' in city.log(other), "taken over")
    [(before,)] = city.ask("select instant from rule_run")
    city.wait_until(lambda: city.ask("select instant > %s from rule_run", before) == [(True,)], "run again")
    assert city.alerts("rule", "condition", "reopened") == [("water.every", "raised", 0)]
    assert city.told() == [("water.every", "raised")]
    assert city.ask("select count(*) from alert_event where kind = 'raised'") == [(1,)]
