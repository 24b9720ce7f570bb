"""The collector's MQTT session: persistent, bounded, acknowledged by hand."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from citybrain import metrics
from citybrain.mqtt import KEEPALIVE_S, Address, connected_client
from ingest.batch import Message

log = structlog.get_logger()

NEVER_EXPIRES = 0xFFFF_FFFF  # MQTT 5, 3.1.2.11.2: the session stays until it is deleted
READ_BYTES = 256 * 1024  # read from the socket at once
RETAINED_IF_NEW = 1  # MQTT 5, 3.8.3.1: retained messages only when the subscription is new
MESSAGE_BYTES = 300  # what a message takes in memory beside topic and payload
BARRIER_TOPIC = "citybrain/barrier"  # nobody subscribes to it; unsubscribing from it is answered all the same


def delete(url: str, session_id: str) -> None:
    """Have the broker forget a session, with all that waits in it."""
    client = connected_client(url, session_id)
    client.disconnect()
    client.loop_stop()


class BufferedSocket:
    """A socket that reads ahead and gathers writes: paho asks for one byte, then another, then the rest."""

    def __init__(self, plain: socket.socket) -> None:
        self._socket = plain
        self._ahead = b""
        self._position = 0
        self._out = bytearray()

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes; raises BlockingIOError where a socket would."""
        if self._position == len(self._ahead):
            self._ahead = self._socket.recv(READ_BYTES)
            self._position = 0
        part = self._ahead[self._position : self._position + size]
        self._position += len(part)
        return part

    def send(self, data: bytes) -> int:
        """Take all of `data`; it leaves with the next flush."""
        self._out += data
        return len(data)

    def flush(self) -> None:
        """Send what the socket takes now."""
        while self._out:
            try:
                sent = self._socket.send(self._out)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            del self._out[:sent]

    @property
    def read_ahead(self) -> int:
        """Bytes read and not asked for yet."""
        inside = self._socket.pending() if isinstance(self._socket, ssl.SSLSocket) else 0
        return len(self._ahead) - self._position + inside

    @property
    def unsent(self) -> int:
        """Bytes that wait for a flush."""
        return len(self._out)

    def pending(self) -> int:
        """As of an SSL socket."""
        return self.read_ahead

    def do_handshake(self) -> None:
        """TLS shakes hands; anything else need not."""
        if isinstance(self._socket, ssl.SSLSocket):
            self._socket.do_handshake()

    def close(self) -> None:
        """Send what can be sent, and close."""
        with contextlib.suppress(OSError):  # the other end is gone; so is what was meant for it
            self.flush()
        self._socket.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


class _Wrapping:
    """Gives paho a BufferedSocket where it expects a TLS context to wrap its socket."""

    check_hostname = True  # done by the real context, where there is one

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls

    def wrap_socket(self, plain: socket.socket, server_hostname: str, do_handshake_on_connect: bool) -> BufferedSocket:
        if self._tls is not None:
            plain = self._tls.wrap_socket(
                plain, server_hostname=server_hostname, do_handshake_on_connect=do_handshake_on_connect
            )
        return BufferedSocket(plain)


def plain_publish(command: int, body: bytes | bytearray) -> tuple[str, bytes, int, bool] | None:
    """Topic, payload, packet id and retain flag of a PUBLISH of QoS 1 without properties (MQTT 5, 3.3).

    Args:
        command: the first byte of the packet.
        body: what follows its length.

    Returns:
        None for any other packet, and for one that is not as it should be.
    """
    if command & 0b0110 != 0b0010:
        return None
    try:
        end = 2 + (body[0] << 8 | body[1])
        if body[end + 2]:
            return None
        topic = body[2:end].decode()
    except (IndexError, UnicodeDecodeError):
        return None
    return topic, bytes(body[end + 3 :]), body[end] << 8 | body[end + 1], bool(command & 1)


