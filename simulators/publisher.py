"""Publishing through MQTT 5 so that nothing is lost, not even what a killed broker had acknowledged last.

A broker acknowledges before it has written to its disk, so that a kill may lose what it acknowledged in its
last tenth of a second. After each reconnect a publisher therefore sends again what was acknowledged in the
last second before the broker fell silent, then what was not acknowledged; the store removes the duplicates.

paho-mqtt looks through all outgoing messages at each acknowledgement, which is too slow for a bench on the
machine of the broker, and needs a thread a connection; this is one asyncio protocol, fit for thousands of
connections.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from citybrain.mqtt import tls_context
from citybrain.settings import settings
from simulators import packets
from simulators.gate import Gate, Message, PublishError

UNHEARD_SECONDS = 0.5  # until what nobody had subscribed to is tried again
RESEND_SECONDS = 1.0  # What was acknowledged so shortly before the broker fell silent is sent again ...
RESEND_MESSAGES = 50_000  # ... at most so many messages of it.
SETTLE_SECONDS = 0.2  # A broker that lives so long after an acknowledgement has written what it acknowledged.

DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}
KEEP_ALIVE = 30  # seconds
PATIENCE = 10.0  # seconds for the broker to greet us, or to close after our farewell
FIRST_DELAY, LONGEST_DELAY = 0.1, 5.0  # seconds before a reconnect; doubled each time
CHUNK = 64 * 1024  # bytes written at once: where asyncio, too, calls a buffer full

# Reasons for which a broker ends or refuses a connection, but may take the next one.
PASSING = {0x00, 0x80, 0x83, 0x88, 0x89, 0x8B, 0x8D, 0x97, 0x98, 0x9F}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker is: `host` and `port`, or a unix socket at `path`."""

    host: str = ""
    port: int = 0
    path: str = ""
    tls: bool = False
    user: str | None = None
    password: str | None = None

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read `mqtt://host:port`, `mqtts://user:password@host:port` or `unix:///path`.

        Raises:
            PublishError: it is none of these.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            parts, host, port = urlsplit(""), "", None
        user = unquote(parts.username) if parts.username is not None else None
        password = unquote(parts.password) if parts.password is not None else None
        if parts.scheme == "unix" and parts.path:
            return cls(path=unquote(parts.path), user=user, password=password)
        if parts.scheme in DEFAULT_PORTS and host:
            port = port or DEFAULT_PORTS[parts.scheme]
            return cls(host, port, tls=parts.scheme == "mqtts", user=user, password=password)
        raise PublishError(
            "The address of the MQTT broker can't be used: expected mqtt://host:port, "
            "mqtts://user:password@host:port or unix:///path/to/socket."
        )

    def __str__(self) -> str:
        return self.path or f"{self.host}:{self.port}"


