"""Collectors that are killed, stopped, cut off and replaced: nothing is lost, nothing is stored twice."""

from __future__ import annotations

import selectors
import signal
import socket
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest

from deploy.local.servers import Broker, Database
from ingest.session import delete

if TYPE_CHECKING:
    from tests.integration.ingest.conftest import City

TAKEOVER_S = 10.0  # seconds within which a standby collects, whatever happened to the holder


def test_kill_collector_database_and_broker_in_mid_stream(
    city: City, broker: Broker, database_server: Database
) -> None:
    collector = city.collect().wait_until_connected()
    stream = city.stream(1500)

    def progress() -> None:
        before = city.committed()
        city.wait_until(lambda: city.committed() > before + 300, "more readings stored")

    for _ in range(2):
        progress()
        collector.kill()
        collector = city.collect()
        progress()
        database_server.kill()
        database_server.server.clear()
        database_server.start()
        progress()
        broker.kill()
        broker.start()
    progress()
    published = stream.stop()
    city.wait_until(lambda: city.committed() >= published, "all stored")
    city.settle()
    assert city.stored() == published
    city.check_ledger()
    assert not city.count("select count(*) from quarantine")


def test_sigterm_drains_and_leaves_nothing_committed_unacknowledged(city: City, tcp_collector_url: str) -> None:
    # Over TCP, where closing with unread data can take back what was sent last.
    city.collect(mqtt=tcp_collector_url).wait_until_connected()
    stream = city.stream(4000)
    for _ in range(2):
        before = city.committed()
        city.wait_until(lambda before=before: city.committed() > before + 1000, "more readings stored")
        assert city.collectors[-1].stop() == 0
        assert city.collectors[-1].says("stopped")
        city.collect(mqtt=tcp_collector_url).wait_until_connected()
    published = stream.stop()
    city.wait_until(lambda: city.committed() == published, "all stored")
    city.settle()
    assert city.duplicates() == 0
    city.check_ledger()


def test_a_standby_takes_over_from_one_that_hangs_and_from_one_that_is_killed(city: City) -> None:
    first = city.collect().wait_until_connected()
    second = city.collect().wait_for("standing by")
    stream = city.stream(1000)
    city.wait_until(lambda: city.committed() > 500, "readings stored")
    for holder, standby, number in ((first, second, signal.SIGSTOP), (second, first, signal.SIGKILL)):
        connections = standby.metrics()["citybrain_mqtt_connections_total"]
        holder.signal(number)
        began = time.monotonic()
        city.wait_until(
            lambda: standby.metrics()["citybrain_mqtt_connections_total"] > connections,  # noqa: B023
            "taken over",
            TAKEOVER_S,
        )
        before = city.committed()
        left = TAKEOVER_S - (time.monotonic() - began)
        city.wait_until(lambda before=before: city.committed() > before, "collecting", left)
        if number == signal.SIGSTOP:
            # It wakes up, finds its lock gone, and stands by in its turn.
            holder.signal(signal.SIGCONT)
            holder.wait_for("standing by")
    published = stream.stop()
    city.wait_until(lambda: city.committed() == published, "all stored")
    city.settle()
    city.check_ledger()


def test_collectors_of_disjoint_regions(city: City) -> None:
    bayannur, hohhot = city.collect("--region", "150800"), city.collect("--region", "150100")
    bayannur.wait_until_connected()
    hohhot.wait_until_connected()
    rivals = [city.collect(), city.collect("--region", "150802")]
    for rival in rivals:
        rival.wait_for("standing by")
    streams = [city.stream(500, region, region) for region in ("150802", "150826", "150102-baoheshao")]
    time.sleep(0.5)
    hohhot.kill()
    published = sum(stream.stop() for stream in streams)
    city.collect("--region", "150100")
    city.wait_until(lambda: city.committed("15%") == published, "all stored")
    city.check_ledger()
    assert not any(rival.says("collecting") for rival in rivals)


def test_an_unknown_region_ends_with_a_sentence(city: City) -> None:
    done = city.run("collect", "--region", "999999")
    assert done.returncode == 1
    assert "999999" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reading_that_the_store_refuses_takes_nobody_with_it(city: City) -> None:
    city.ask(
        "create function fussy() returns trigger language plpgsql as $$ begin"
        " if new.value = 13 then raise exception 'no thirteen'; end if;"
        " if new.value = 14 then return null; end if;"
        " return new; end $$"
    )
    city.ask("create trigger fussy before insert on reading for each row execute function fussy()")
    collector = city.collect(batch_seconds=0.5).wait_until_connected()
    for value in range(40):
        city.publish("city/150802/air/fussed/reading", f'{{"time": {city.now_ms()}, "values": {{"rain": {value}}}}}')
    city.settle()
    assert [value for _, _, value, _ in city.readings("fussed")] == [v for v in range(40) if v not in (13, 14)]
    refused = city.quarantined("city/150802/air/fussed/reading")
    assert [reason for reason, _, _ in refused] == ["store_refused", "store_refused"]
    assert "no thirteen" in refused[0][2]
    city.check_ledger()
    assert not collector.says("writer lost")


def test_the_database_away_under_load(city: City, database_server: Database) -> None:
    collector = city.collect().wait_until_connected()
    stream = city.stream(2000)
    city.wait_until(lambda: city.committed() > 2000, "readings stored")
    before = collector.memory
    database_server.stop()
    most = 0
    for _ in range(80):
        most = max(most, collector.memory)
        time.sleep(0.1)
    database_server.start()
    published = stream.stop()
    city.wait_until(lambda: city.committed() == published, "all stored")
    assert most - before < 50_000_000
    assert most < 400_000_000
    city.check_ledger()


