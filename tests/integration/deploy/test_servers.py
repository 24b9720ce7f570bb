import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from deploy.local import processes
from deploy.local.servers import Broker, mosquitto, postgres


def test_the_database_is_the_one_we_promise(tmp_path: Path) -> None:
    with postgres(tmp_path, {"work_mem": "7MB"}) as server, psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("create extension timescaledb")

        def shown(name: str) -> str:
            row = connection.execute(f"show {name}").fetchone()
            assert row is not None
            return str(row[0])

        assert shown("data_checksums") == "on"
        assert shown("server_encoding") == "UTF8"
        assert shown("listen_addresses") == ""
        assert shown("timescaledb.telemetry_level") == "off"
        assert shown("max_locks_per_transaction") == "512"
        assert shown("work_mem") == "7MB"
        assert shown("synchronous_commit") == "on"
        row = connection.execute(
            "select lower('ÄÖ'), 'zwölf' < 'zypern', now() at time zone 'Asia/Shanghai'"
        ).fetchone()
        assert row is not None
        assert row[:2] == ("äö", True)


def test_a_killed_database_with_a_busy_backend_starts_again_with_its_data(tmp_path: Path) -> None:
    with postgres(tmp_path) as server:
        with psycopg.connect(server.url) as connection:
            connection.execute("create table kept as select 1")
        busy = psycopg.connect(server.url)

        def work() -> None:
            with pytest.raises(psycopg.OperationalError):
                busy.execute("select sum(n::numeric) from generate_series(1, 2000000000) n")

        worker = threading.Thread(target=work)
        worker.start()
        time.sleep(0.5)
        server.kill()
        program = server.server.programs / "postgres"
        assert processes.of_program(program, server.server.data), "no backend outlived the server"

        server.start()
        worker.join(30)
        assert not worker.is_alive()
        with psycopg.connect(server.url) as connection:
            assert connection.execute("select * from kept").fetchone() == (1,)


def test_nothing_is_left_of_a_killed_server_that_was_not_started_again(tmp_path: Path) -> None:
    with postgres(tmp_path) as server:
        program, data = server.server.programs / "postgres", server.server.data
        server.kill()
    assert processes.of_program(program, data) == []
    assert not data.exists()
    assert (tmp_path / "postgres.log").exists()


def collector(broker: Broker) -> mqtt.Client:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "collector", protocol=mqtt.MQTTv5, transport="unix")
    keep = Properties(PacketTypes.CONNECT)
    keep.SessionExpiryInterval = 0xFFFFFFFF
    client.connect(urlsplit(broker.collector_url).path, clean_start=False, properties=keep)
    return client


def test_a_killed_broker_keeps_what_waits_for_an_absent_collector(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        if not broker.server.durable:
            pytest.skip("Mosquitto 2.1 could not be had from Debian testing")
        absent = collector(broker)
        absent.on_connect = lambda *_: absent.subscribe("city/#", qos=1)
        subscribed = threading.Event()
        absent.on_subscribe = lambda *_: subscribed.set()
        absent.loop_start()
        assert subscribed.wait(10)
        absent.disconnect()
        absent.loop_stop()

        device = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        device.connect("127.0.0.1", broker.port)
        device.loop_start()
        sent = [device.publish("city/1/air/a/reading", str(n), qos=1) for n in range(3000)]
        for message in sent:
            message.wait_for_publish(30)
        device.disconnect()
        device.loop_stop()
        time.sleep(0.2)  # what was acknowledged in the last tenth of a second may be lost
        broker.kill()
        broker.start()

        received: list[bytes] = []
        complete = threading.Event()
        again = collector(broker)

        def on_message(client: mqtt.Client, data: object, message: mqtt.MQTTMessage) -> None:
            received.append(bytes(message.payload))
            if len(received) == 3000:
                complete.set()

        again.on_message = on_message
        again.loop_start()
        assert complete.wait(30), f"{len(received)} of 3000 came back"
        again.disconnect()
        again.loop_stop()
        assert received == [str(n).encode() for n in range(3000)]


def test_a_payload_too_large_for_the_collector_still_reaches_it(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        sizes: list[int] = []
        done = threading.Event()
        client = collector(broker)
        client.on_connect = lambda *_: client.subscribe("city/#", qos=1)
        client.on_subscribe = lambda *_: client.publish("city/x", b"x" * 2_500_000, qos=1)

        def on_message(client: mqtt.Client, data: object, message: mqtt.MQTTMessage) -> None:
            sizes.append(len(message.payload))
            done.set()

        client.on_message = on_message
        client.loop_start()
        assert done.wait(10)
        client.disconnect()
        client.loop_stop()
        assert sizes == [2_500_000]