class Publisher(asyncio.Protocol):
    """Publishes through a connection that is made again whenever it is lost.

        async with Publisher(Address.parse("mqtt://127.0.0.1:1883")) as publisher:
            await publisher.publish(b"city/150802/air/air-dongsi/reading", payload)
            await publisher.drain()

    The end of the block says farewell to the broker; it does not wait for acknowledgements.

    Attributes:
        resent: Messages sent again after a reconnect.
        reconnects: Connections made after the first one.
        refused: Refusable messages that the broker has refused.
        shut_out: The broker does not let us in any more; we try again, and forget what there was to send.
        dropped: Readings that were forgotten so; the last ones acknowledged before it are among them.
    """

    def __init__(
        self,
        address: Address,
        *,
        client: str = "",
        status: str | None = None,
        window: int = 2000,
        patience: float = 30.0,
        gate: Gate | None = None,
        persists: bool = False,
    ) -> None:
        """A publisher; it connects when the `async with` block begins.

        Args:
            address: The broker.
            client: The client id; empty: the broker chooses.
            status: The topic that says, retained, whether we are `online` or `offline`, if we are one device.
            window: Messages that may be unacknowledged at a time.
            patience: Seconds to wait for the first connection. A lost one is tried again for ever.
            gate: That it shares with other publishers, for `put`.
            persists: Whether it tries again, as devices do, when the broker no longer lets it in; else that is an
                error, as it always is before the first connection.
        """
        self.resent = 0
        self.refused = 0
        self.shut_out = False
        self.dropped = 0
        self.reconnects = -1
        self._address = address
        self._patience = patience
        self._gate = gate
        self._persists = persists
        self._window = min(window, packets.LARGEST_RECEIVE_MAXIMUM)
        self._online = Message(status.encode(), b"online", retain=True) if status else None
        will = (self._online.topic, b"offline") if self._online else None
        self._hello = packets.connect(client, KEEP_ALIVE, address.user, address.password, will)

        self._waiting: deque[Message] = deque()
        self._in_flight: dict[int, Message] = {}  # by packet identifier, in the order of sending
        self._unheard: list[Message] = []  # dropped by the broker, for nobody has subscribed to them yet
        self._recent: deque[tuple[float, Message]] = deque()  # acknowledged when (loop time, seconds)
        self._packet = 0  # the identifier given last
        self._changed = asyncio.Event()
        self._restored: asyncio.Event | None = None  # while the connection is cut on purpose
        self._failure: PublishError | None = None
        self._trouble: Exception | None = None  # why the last attempt to connect failed

        self._connected = self._paused = self._scheduled = self._closing = False
        self._room = self._window  # messages this broker lets us have in flight
        self._largest = packets.LARGEST_PACKET  # bytes this broker takes in a packet
        self._heard = 0.0  # loop time, seconds

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            PublishError: nobody answers, or the broker refuses us.
        """
        self._runner = asyncio.create_task(self._run())
        try:
            async with asyncio.timeout(self._patience):
                await self._until(lambda: self._connected)
        except BaseException as error:
            await self._close()
            if isinstance(error, TimeoutError):
                raise PublishError(
                    f"No MQTT broker answers at {self._address} ({self._trouble or 'no answer'}). "
                    "Start it, or set CITYBRAIN_MQTT_URL to one that runs."
                ) from error
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say farewell."""
        await self._close()

    @property
    def outstanding(self) -> int:
        """Messages not acknowledged yet, those to be sent again included."""
        return len(self._waiting) + len(self._in_flight) + len(self._unheard)

    @property
    def unheard(self) -> int:
        """Messages kept because nobody has subscribed to them yet; they are tried again until somebody has."""
        return len(self._unheard)

    async def publish(self, topic: bytes, payload: bytes) -> None:
        """Send one message as soon as the window has room.

        Raises:
            PublishError: the broker refuses us, or a message.
        """
        if self._failure or self.outstanding >= self._window:
            await self._until(lambda: self.outstanding < self._window)
        self.put(Message(topic, payload))

    def put(self, message: Message) -> None:
        """Send a message when there is room, without waiting for it."""
        if self.shut_out:
            self.dropped += message.readings
            return
        if self._gate:
            self._gate.enter(message)
        self._waiting.append(message)
        if not self._scheduled:  # All that is published in this round of the loop leaves in one write.
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._send)

    def cut(self) -> None:
        """Vanish as if the network broke, so that the broker publishes our last will, until `restore`."""
        if not self._restored:
            self._restored = asyncio.Event()
        if self._connected:
            self._transport.abort()

    def restore(self) -> None:
        """Connect again."""
        if self._restored:
            self._restored.set()
            self._restored = None

    async def drain(self) -> None:
        """Wait until everything is acknowledged, and the broker has outlived its acknowledgements a little.

        Raises:
            PublishError: the broker refuses us, or a message.
        """
        await self._until(lambda: not self.outstanding)
        while self.outstanding or (self._recent and self._heard < self._recent[-1][0] + SETTLE_SECONDS):
            await asyncio.sleep(SETTLE_SECONDS)
            if self._connected:
                self._transport.write(packets.PING)
            await self._until(lambda: not self.outstanding)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while self._failure or not condition():
            if self._failure:
                raise self._failure
            self._changed.clear()
            await self._changed.wait()

    async def _run(self) -> None:
        delay = FIRST_DELAY
        while not self._failure:
            try:
                if self._restored:
                    await self._restored.wait()
                await self._session()
            except OSError as error:
                self._trouble = error
            except (PublishError, packets.PacketError) as error:
                if self._persists and self.reconnects >= 0 and not self._failure:
                    self._forget(error)
                else:
                    self._fail(str(error))
            delay = min(2 * delay, LONGEST_DELAY) if self._trouble else FIRST_DELAY
            # The random part keeps thousands of devices from coming back at the same instant.
            await asyncio.sleep(delay * random.uniform(0.5, 1))  # noqa: S311

    async def _session(self) -> None:
        """One connection, from its greeting to its loss.

        Raises:
            OSError: it was not made.
            PublishError: the broker refuses us, and would again.
        """
        loop = asyncio.get_running_loop()
        self._reader = packets.Reader()
        self._greeting: asyncio.Future[packets.Greeting] = loop.create_future()
        self._lost: asyncio.Future[None] = loop.create_future()
        at = self._address
        transport: asyncio.Transport
        async with asyncio.timeout(PATIENCE):
            if at.path:
                transport, _ = await loop.create_unix_connection(lambda: self, at.path)
            else:
                tls = _tls(settings().mqtt_ca) if at.tls else None
                transport, _ = await loop.create_connection(lambda: self, at.host, at.port, ssl=tls)
        try:
            transport.write(self._hello)
            first = asyncio.FIRST_COMPLETED
            await asyncio.wait((self._greeting, self._lost), timeout=PATIENCE, return_when=first)
            if not self._greeting.done():
                raise ConnectionError("it does not greet as an MQTT 5 broker does")
            greeting = self._greeting.result()
            if greeting.reason >= packets.FAILURE:
                why = _refusal("refuses the connection", greeting.reason)
                raise ConnectionError(why) if greeting.reason in PASSING else PublishError(why)
            self._begin(transport, greeting)
            await self._keep_alive(transport, min(KEEP_ALIVE, greeting.keep_alive or KEEP_ALIVE))
        finally:
            transport.abort()
            await self._lost

    def _begin(self, transport: asyncio.Transport, greeting: packets.Greeting) -> None:
        self._transport = transport
        self._room = min(self._window, greeting.receive_maximum)
        self._largest = greeting.packet_maximum
        self._connected, self._trouble, self.shut_out = True, None, False
        self.reconnects += 1
        if self._online:
            transport.write(self._frame(self._online))
        self._send()
        self._changed.set()

    async def _keep_alive(self, transport: asyncio.Transport, seconds: float) -> None:
        """Ask for a sign of life now and then; return when the connection is lost, or silent for too long."""
        loop = asyncio.get_running_loop()
        while True:
            lost, _ = await asyncio.wait((self._lost,), timeout=seconds / 2)
            if lost or loop.time() - self._heard > 1.5 * seconds:
                return
            transport.write(packets.PING)

    async def _close(self) -> None:
        self._closing = True
        if self._connected:
            self._transport.write(packets.DISCONNECT_WITH_WILL if self._online else packets.DISCONNECT)
            self._transport.close()
            await asyncio.wait((self._lost,), timeout=PATIENCE)
        self._runner.cancel()
        await asyncio.wait((self._runner,))

    def _send(self) -> None:
        """Write what waits, as far as there is room."""
        self._scheduled = False
        if self._unheard:
            return  # what comes after would be dropped, too
        while self._waiting and self._connected and not self._paused and len(self._in_flight) < self._room:
            frames, size = [], 0
            while self._waiting and size < CHUNK and len(self._in_flight) < self._room:
                frames.append(self._frame(self._waiting.popleft()))
                size += len(frames[-1])
            self._transport.write(b"".join(frames))

    def _frame(self, message: Message) -> bytes:
        """The packet of a message, which is now in flight."""
        while True:
            self._packet = self._packet % packets.LARGEST_RECEIVE_MAXIMUM + 1
            if self._packet not in self._in_flight:
                break
        self._in_flight[self._packet] = message
        frame = packets.publish(message.topic, message.payload, self._packet, retain=message.retain)
        if len(frame) > self._largest:
            self._fail(
                f"A message on {message.topic.decode()} has {len(frame)} bytes, but the broker takes "
                f"{self._largest} at most. Put fewer readings in a message."
            )
        return frame

    def _fail(self, why: str) -> None:
        self._failure = PublishError(why)
        self._changed.set()
        if self._gate:
            self._gate.fail(self._failure)

    def data_received(self, data: bytes) -> None:
        """What the transport calls with what came."""
        now = self._heard = asyncio.get_running_loop().time()
        try:
            for kind, body in self._reader.feed(data):
                if kind == packets.PUBACK:
                    self._acknowledge(now, *packets.puback(body))
                elif kind == packets.CONNACK and not self._greeting.done():
                    self._greeting.set_result(packets.greeting(body))
                elif kind == packets.DISCONNECTED and (why := packets.disconnected(body)) not in PASSING:
                    self._fail(_refusal("ends the connection", why))
        except packets.PacketError as error:
            self._fail(str(error))
        recent = self._recent
        while recent and (recent[0][0] < now - RESEND_SECONDS or len(recent) > RESEND_MESSAGES):
            recent.popleft()
        self._send()
        self._changed.set()

    def _acknowledge(self, now: float, packet: int, reason: int) -> None:
        message = self._in_flight.pop(packet, None)
        if message is None or message is self._online:
            return
        if reason >= packets.FAILURE and not message.refusable:
            self._fail(_refusal(f"refuses a message on {message.topic.decode()}", reason))
        if reason != packets.NO_SUBSCRIBERS:
            if reason >= packets.FAILURE:
                self.refused += 1
            else:
                self._recent.append((now, message))
            if self._gate:
                self._gate.leave(message)
            return
        if not self._unheard:
            asyncio.get_running_loop().call_later(UNHEARD_SECONDS, self._try_unheard)
        self._unheard.append(message)

    def _try_unheard(self) -> None:
        self._waiting.extendleft(reversed(self._unheard))
        self._unheard.clear()
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        """What the transport calls at the end of the connection."""
        self._connected = self._paused = False
        if not self._closing:
            self._requeue()
        if not self._lost.done():
            self._lost.set_result(None)

    def _requeue(self) -> None:
        """What the broker may have lost, and what it did not acknowledge, will be sent first, as it was once."""
        again = [message for _, message in self._recent]
        if self._gate:
            for message in again:
                self._gate.enter(message)
        again += [message for message in self._in_flight.values() if message is not self._online]
        self._recent.clear()
        self._in_flight.clear()
        self._waiting.extendleft(reversed(again))
        self.resent += len(again)

    def _forget(self, error: Exception) -> None:
        """The broker has shut us out."""
        self.shut_out, self._trouble = True, error
        self.dropped += sum(message.readings for message in self._waiting)
        if self._gate:
            for message in self._waiting:
                self._gate.leave(message)
        self._waiting.clear()
        self._changed.set()

    def pause_writing(self) -> None:
        """What the transport calls when its buffer is full."""
        self._paused = True

    def resume_writing(self) -> None:
        """What the transport calls when its buffer has room again."""
        self._paused = False
        self._send()


@cache
def _tls(authority: Path | None) -> ssl.SSLContext:
    """One context for all connections: reading the authorities takes longer than a handshake."""
    return tls_context()


def _refusal(what: str, reason: int) -> str:
    return f"The broker {what}: {packets.REASONS.get(reason, 'reason')} ({reason:#x})."
