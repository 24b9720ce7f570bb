"""Replaying quarantine: what waits goes back to the broker, as it came."""

from __future__ import annotations

import time
from datetime import datetime

import paho.mqtt.client as paho
from paho.mqtt.reasoncodes import ReasonCode

from citybrain.access.model import Scope
from citybrain.errors import Correctable
from citybrain.mqtt import connected_client
from citybrain.store import quarantine
from citybrain.store.connection import Connection
from citybrain.store.quarantine import EVERYTHING

PAGE = 100  # entries under way to the broker at once, of up to 2 MiB each
PATIENCE_S = 30.0  # seconds that the broker may take to acknowledge one
# Seconds: what a broker acknowledged is safe only a moment later, should it be killed.
SETTLE_S = 1.0
NO_SUBSCRIBERS = 0x10  # MQTT 5, 3.4.2.1: the broker took the message and will give it to nobody


class ReplayError(Correctable):
    """The broker did not take everything; nothing was marked, so that the same command does it again."""


class BrokerAway(ReplayError):
    """The broker can't be reached, or went away meanwhile."""


def replay(
    connection: Connection,
    mqtt_url: str,
    reason: str | None,
    now: datetime,
    scope: Scope = EVERYTHING,
    most: int | None = None,
) -> tuple[int, int]:
    """Publish every waiting entry (of `reason`, within `scope`) on its topic, and mark it as replayed at `now`.

    With `most`, so many at most, rounded up to whole pages; the others go on waiting.

    Returns:
        How many were published, and how many were left because only their beginning was kept.

    Raises:
        ReplayError: the broker did not take everything.
        BrokerAway: it is not there.
    """
    published: list[int] = []
    skipped = 0
    after = 0
    # What is still not understood comes back as a new entry: not to be replayed again and again.
    until = quarantine.newest(connection)
    unheard: list[int] = []
    refused: list[int] = []

    def acknowledged(_: paho.Client, userdata: object, packet_id: int, reason: ReasonCode, properties: object) -> None:
        if reason.value == NO_SUBSCRIBERS:
            unheard.append(packet_id)
        elif reason.is_failure:
            refused.append(packet_id)

    try:
        client = connected_client(mqtt_url)
    except OSError as error:
        raise BrokerAway(f"The broker can't be reached: {error}", f"无法连接消息代理：{error}") from error
    client.on_publish = acknowledged
    try:
        while most is None or len(published) < most:
            page = quarantine.entries(connection, reason=reason, after=after, until=until, limit=PAGE, scope=scope)
            if not page:
                break
            after = page[-1].id
            whole = [entry for entry in page if len(entry.payload) == entry.size and _publishable(entry.topic)]
            skipped += len(page) - len(whole)
            _publish(client, whole)
            published += [entry.id for entry in whole]
        time.sleep(SETTLE_S)
        if not client.is_connected():
            raise BrokerAway(
                "The broker went away: do it again when it is back.", "与消息代理的连接已断开：恢复后请重试。"
            )
        if refused:
            raise ReplayError(
                f"The broker refused {len(refused)} entries, so nothing was marked: who replays must be allowed to "
                "publish on every topic.",
                f"消息代理拒绝了 {len(refused)} 条记录，因此未作任何标记：重放者须有权发布到所有主题。",
            )
        if unheard:
            raise ReplayError(
                f"{len(unheard)} entries have a topic that no collector has subscribed to, so nothing was marked. "
                "Start `citybrain collect` (for all of city/, where the topic is wrong), then do it again.",
                f"{len(unheard)} 条记录的主题没有采集器订阅，因此未作任何标记。"
                "请先启动 `citybrain collect`（主题有误时需采集整个 city/），再重试。",
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
        raise BrokerAway(
            f"The broker did not take an entry ({error}): do it again.", f"消息代理未接收某条记录（{error}）：请重试。"
        ) from error
    if not all(one.is_published() for one in sent):
        raise BrokerAway(
            "The broker did not acknowledge every entry in time: do it again.",
            "消息代理未在时限内确认全部记录：请重试。",
        )


def _publishable(topic: str) -> bool:
    return bool(topic) and "+" not in topic and "#" not in topic and topic.startswith("city")