def test_a_table_locked_under_a_flood_fills_no_memory(city: City) -> None:
    """QoS 0 knows no receive maximum, and empty payloads have no bytes: the collector must count for itself."""
    collector = city.collect(receive_bytes=1_048_576).wait_until_connected()
    city.settle()
    with psycopg.connect(city.url) as blocker:
        blocker.execute("lock table reading")
        city.publish("city/150802/air/marker/reading", f'{{"time": {city.now_ms()}, "values": {{"rain": 1}}}}')
        for _ in range(20_000):
            city.publisher.publish("city/150802/air/flood/reading", b"", qos=0)
        city.publisher.publish("city/150802/air/flood/reading", b"", qos=1).wait_for_publish(30)
        city.wait_until(lambda: collector.metrics()["citybrain_queued_bytes"] >= 1_048_576, "the inbox full")
        metrics = collector.metrics()
        assert metrics["citybrain_queued_bytes"] < 2 * 1_048_576
        assert metrics["citybrain_queued_messages"] < 6000
    city.wait_until(lambda: len(city.quarantined("city/150802/air/flood/reading")) == 20_001, "all in quarantine")
    city.check_ledger()


class Wire:
    """A wire between collector and broker, which can swallow what the collector says, and be cut."""

    def __init__(self, url: str) -> None:
        self.deaf = False
        beyond = urlsplit(url)
        self._port = beyond.port
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = f"mqtt://{beyond.username}:{beyond.password}@127.0.0.1:{port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._port))
            self._pairs.append((near, far))
            threading.Thread(target=self._pass_on, args=(near, far), daemon=True).start()

    def _pass_on(self, near: socket.socket, far: socket.socket) -> None:
        with selectors.DefaultSelector() as ready, near, far:
            ready.register(near, selectors.EVENT_READ)
            ready.register(far, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    try:
                        data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                        if not data:
                            return
                        if key.fileobj is far:
                            near.sendall(data)
                        elif not self.deaf:
                            far.sendall(data)
                    except OSError:
                        return

    def cut(self) -> None:
        for pair in self._pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
        self._pairs.clear()

    def close(self) -> None:
        self._listener.close()
        self.cut()


@pytest.fixture
def wire(tcp_collector_url: str) -> Iterator[Wire]:
    wire = Wire(tcp_collector_url)
    yield wire
    wire.close()


@pytest.mark.parametrize("loss", ["killed", "cut off"])
def test_messages_without_a_time_that_come_again_are_stored_once(city: City, wire: Wire, loss: str) -> None:
    collector = city.collect(mqtt=wire.url).wait_until_connected()
    topic, payload = "city/150802/air/timeless/reading", b'[{"n": "rain", "t": -1, "v": 1}, {"n": "rain", "v": 2}]'
    city.settle()
    for times in (1, 2):
        wire.deaf = True
        for _ in range(20):
            city.publish(topic, payload)
        city.wait_until(lambda times=times: city.stored("timeless") == 40 * times, "committed, and not acknowledged")
        if loss == "killed":
            collector.kill()
        wire.deaf = False
        wire.cut()
        if loss == "killed":
            collector = city.collect(mqtt=wire.url)
        city.wait_until(lambda times=times: city.duplicates() == 40 * times, "all redelivered and known")
        city.settle()
    assert city.stored("timeless") == 80
    city.wait_until(lambda: not city.count("select count(*) from untimed"), "all confirmed")
    city.check_ledger()


def test_after_a_reconnect_a_message_like_an_earlier_one_is_news(city: City, wire: Wire) -> None:
    """Only what is redelivered is a duplicate: QoS 0 never is, and a packet id is free again once another had it."""
    city.collect(mqtt=wire.url).wait_until_connected()
    for _ in range(3):
        city.publish("city/150802/air/timeless/reading", b'{"values": {"rain": 1}}', qos=0)
        city.settle()
        wire.cut()
        city.settle()
    assert city.stored("timeless") == 3
    assert city.duplicates() == 0


def test_what_a_broker_retained_has_a_time_or_is_refused(city: City) -> None:
    topics = [f"city/150802/air/{name}/reading" for name in ("dated", "undated")]
    city.publish(topics[0], f'{{"time": {city.now_ms()}, "values": {{"rain": 1}}}}', retain=True)
    city.publish(topics[1], b'{"values": {"rain": 1}}', retain=True)
    try:
        city.collect().wait_until_connected()
        city.settle()
    finally:
        for topic in topics:
            city.publish(topic, b"", retain=True)
    assert city.stored("dated") == 1
    assert city.stored("undated") == 0
    assert city.quarantined(topics[1])[0][:2] == ("invalid_time", b'{"time": null, "values": {"rain": 1}}')


def test_a_lost_session_is_an_alarm(city: City) -> None:
    city.collect().wait_until_connected().stop()
    # A stranger takes the id with a clean start, and the queue is gone.
    [(secret,)] = city.ask("select session_secret from installation")
    delete(city.broker.url, f"citybrain-{secret}-city")
    collector = city.collect().wait_for("session lost")
    assert collector.metrics()["citybrain_mqtt_lost_sessions_total"] == 1


def test_a_broker_that_comes_later_and_goes_now_and_then(city: City, broker: Broker) -> None:
    broker.stop()
    collector = city.collect().wait_for("broker away")
    broker.start()
    collector.wait_until_connected()
    # It also watches the broker that was not there at first.
    city.wait_until(lambda: 'citybrain_broker{what="heap_bytes"}' in collector.metrics(), "the broker watched")
    broker.stop()
    broker.start()
    city.wait_until(lambda: collector.metrics()["citybrain_mqtt_connections_total"] == 2, "connected again")
    city.settle()
    assert collector.stop() == 0
