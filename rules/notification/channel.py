"""Channels: what takes messages to people, and announcements to the broker."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from threading import Condition
from typing import Protocol
from zoneinfo import ZoneInfo

import apprise
import paho.mqtt.client as paho
from paho.mqtt.reasoncodes import ReasonCode

from citybrain.errors import Correctable
from rules.notification.announcement import Announcement
from rules.notification.message import Message, compose, trial
from rules.notification.routes import Route

MQTT_AT_ONCE = 100  # announcements handed to the broker before its acknowledgements are awaited
PUBACK_S = 10.0  # seconds for the broker to acknowledge them
DIGEST_AT_ONCE = 200  # announcements that one digest may stand for

# Apprise writes addresses, with the secrets in them, into its log: nobody listens to it.
_apprise_log = logging.getLogger("apprise")
_apprise_log.addHandler(logging.NullHandler())
_apprise_log.propagate = False

# Its own limit is off: it would wait in a thread that keeps the process from ending.
_ASSET = apprise.AppriseAsset(app_id="citybrain", app_desc="citybrain", service_timeout=0)
_HTTP_STATUS = re.compile(r"\berror=(\d{3})\b")


class ChannelError(Correctable):
    """A channel did not take a message; the text says why, and holds no secret."""


class Channel(Protocol):
    """Takes announcements somewhere. It may block, and is called by one thread at a time."""

    @property
    def at_once(self) -> int:
        """Announcements that one call may be given."""

    def send(self, announcements: Sequence[Announcement]) -> list[str | None]:
        """Send them; for each None where it was taken, else why it was not."""


class AppriseChannel:
    """The channel of a route: one service that Apprise knows."""

    def __init__(self, route: Route, zone: ZoneInfo, public_url: str = "") -> None:
        """The channel of a route; it reads the address with each message, so that a new secret needs no restart."""
        self.at_once = DIGEST_AT_ONCE if route.digest else 1
        self._route = route
        self._zone = zone
        self._public_url = public_url
        self._service: tuple[str, apprise.NotifyBase] | None = None

    def send(self, announcements: Sequence[Announcement]) -> list[str | None]:
        """Send one message about them."""
        reason = None
        try:
            self.tell(compose(announcements, self._route.language, self._zone, self._public_url))
        except ChannelError as error:
            reason = str(error)
        return [reason] * len(announcements)

    def test(self, now: datetime) -> None:
        """Send a message for a trial.

        Raises:
            ChannelError: it was not taken.
        """
        self.tell(trial(self._route.name, self._route.language, now, self._zone))

    def tell(self, message: Message) -> None:
        """Send one message.

        Raises:
            ChannelError: it was not taken.
        """
        sender = apprise.Apprise(asset=_ASSET)
        sender.add(self._opened())
        result = sender.notify(message.body, message.title, body_format=apprise.NotifyFormat.TEXT)
        if not result:
            raise ChannelError(_reason(" ".join(entry.message for entry in result.logs())))

    def _opened(self) -> apprise.NotifyBase:
        """The service at the present address; it is kept while that lasts, for it also keeps to the service's rate."""
        url = found_at(self._route.url_from, self._route.name)
        if self._service is None or self._service[0] != url:
            service = apprise.Apprise.instantiate(url, asset=_ASSET)
            if service is None:
                raise ChannelError(
                    f"What {self._route.url_from} holds is no Apprise URL; expected one such as wecombot://KEY or "
                    "mailtos://user:password@host."
                )
            self._service = (url, service)
        return self._service[1]


def found_at(place: str, route: str) -> str:
    """The address or secret of a route, from where the route says it stands: `env:NAME` or `file:/path`.

    Raises:
        ChannelError: there is none.
    """
    kind, _, place = place.partition(":")
    if kind == "env":
        found = os.environ.get(place, "").strip()
        if not found:
            raise ChannelError(f"The environment variable {place} of the route {route} is not set; set it.")
        return found
    try:
        found = Path(place).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ChannelError(f"The file {place} of the route {route} can't be read: {why}.") from None
    if not found:
        raise ChannelError(f"The file {place} of the route {route} is empty; write the address or secret into it.")
    return found


def _reason(said: str) -> str:
    """Why a service did not take a message. What Apprise says may hold secrets, so only what is known is passed on."""
    if status := _HTTP_STATUS.search(said):
        return f"The channel answered with the error {status.group(1)}."
    if "connection error" in said.lower():
        return "The channel can't be reached, or did not answer."
    return "The channel did not take the message."


class MqttChannel:
    """The built-in route: announcements as JSON on `city/<region>/<domain>/alert`, QoS 1, not retained."""

    at_once = MQTT_AT_ONCE

    def __init__(self, client: paho.Client) -> None:
        """Publish through a client that somebody else connects and runs; its `on_publish` is ours."""
        self._client = client
        self._under_way: dict[int, int] = {}  # packet ids by announcement
        # What the broker said by packet id; the client's own account of it forgets what outlives a connection.
        self._answers: dict[int, str | None] = {}
        self._answered = Condition()
        client.on_publish = self._hear

    def send(self, announcements: Sequence[Announcement]) -> list[str | None]:
        """Publish them, and wait for the broker's acknowledgements.

        What was handed to the client before a connection was lost, the client sends by itself when it is back: it is
        waited for, and not published again.
        """
        refused = [self._hand_over(one) for one in announcements]
        until = time.monotonic() + PUBACK_S
        return [why or self._outcome(one, until) for one, why in zip(announcements, refused, strict=True)]

    def _hand_over(self, one: Announcement) -> str | None:
        """Give one to the client, unless it has it; why not, else None."""
        if one.id in self._under_way:
            return None
        if not self._client.is_connected():
            return "The MQTT broker is away."
        try:
            self._under_way[one.id] = self._client.publish(one.topic, one.model_dump_json(), qos=1).mid
        except ValueError:
            return f"Nothing can be published to {one.topic}: it is no topic."
        return None

    def _outcome(self, one: Announcement, until: float) -> str | None:
        packet = self._under_way[one.id]
        with self._answered:
            if not self._answered.wait_for(lambda: packet in self._answers, max(0.0, until - time.monotonic())):
                return "The MQTT broker did not acknowledge in time."
            del self._under_way[one.id]
            return self._answers.pop(packet)

    def _hear(self, client: paho.Client, userdata: object, packet: int, reason: ReasonCode, *_: object) -> None:
        with self._answered:
            self._answers[packet] = f"The MQTT broker refuses the topic: {reason}." if reason.is_failure else None
            self._answered.notify_all()
