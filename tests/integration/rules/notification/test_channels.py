"""Real channels: a webhook through Apprise, the broker through paho; and what is said where they fail."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import jsonschema
import paho.mqtt.client as paho
import pytest

from citybrain.catalogue.model import Text
from deploy.local.servers import Broker, mosquitto
from rules.notification import channel
from rules.notification.announcement import Announcement
from rules.notification.channel import AppriseChannel, ChannelError, MqttChannel
from rules.notification.notifier import try_route
from rules.notification.routes import Route
from rules.notification.schema import schemas

if TYPE_CHECKING:
    from tests.integration.rules.notification.conftest import Webhook

    Publishing = Callable[[str], AbstractContextManager[paho.Client]]
    Listening = Callable[[str, str], AbstractContextManager[list[paho.MQTTMessage]]]
    WaitUntil = Callable[..., None]

CITY = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
SECRET = "s3cr3t-t0k3n"
HOOK = Route(name="hook", url_from="env:HOOK_URL")


def news(number: int, domain: str = "air") -> Announcement:
    words = Text(zh="空气重污染", en="Heavy pollution")
    return Announcement(id=number, at=NOW, kind="raised", severity=1, region="150802", domain=domain, text=words)


def ids(messages: list[paho.MQTTMessage]) -> list[int]:
    return [json.loads(message.payload)["id"] for message in messages]


def test_a_webhook_takes_a_message(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_URL", webhook.url("a"))
    assert AppriseChannel(HOOK, CITY).send([news(1)]) == [None]
    ((_, document),) = webhook.received
    assert document["title"] == "【红】空气重污染"


def test_an_address_in_a_file_may_change_between_messages(webhook: Webhook, tmp_path: Path) -> None:
    secret = tmp_path / "url"
    sender = AppriseChannel(Route(name="hook", url_from=f"file:{secret}"), CITY)
    for path in ("old", "new"):
        secret.write_text(webhook.url(path) + "\n")
        assert sender.send([news(1)]) == [None]
    assert webhook.asked == ["old", "new"]


def test_a_refusal_names_its_status(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    webhook.answer("a", 503)
    monkeypatch.setenv("HOOK_URL", webhook.url("a"))
    assert AppriseChannel(HOOK, CITY).send([news(1)]) == ["The channel answered with the error 503."]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"json://user:{SECRET}@127.0.0.1:1/{SECRET}?token={SECRET}", "can't be reached"),
        (f"nonsense://{SECRET}", "What env:HOOK_URL holds is no Apprise URL"),
        (f"{SECRET}", "no Apprise URL"),
        (f"wecombot://{SECRET}!/", "no Apprise URL"),
        ("", "The environment variable HOOK_URL of the route hook is not set"),
    ],
)
def test_no_failure_shows_a_secret(
    url: str, said: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOOK_URL", url)
    (error,) = AppriseChannel(HOOK, CITY).send([news(1)])
    assert error
    assert said in error
    assert SECRET not in error + "".join(capfd.readouterr())


@pytest.mark.parametrize(("text", "said"), [(None, "No such file"), ("", "is empty"), ("\udcff", "not UTF-8")])
def test_a_file_without_an_address(text: str | None, said: str, tmp_path: Path) -> None:
    secret = tmp_path / "url"
    if text is not None:
        secret.write_bytes(text.encode(errors="surrogateescape"))
    (error,) = AppriseChannel(Route(name="hook", url_from=f"file:{secret}"), CITY).send([news(1)])
    assert error
    assert said in error


def test_somebody_tries_a_route(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_URL", webhook.url("a"))
    closed = Route(name="hook", url_from="env:HOOK_URL", hours=(0, 1))
    try_route([closed], "hook", NOW, CITY)
    assert webhook.titles("a") == ["citybrain hook"]
    webhook.answer("a", 403)
    with pytest.raises(ChannelError, match="the error 403"):
        try_route([closed], "hook", NOW, CITY)
    with pytest.raises(ChannelError, match="no route hok; the file of routes has hook"):
        try_route([closed], "hok", NOW, CITY)


def test_the_broker_has_alerts_as_documented(
    broker: Broker, publishing: Publishing, listening: Listening, wait_until: WaitUntil
) -> None:
    with listening(broker.url, "city/150802/air/alert") as heard, publishing(broker.collector_url) as client:
        assert MqttChannel(client).send([news(number) for number in range(100)]) == [None] * 100
        wait_until(lambda: len(heard) >= 100, "heard")
        assert ids(heard) == list(range(100))
        assert (heard[0].qos, heard[0].retain) == (1, False)
        jsonschema.validate(json.loads(heard[0].payload), json.loads(schemas()["alert.schema.json"]))


def test_what_can_not_be_published_holds_up_nothing(broker: Broker, publishing: Publishing) -> None:
    with publishing(broker.collector_url) as client:
        assert MqttChannel(client).send([news(1, "+"), news(2)]) == [
            "Nothing can be published to city/150802/+/alert: it is no topic.",
            None,
        ]


def test_what_the_client_still_has_is_not_published_again(
    tmp_path: Path,
    publishing: Publishing,
    listening: Listening,
    wait_until: WaitUntil,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A broker that holds its breath fails the attempt; when it breathes again, each alert comes once."""
    monkeypatch.setattr(channel, "PUBACK_S", 0.5)
    with (
        mosquitto(tmp_path) as own,
        publishing(own.collector_url) as client,
        listening(own.collector_url, "city/#") as heard,
    ):
        assert own.process
        sender = MqttChannel(client)
        own.process.send_signal(signal.SIGSTOP)
        late = "The MQTT broker did not acknowledge in time."
        assert sender.send([news(1), news(2)]) == [late, late]
        assert sender.send([news(1)]) == [late]
        own.process.send_signal(signal.SIGCONT)
        assert sender.send([news(1), news(2), news(3)]) == [None, None, None]
        assert sender.send([news(4)]) == [None]
        wait_until(lambda: 4 in ids(heard), "heard")
        assert ids(heard) == [1, 2, 3, 4]
