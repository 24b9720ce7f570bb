"""From an announcement in the store to those who are to be told: once, whatever fails or hangs in between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import paho.mqtt.client as paho
import psycopg
import pytest

from citybrain.store.connection import Connection, connect
from deploy.local.servers import Broker, mosquitto
from rules.notification import couriers, outbox
from rules.notification.notifier import Notifier
from rules.notification.outbox import LEASE, PATIENCE, Outcome, dispatch, give_up, record, take
from rules.notification.routes import Route

if TYPE_CHECKING:
    from tests.integration.rules.notification.conftest import City, Webhook

    Publishing = Callable[[str], AbstractContextManager[paho.Client]]
    Listening = Callable[[str, str], AbstractContextManager[list[paho.MQTTMessage]]]
    Running = Callable[..., AbstractContextManager[Notifier]]
    WaitUntil = Callable[..., None]

CITY = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
SECRET = "s3cr3t-t0k3n"

KILLED = """
import os, sys, time
from zoneinfo import ZoneInfo
from datetime import timedelta
from rules.notification import outbox
from citybrain.mqtt import connected_client
from rules.notification.notifier import Notifier
from rules.notification.routes import Route
outbox.LEASE = timedelta(seconds=1)
database, broker = sys.argv[1:]
route = Route(name="hook", url_from="env:HOOK_URL")
Notifier(database, [route], connected_client(broker), ZoneInfo("Asia/Shanghai")).start()
time.sleep(60)
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that a test can wait for."""
    monkeypatch.setattr(outbox, "FIRST_PAUSE_S", 0.2)


@pytest.fixture
def running(database: str, broker: Broker, publishing: Publishing, monkeypatch: pytest.MonkeyPatch) -> Running:
    """A notifier with a route for each webhook that is named."""

    @contextmanager
    def run(
        webhook: Webhook, *paths: str, url: str = broker.collector_url, options: str = "", **keys: Any
    ) -> Iterator[Notifier]:
        routes = [Route(name=path, url_from=f"env:URL_{path}", **keys) for path in paths]
        for path in paths:
            monkeypatch.setenv(f"URL_{path}", webhook.url(path, options))
        with publishing(url) as client:
            notifier = Notifier(database, routes, client, CITY)
            notifier.start()
            yield notifier
            notifier.stop()

    return run


def names(connection: Connection, announcement: int) -> list[str]:
    """The routes that an announcement has deliveries for."""
    rows = connection.execute("select route from delivery where announcement_id = %s order by 1", (announcement,))
    return [route for (route,) in rows]


def test_the_broker_has_every_alert_with_its_limit(
    city: City, webhook: Webhook, running: Running, broker: Broker, listening: Listening, wait_until: WaitUntil
) -> None:
    with listening(broker.url, "city/150802/water/alert") as heard, running(webhook):
        number = city.announce()
        wait_until(lambda: city.is_sent(number, "mqtt") and heard, "sent and heard")
    (message,) = heard
    document = json.loads(message.payload)
    assert document["id"] == number
    assert document["title"] == {"zh": "管网末梢压力过低", "en": "Low pressure"}
    assert document["place"] == {"zh": "临河区", "en": "Linhe District"}
    assert document["value"] == 0.125
    assert document["limits"] == [
        {
            "name": "limit",
            "value": 0.14,
            "unit": "MPa",
            "source": "CJJ 58",
            "clause": "3.1.3",
            "plan": None,
            "confidence": "B",
        }
    ]
    assert document["link"] == f"/alerts/{document['alert']}"
    assert city.delivery(number, "mqtt")["attempts"] == 1


def test_what_belongs_to_no_region_goes_to_the_root(
    city: City, webhook: Webhook, running: Running, broker: Broker, listening: Listening, wait_until: WaitUntil
) -> None:
    with (
        listening(broker.url, "city/+/platform/alert") as heard,
        running(webhook, "root", regions=frozenset({"150000"})),
    ):
        number = city.announce(region=None, domain="platform")
        wait_until(lambda: city.is_sent(number, "root") and heard, "sent and heard")
    assert [message.topic for message in heard] == ["city/150000/platform/alert"]


def test_a_route_hears_of_regions_below_its_own(store: Connection, city: City) -> None:
    routes = [
        Route(name="city", url_from="env:A", regions=frozenset({"150800"})),
        Route(name="county", url_from="env:A", regions=frozenset({"150821"})),
        Route(name="night", url_from="env:A", hours=(1050, 480)),
    ]
    below, beside = city.announce(region="150802"), city.announce(region="150102")
    assert dispatch(store, routes, NOW, CITY) == 2
    assert names(store, below) == ["city", "mqtt"]
    assert names(store, beside) == ["mqtt"]
    night = city.announce(region="150102")
    dispatch(store, routes, NOW + timedelta(hours=10), CITY)
    assert names(store, night) == ["mqtt", "night"]


def test_routes_are_chosen_once_however_many_choose(database: str, store: Connection, city: City) -> None:
    numbers = [city.announce() for _ in range(50)]
    routes = [Route(name="a", url_from="env:A")]

    def choose(_: int) -> int:
        with connect(database, "writer", "test") as connection:
            return sum(iter(lambda: dispatch(connection, routes, NOW, CITY), 0))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(choose, range(4))) == len(numbers)
    assert store.execute("select count(*), count(distinct announcement_id) from delivery").fetchone() == (100, 50)


def test_nobody_waits_for_a_channel_that_fails_or_hangs(
    city: City, webhook: Webhook, running: Running, wait_until: WaitUntil
) -> None:
    webhook.answer("fails", 500)
    webhook.hang("hangs")
    with running(webhook, "works", "fails", "hangs"):
        begun = time.monotonic()
        numbers = [city.announce(f"alert {number}") for number in range(5)]
        wait_until(lambda: all(city.is_sent(n, "works") and city.is_sent(n, "mqtt") for n in numbers), "told")
        took_s = time.monotonic() - begun
        wait_until(lambda: city.delivery(numbers[0], "fails")["attempts"] > 1, "tried again")
        failed = city.delivery(numbers[0], "fails")
        assert failed["status"] == "waiting"
        assert failed["error"] == "The channel answered with the error 500."
        wait_until(lambda: city.delivery(numbers[0], "hangs")["error"], "given up for now")
        assert "did not answer" in city.delivery(numbers[0], "hangs")["error"]
        webhook.release("hangs")
        webhook.answer("fails", 200)
        wait_until(lambda: all(city.is_sent(n, "fails") and city.is_sent(n, "hangs") for n in numbers), "recovered")
    assert took_s < 3
    assert [title[-1] for title in webhook.titles("works")] == ["0", "1", "2", "3", "4"]
    assert len(webhook.titles("fails")) == 5
    assert city.delivery(numbers[0], "fails")["error"] is None


def test_a_late_yes_counts(
    city: City, webhook: Webhook, running: Running, wait_until: WaitUntil, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A channel that answers after we stopped waiting, but has taken the message, is not told again."""
    monkeypatch.setattr(couriers.Couriers.__init__, "__defaults__", (0.5, 60.0))
    webhook.hang("slow")
    with running(webhook, "slow", options="?rto=30"):
        number = city.announce()
        wait_until(lambda: city.delivery(number, "slow").get("error"), "overdue")
        assert city.delivery(number, "slow")["error"] == "The channel did not answer within 0.5 seconds."
        webhook.release("slow")
        wait_until(lambda: city.is_sent(number, "slow"), "sent after all")
    assert len(webhook.asked) == 1


