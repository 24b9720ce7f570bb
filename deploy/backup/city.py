"""The city of a drill: devices that publish and can send again, and a collector that can be stopped and killed."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

import numpy as np

from citybrain.mqtt import connected_client
from citybrain.store import ledger
from citybrain.store.connection import Connection, connect
from deploy.local import LocalError
from deploy.local.servers import Broker, Database
from deploy.local.stack import CITYBRAIN
from ingest import orphans

DEVICES = 200
STEP = timedelta(minutes=1)  # between two readings of a series
STEPS = 250  # of each series in a message
METRICS = ("methane", "oxygen", "well_temperature", "h2s")
MESSAGE = STEPS * len(METRICS)  # readings
H2S = 25.0  # mg/m3 in every tenth well: the shipped rule raises an alert above 10
UNDER_WAY = 200  # messages given to the broker before we wait for it
STREAM_S = 0.05  # seconds between two messages of a stream
PATIENCE_S = 900.0  # seconds for the collector to store what was published
STOP_S = 60.0  # seconds for it to end


class Devices:
    """Devices that take turns: message `n` is the `n // DEVICES`th of device `n % DEVICES`, whenever it is sent."""

    def __init__(self, url: str, messages: int, now: datetime) -> None:
        """Devices whose newest reading is from before `now` when they have sent so many messages."""
        self._url = url
        self._begun = now - STEP * STEPS * (messages // DEVICES + 1)
        self._next = 0

    def publish(self, messages: int) -> range:
        """Publish the next messages; returns their numbers when the broker has all of them."""
        numbers = range(self._next, self._next + messages)
        self._next = numbers.stop
        self.send(numbers)
        return numbers

    def send(self, numbers: range) -> None:
        """Publish these messages, be it once more; returns when the broker has them."""
        client = connected_client(self._url)
        try:
            for first in range(0, len(numbers), UNDER_WAY):
                some = numbers[first : first + UNDER_WAY]
                for sent in [client.publish(*self._message(number), qos=1) for number in some]:
                    sent.wait_for_publish(PATIENCE_S)
        finally:
            client.disconnect()
            client.loop_stop()

    @contextmanager
    def streaming(self) -> Iterator[None]:
        """Publish a message every now and then, in a thread."""
        ended = threading.Event()

        def stream() -> None:
            while not ended.wait(STREAM_S):
                self.publish(1)

        thread = threading.Thread(target=stream, name="stream", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(PATIENCE_S)

    @property
    def readings(self) -> int:
        """What was published so far, what was sent again not counted."""
        return self._next * MESSAGE

    def _message(self, number: int) -> tuple[str, str]:
        turn, device = divmod(number, DEVICES)
        values = np.random.default_rng(number).normal((0.5, 20.9, 25.0, 1.0), 0.1, (STEPS, len(METRICS)))
        if device % 10 == 0:
            values[:, METRICS.index("h2s")] += H2S
        begun = self._begun + STEP * STEPS * turn
        times = (begun + STEP * step for step in range(STEPS))
        rows = zip(times, values.round(4).tolist(), strict=True)
        payload = [{"time": time.isoformat(), "values": dict(zip(METRICS, row, strict=True))} for time, row in rows]
        return f"city/150802/sentinel/drill-{device}/reading", json.dumps(payload)


class Platform:
    """Our own processes on one database and one broker: commands, and one collector."""

    def __init__(self, database: Database, broker: Broker, directory: Path) -> None:
        self._url = database.url
        self._log = directory / "collector.log"
        servers = {"CITYBRAIN_DATABASE_URL": database.url, "CITYBRAIN_MQTT_URL": broker.collector_url}
        self._environment: Mapping[str, str] = {**os.environ, **servers}
        self._collector: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def run(self, *command: str) -> None:
        """Run a command of ours.

        Raises:
            LocalError: it failed; the text is what it said.
        """
        done = subprocess.run([CITYBRAIN, *command], env=self._environment, capture_output=True, text=True)
        if done.returncode:
            raise LocalError(f"citybrain {' '.join(command)} failed:\n{done.stdout}{done.stderr}")

    def collect(self) -> None:
        """Start the collector."""
        with self._log.open("ab") as log:
            self._collector = subprocess.Popen(
                [CITYBRAIN, "collect"], env=self._environment, stdout=log, stderr=log, start_new_session=True
            )

    def stop(self) -> None:
        """End the collector, if it runs, in order: what it was sent is stored and acknowledged."""
        if self._collector is not None:
            self._collector.terminate()
            self._collector.wait(STOP_S)
            self._collector = None

    def wait_until_connected(self) -> None:
        """Wait until the broker keeps for the collector what devices publish.

        Raises:
            LocalError: it does not come to that.
        """
        self._wait(lambda connection: any(connected for *_, connected, _ in orphans.units(connection)), "connected")

    def wait_for(self, received: int) -> ledger.Totals:
        """Wait until so many readings, or more, were received and committed; what the ledger says.

        Raises:
            LocalError: they were not in time.
        """
        account: ledger.Totals

        def there(connection: Connection) -> bool:
            nonlocal account
            account = ledger.totals(connection)
            return account.received >= received

        self._wait(there, f"at {received} readings")
        return account

    def _wait(self, condition: Callable[[Connection], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        with connect(self._url, "writer", "drill") as connection:
            while not condition(connection):
                if time.monotonic() > deadline:
                    end = self._log.read_text(errors="replace")[-2000:]
                    raise LocalError(f"The collector is not {what}. Its log ends so:\n{end}")
                time.sleep(0.1)
