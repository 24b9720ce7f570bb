"""Replaying quarantine: what waits goes back to the broker, as it came."""

from __future__ import annotations

import time
from datetime import datetime

import paho.mqtt.client as paho
from paho.mqtt.reasoncodes import ReasonCode

from citybrain.errors import Correctable
from citybrain.store import quarantine
from citybrain.store.connection import Connection
from ingest.session import connected_client

PAGE = 100  # entries under way to the broker at once, of up to 2 MiB each
PATIENCE_S = 30.0  # seconds that the broker may take to acknowledge one
# Seconds: what a broker acknowledged is safe only a moment later, should it be killed.
SETTLE_S = 1.0
NO_SUBSCRIBERS = 0x10  # MQTT 5, 3.4.2.1: the broker took the message and will give it to nobody


class ReplayError(Correctable):
    """The broker did not take everything; nothing was marked, so that the same command does it again."""


def replay(connection: Connection, mqtt_url: str, reason: str | None, now: datetime) -> tuple[int, int]:
    """Publish every waiting entry (of `reason`) on its topic, and mark it as replayed at `now`.

    Returns:
        How many were published, and how many were left because only their beginning was kept.

    Raises:
        ReplayError: the broker did not take everything.
    """
    published: list[int] = []
    skipped = 0
    after = 0
    # What is still not understood comes back as a new entry: not to be replayed again and again.
    until = quarantine.newest(connection)
    unheard: list[int] = []

    def acknowledged(_: paho.Client, userdata: object, packet_id: int, reason: ReasonCode, properties: object) -> None:
        if reason.value == NO_SUBSCRIBERS:
            unheard.append(packet_id)

    client = connected_client(mqtt_url)
    client.on_publish = acknowledged
    try:
        while page := quarantine.entries(connection, reason=reason, after=after, until=until, limit=PAGE):
            after = page[-1].id
            whole = [entry for entry in page if len(entry.payload) == entry.size and _publishable(entry.topic)]
            skipped += len(page) - len(whole)
            _publish(client, whole)
            published += [entry.id for entry in whole]
        time.sleep(SETTLE_S)
        if not client.is_connected():
            raise ReplayError("The broker went away: run the command again when it is back.")
        if unheard:
            raise ReplayError(
                f"{len(unheard)} entries have a topic that no collector has subscribed to, so nothing was marked. "
                "Start `citybrain collect` (for all of city/, where the topic is wrong), then run the command again."
            )
    finally:
        client.disconnect()
        client.loop_stop()
    quarantine.mark_replayed(connection, published, now)
    return len(published), skipped


def _publish(client: paho.Client, entries: list[quarantine.Kept]) -> None:
    sent = [client.publish(entry.topic, entry.payload, qos=1) for entry in entries]
    try:
        for one in sent:
            one.wait_for_publish(PATIENCE_S)
    except (RuntimeError, ValueError) as error:
        raise ReplayError(f"The broker did not take an entry ({error}): run the command again.") from error
    if not all(one.is_published() for one in sent):
        raise ReplayError("The broker did not acknowledge every entry in time: run the command again.")


def _publishable(topic: str) -> bool:
    return bool(topic) and "+" not in topic and "#" not in topic and topic.startswith("city")
