from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from deploy.local.servers import Broker
from simulators import cycle, recording
from simulators.replay import ReplayOptions, ReplayTotals, replay

if TYPE_CHECKING:
    from tests.integration.simulators.conftest import Listener

SAMPLE = sorted((Path(recording.__file__).parent / "sample").glob("*.csv"))
COMMAND = "import typer; from simulators.replay import replay_command; typer.run(replay_command)"


def arrived(listener: Listener) -> dict[tuple[str, int, str], float]:
    """Every reading that was received, by topic, time (ms) and metric; none may contradict another."""
    readings: dict[tuple[str, int, str], float] = {}
    for topic, payload in listener.received:
        decoded = json.loads(payload)
        for record in decoded if isinstance(decoded, list) else [decoded]:
            for metric, value in record["values"].items():
                assert readings.setdefault((topic, record["time"], metric), value) == value
    return readings


def recorded(readings: pl.DataFrame) -> dict[tuple[str, int, str], float]:
    long = readings.unpivot(index=["station", "time"]).drop_nulls("value")
    return {
        (f"city/150802/air/air-{station.lower()}/reading", time // 1000, metric): value
        for station, time, metric, value in long.iter_rows()
    }


def start(broker: Broker, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, *map(str, SAMPLE), *arguments],
        env=os.environ | {"CITYBRAIN_MQTT_URL": broker.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("options", [ReplayOptions(), ReplayOptions(single=True), ReplayOptions(hours_per_message=24)])
def test_what_is_recorded_arrives_once(mortal_broker: Broker, listener: Listener, options: ReplayOptions) -> None:
    expected = recorded(recording.read(SAMPLE))
    totals = replay(SAMPLE, options, mortal_broker.url)
    listener.listen(lambda: len(listener.received) >= totals.messages)
    assert totals == ReplayTotals(messages=len(listener.received), readings=len(expected))
    assert arrived(listener) == expected


def test_the_broker_is_killed_while_it_goes_on(mortal_broker: Broker, listener: Listener) -> None:
    """61 days in about 3 s, and two kills on the way."""

    def kill_twice() -> None:
        for _ in range(2):
            time.sleep(1.1)
            mortal_broker.kill()
            mortal_broker.start()

    killing = threading.Thread(target=kill_twice)
    killing.start()
    totals = replay(SAMPLE, ReplayOptions(speed=61 * 86_400 / 3), mortal_broker.url)
    killing.join()
    expected = recorded(recording.read(SAMPLE))
    assert (totals.readings, totals.interrupted, totals.unacknowledged) == (len(expected), False, 0)
    assert totals.resent > 0
    listener.listen(lambda: len(listener.distinct) >= totals.messages)
    assert arrived(listener) == expected


def test_following_goes_on_until_it_is_told_to_stop(mortal_broker: Broker, listener: Listener) -> None:
    before = time.time_ns() // 1000
    process = start(mortal_broker, "--follow")
    assert process.stdout is not None
    assert any("Each further hour follows" in line for line in process.stdout)
    after = time.time_ns() // 1000
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    listener.listen(lambda: len(listener.received) >= 3 * 61 * 24)
    readings = recording.read(SAMPLE)
    # An hour may have begun in between.
    assert arrived(listener) in [recorded(cycle.ending(readings, now)) for now in (before, after)]


def test_a_replay_that_is_told_to_stop_says_so(mortal_broker: Broker, listener: Listener) -> None:
    process = start(mortal_broker, "--speed", "36000")  # 10 hours a second
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=10)
    assert process.returncode == 1
    assert "Stopped before the end" in output
    listener.listen(lambda: True)
    assert 0 < len(listener.received) < 3 * 61 * 24


def test_a_replay_waits_until_somebody_listens(mortal_broker: Broker, late_listener: Listener) -> None:
    process = start(mortal_broker, "--hours-per-message", "24")
    late_listener.listen(lambda: process.poll() is not None)
    assert process.returncode == 0
    assert arrived(late_listener) == recorded(recording.read(SAMPLE))


def test_a_replay_that_nobody_hears_is_no_success(mortal_broker: Broker) -> None:
    process = start(mortal_broker, "--hours-per-message", "24")
    time.sleep(3)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "183 messages may not have arrived" in output