def test_whoever_was_killed_is_followed_by_another(
    city: City, webhook: Webhook, running: Running, database: str, broker: Broker, wait_until: WaitUntil
) -> None:
    webhook.hang("hook")
    environment = {**os.environ, "HOOK_URL": webhook.url("hook")}
    killed = subprocess.Popen([sys.executable, "-c", KILLED, database, broker.collector_url], env=environment)
    number = city.announce()
    wait_until(lambda: webhook.asked and city.is_sent(number, "mqtt"), "on its way", 30)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert city.delivery(number, "hook")["attempts"] == 1
    webhook.release("hook")
    with running(webhook, "hook"):
        wait_until(lambda: city.is_sent(number, "hook"), "told by the next")
    assert city.delivery(number, "hook")["attempts"] == 2
    assert city.delivery(number, "mqtt")["attempts"] == 1


def test_a_yes_outlives_the_loss_of_the_database(
    city: City, webhook: Webhook, running: Running, database: str, wait_until: WaitUntil
) -> None:
    webhook.hang("hook")
    with running(webhook, "hook"):
        number = city.announce()
        wait_until(lambda: webhook.asked, "on its way")
        with psycopg.connect(database, autocommit=True) as administrator:
            administrator.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'citybrain notify'"
            )
        webhook.release("hook")
        wait_until(lambda: city.is_sent(number, "hook"), "recorded")
    assert len(webhook.titles("hook")) == 1


def test_a_broker_that_was_away_gets_each_alert_once(
    city: City, webhook: Webhook, running: Running, tmp_path: Path, listening: Listening, wait_until: WaitUntil
) -> None:
    with mosquitto(tmp_path) as own, running(webhook, "hook", url=own.collector_url):
        own.stop()
        numbers = [city.announce() for _ in range(3)]
        wait_until(lambda: all(city.is_sent(number, "hook") for number in numbers), "told otherwise")
        wait_until(lambda: city.delivery(numbers[0], "mqtt")["error"], "failed")
        own.start()
        with listening(own.collector_url, "city/#") as heard:
            wait_until(lambda: all(city.is_sent(number, "mqtt") for number in numbers), "published", 30)
            heard_ids = [json.loads(message.payload)["id"] for message in heard]
    assert len(heard_ids) == len(set(heard_ids)), "an alert came twice"