class _Client(paho.Client):
    """A client that hands over plain messages without paho's objects for a message and its properties.

    They are half of what a message costs. This leans on two private names of paho 2.2: what is not just as expected
    goes paho's own way, and a test shows that both ways give the same.
    """

    on_plain: Callable[[str, bytes, int, bool], None] | None = None

    def _handle_publish(self) -> MQTTErrorCode:
        try:
            plain = plain_publish(self._in_packet["command"], self._in_packet["packet"])
        except (AttributeError, KeyError, TypeError):
            plain = None
        if plain is None or self.on_plain is None:
            return super()._handle_publish()
        self.on_plain(*plain)
        return MQTTErrorCode.MQTT_ERR_SUCCESS


class Session:
    """One MQTT session, driven by its owner's loop: select on `socket`, then `read`, `write`, `keep_alive`.

    `inbox` holds what was received, in order; `generation` counts connections, so that an acknowledgement is never
    given to a message of a later one.
    """

    def __init__(self, url: str, session_id: str, filters: Iterable[str], receive_maximum: int) -> None:
        self.session_id = session_id
        self.filters = list(filters)
        self.inbox: list[Message] = []
        self.inbox_bytes = 0
        self.generation = 0
        self.connected = False  # and subscribed
        self.seen_before = False  # whether the broker should know the session
        self._barriers: dict[int, Callable[[], None]] = {}
        self._last_received_us = 0
        self._address = Address.of(url)
        self._properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        self._properties.SessionExpiryInterval = NEVER_EXPIRES
        self._properties.ReceiveMaximum = receive_maximum
        self._client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=session_id,
            protocol=paho.MQTTv5,
            transport=self._address.transport,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        self._address.identify(self._client, _Wrapping(self._address.tls))
        self._client.on_message = self._received
        self._client.on_plain = self._take_in
        self._client.on_connect = self._answered
        self._client.on_disconnect = self._gone
        self._client.on_subscribe = self._subscribed
        self._client.on_unsubscribe = self._barrier_passed
        # Registering a writer keeps paho from writing in the middle of a read: `write` does it.
        self._client.on_socket_register_write = lambda *_: None

    def connect(self) -> None:
        """Connect, keeping the session.

        Raises:
            OSError: the broker can't be reached.
        """
        self._client.connect(
            self._address.host,
            self._address.port,
            KEEPALIVE_S,
            clean_start=False,
            properties=self._properties,
        )
        self._client.socket().setblocking(False)  # type: ignore[union-attr]

    @property
    def socket(self) -> BufferedSocket | None:
        """The socket to select on; None while there is no connection."""
        return self._client.socket()  # type: ignore[return-value]

    @property
    def wants_write(self) -> bool:
        """Whether something waits to be sent."""
        connection = self.socket
        return self._client.want_write() or (connection is not None and connection.unsent > 0)

    def read(self, byte_limit: int) -> None:
        """Take everything that has come, until the inbox holds `byte_limit` bytes."""
        connection = self.socket
        while connection is not None and self.inbox_bytes < byte_limit:
            if self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS or not connection.read_ahead:
                return

    def write(self) -> None:
        """Send what waits to be sent."""
        connection = self.socket
        if connection is None:
            return
        self._client.loop_write()
        try:
            connection.flush()
        except OSError:
            self._client.loop_misc()  # paho finds the connection dead when it next reads

    def keep_alive(self) -> None:
        """Ping when it is time, and notice a dead connection; call it every second or so."""
        self._client.loop_misc()

    def take(self, messages: int, size: int) -> list[Message]:
        """The oldest messages, out of the inbox: so many, or with fewer so many bytes; at least one."""
        taken: list[Message] = []
        taken_bytes = 0
        for message in islice(self.inbox, messages):
            if taken and taken_bytes >= size:
                break
            taken.append(message)
            taken_bytes += _size(message)
        del self.inbox[: len(taken)]
        self.inbox_bytes -= taken_bytes
        return taken

    def acknowledge(self, generation: int, messages: Iterable[Message]) -> bool:
        """Acknowledge `messages` once, in order, if the connection that brought them is still there; was it?"""
        if generation != self.generation:
            return False  # the broker sends them again, and the store knows them
        acknowledge = self._client.ack
        for message in messages:
            if message.packet_id:
                acknowledge(message.packet_id, 1)
        return True

    def barrier(self, passed: Callable[[], None]) -> None:
        """Call `passed` once the broker has read everything sent so far; never if the connection is lost before."""
        _, packet_id = self._client.unsubscribe(BARRIER_TOPIC)
        if packet_id is not None:
            self._barriers[packet_id] = passed

    def close(self) -> None:
        """Disconnect in order; the session stays at the broker."""
        if self.socket is not None:
            self.connected = False
            self._client.disconnect()
            self.write()
        self._forget()

    def drop(self) -> None:
        """Cut the connection as it is; everything unacknowledged comes again."""
        connection = self.socket
        if connection is not None:
            connection.close()
            self._client.loop_misc()
        self._forget()

    # The callbacks only take note: an exception in one would repeat the packet for ever.

    def _received(self, client: paho.Client, userdata: object, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "(a topic that is not UTF-8)"
        self._take_in(topic, bytes(message.payload), message.mid if message.qos else 0, message.retain)

    def _take_in(self, topic: str, payload: bytes, packet_id: int, retained: bool) -> None:
        # Different for every message, so that two without a time never share one.
        now_us = max(time.time_ns() // 1000, self._last_received_us + 1)
        self._last_received_us = now_us
        received = Message(topic, payload, now_us, packet_id, retained)
        self.inbox.append(received)
        self.inbox_bytes += _size(received)

    def _answered(
        self,
        client: paho.Client,
        userdata: object,
        flags: paho.ConnectFlags,
        reason: ReasonCode,
        properties: object,
    ) -> None:
        if reason.is_failure:
            # The session's id is a secret: whoever knows it can empty the queue.
            log.error("broker refused", filters=self.filters, reason=str(reason))
            return
        metrics.CONNECTIONS.inc()
        if flags.session_present:  # with its subscriptions; the answer to ours comes behind all that is queued
            self._listening()
        if not flags.session_present and self.seen_before:
            metrics.LOST_SESSIONS.inc()
            log.error("session lost", hint="what was published while the collector was away is gone")
        self.seen_before = True
        options = SubscribeOptions(qos=1, retainHandling=RETAINED_IF_NEW)
        self._client.subscribe([(topic_filter, options) for topic_filter in self.filters])
        log.info("connected", filters=self.filters, session_present=flags.session_present)

    def _subscribed(
        self, client: paho.Client, userdata: object, packet_id: int, reasons: list[ReasonCode], properties: object
    ) -> None:
        for topic_filter, reason in zip(self.filters, reasons, strict=False):
            if reason.is_failure:
                log.error("subscription refused", filter=topic_filter, reason=str(reason))
                return
        self._listening()

    def _listening(self) -> None:
        self.connected = True
        metrics.CONNECTED.set(1)

    def _gone(
        self, client: paho.Client, userdata: object, flags: object, reason: ReasonCode, properties: object
    ) -> None:
        if self.connected:
            log.warning("disconnected", reason=str(reason))
        self._forget()

    def _forget(self) -> None:
        self.generation += 1
        self.connected = False
        metrics.CONNECTED.set(0)
        self.inbox.clear()
        self.inbox_bytes = 0
        self._barriers.clear()

    def _barrier_passed(self, client: paho.Client, userdata: object, packet_id: int, *_: object) -> None:
        passed = self._barriers.pop(packet_id, None)
        if passed is not None:
            passed()


def _size(message: Message) -> int:
    return MESSAGE_BYTES + len(message.topic) + len(message.payload)
