"""The broker's own health: what it says under $SYS, as metrics, with a warning long before it hurts."""

from __future__ import annotations

from types import TracebackType
from typing import Annotated, Self

import msgspec
import paho.mqtt.client as paho
import structlog

from citybrain import metrics
from citybrain.mqtt import plain_client

log = structlog.get_logger()

# mosquitto(8), "Broker status": topic to the label `what` of the metric citybrain_broker.
WATCHED = {
    "$SYS/broker/publish/messages/dropped": "messages_dropped",
    "$SYS/broker/store/messages/count": "messages_stored",
    "$SYS/broker/store/messages/bytes": "stored_bytes",
    "$SYS/broker/heap/current": "heap_bytes",
    "$SYS/broker/clients/connected": "clients_connected",
    "$SYS/broker/clients/disconnected": "clients_disconnected",
}
# A queued message costs the broker about 540 bytes of memory: this is about a million of them.
HEAP_WARNING_BYTES = 600_000_000


# What the private broker refused a device, see deploy/local/refusals.py.
REFUSED = "city/+/+/+/refused"


class _Refused(msgspec.Struct):
    refused: Annotated[int, msgspec.Meta(ge=0)]
    oversized: Annotated[int, msgspec.Meta(ge=0)]
    topic: str | None


class BrokerWatch:
    """Watches the broker while the `with` block lasts; a broker that is away or says nothing is no error."""

    def __init__(self, mqtt_url: str) -> None:
        self._client = plain_client(mqtt_url)
        self._dropped = 0.0
        self._warned = False

    def __enter__(self) -> Self:
        self._client.on_message = self._heard
        self._client.on_connect = self._subscribe
        self._client.loop_start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribe(self, client: paho.Client, *_: object) -> None:
        client.subscribe([(topic, 0) for topic in (*WATCHED, REFUSED)])

    def _heard(self, client: paho.Client, userdata: object, message: paho.MQTTMessage) -> None:
        if message.topic.startswith("city/"):
            self._refused(message)
            return
        try:
            what, value = WATCHED[message.topic], float(message.payload)
        except (KeyError, ValueError):
            return  # another broker's $SYS: its words are not ours
        metrics.BROKER.labels(what).set(value)
        if what == "messages_dropped":
            if value > self._dropped:
                log.error("broker dropped messages", dropped=int(value - self._dropped))
            self._dropped = value
        if what == "heap_bytes":
            if value > HEAP_WARNING_BYTES and not self._warned:
                log.warning(
                    "broker fills up",
                    heap_bytes=int(value),
                    hint="are all units collected? see sessions list",
                )
            self._warned = value > HEAP_WARNING_BYTES

    def _refused(self, message: paho.MQTTMessage) -> None:
        try:
            told = msgspec.json.decode(message.payload, type=_Refused)
        except msgspec.MsgspecError:
            return  # a device that publishes there itself
        metrics.REFUSED.labels("topic").inc(told.refused)
        metrics.REFUSED.labels("size").inc(told.oversized)
        log.warning(
            "device refused",
            device=message.topic.removeprefix("city/").removesuffix("/refused"),
            messages=told.refused,
            oversized=told.oversized,
            topic=told.topic,
        )