def test_a_digest_carries_what_came_in_its_time(
    city: City, webhook: Webhook, running: Running, wait_until: WaitUntil
) -> None:
    numbers = [city.announce(f"alert {number}") for number in range(30)]
    with running(webhook, "digest", digest=timedelta(seconds=2)):
        wait_until(lambda: all(city.is_sent(number, "digest") for number in numbers), "told")
    assert webhook.titles("digest") == ["告警汇总 (30)"]


def test_what_one_has_taken_is_not_taken_by_another_before_its_lease_ends(store: Connection, city: City) -> None:
    number = city.announce()
    dispatch(store, [], NOW, CITY)
    assert [one.id for one in take(store, {"mqtt": 10}, NOW)["mqtt"]] == [number]
    assert take(store, {"mqtt": 10}, NOW + LEASE / 2) == {}
    assert [one.id for one in take(store, {"mqtt": 10}, NOW + LEASE)["mqtt"]] == [number]
    assert city.delivery(number, "mqtt")["attempts"] == 2


def test_two_who_take_at_once_share(database: str, store: Connection, city: City) -> None:
    for _ in range(20):
        city.announce()
    dispatch(store, [], NOW, CITY)
    with connect(database, "writer", "a") as one, one.transaction():
        mine = take(one, {"mqtt": 12}, NOW)["mqtt"]
        others = take(store, {"mqtt": 12}, NOW)["mqtt"]
    assert (len(mine), len(others)) == (12, 8)
    assert not {news.id for news in mine} & {news.id for news in others}


def test_pauses_double_up_to_five_minutes(store: Connection, city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    number = city.announce()
    dispatch(store, [], NOW, CITY)
    pauses = []
    now = NOW
    for _ in range(9):
        assert take(store, {"mqtt": 1}, now)
        record(store, [Outcome(number, "mqtt", "no")], now)
        later = city.delivery(number, "mqtt")["next_try"]
        pauses.append((later - now).total_seconds())
        now = later
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_old_news_is_given_up_with_its_last_error(store: Connection, city: City) -> None:
    tried, gone = city.announce(), city.announce()
    dispatch(store, [], NOW, CITY)
    take(store, {"mqtt": 1}, NOW)
    record(store, [Outcome(tried, "mqtt", "no")], NOW)
    assert give_up(store, NOW + PATIENCE) == []
    assert give_up(store, NOW + PATIENCE + timedelta(seconds=1)) == ["mqtt", "mqtt"]
    assert city.delivery(tried, "mqtt")["status"] == "failed"
    assert city.delivery(tried, "mqtt")["error"] == "no"
    assert "never tried" in city.delivery(gone, "mqtt")["error"]
    assert take(store, {"mqtt": 9}, NOW + PATIENCE * 2) == {}


def test_of_one_delivery_the_last_word_counts(store: Connection, city: City) -> None:
    number = city.announce()
    dispatch(store, [], NOW, CITY)
    take(store, {"mqtt": 1}, NOW)
    record(store, [Outcome(number, "mqtt", "late"), Outcome(number, "mqtt", None)], NOW)
    record(store, [Outcome(number, "mqtt", "a late no of what was sent")], NOW)
    assert city.is_sent(number, "mqtt")
    assert city.delivery(number, "mqtt")["error"] is None


def test_no_secret_reaches_the_store_or_the_log(
    city: City,
    webhook: Webhook,
    running: Running,
    database: str,
    wait_until: WaitUntil,
    capfd: pytest.CaptureFixture[str],
) -> None:
    webhook.answer("hook", 401)
    with running(webhook, "hook", options=f"?token={SECRET}&+X-Key={SECRET}"):
        number = city.announce()
        wait_until(lambda: city.delivery(number, "hook").get("error"), "refused")
    assert SECRET not in str(city.delivery(number, "hook"))
    with psycopg.connect(database) as administrator:
        for table in ("delivery", "announcement", "alert", "alert_event"):
            rows = administrator.execute(f"select t::text from {table} t").fetchall()
            assert SECRET not in str(rows)
    said = "".join(capfd.readouterr())
    assert "not told" in said
    assert SECRET not in said


def test_boards_see_who_was_told(store: Connection, city: City, database: str) -> None:
    number = city.announce()
    dispatch(store, [], NOW, CITY)
    with connect(database, "board", "test") as board:
        assert board.execute(
            "select route, status, kind from board_delivery where announcement_id = %s", (number,)
        ).fetchall() == [("mqtt", "waiting", "raised")]
