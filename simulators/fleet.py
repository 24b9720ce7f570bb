"""The connections of a city's devices: one for each gateway, and for each device that has none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

import polars as pl

from citybrain.devices.rights import Key, username
from simulators.devices.outages import Cut
from simulators.devices.roster import Roster
from simulators.gate import Gate, Message, PublishError
from simulators.publisher import Address, Publisher

TOGETHER = 50  # connections that are being made at a time: checking a password costs the broker about a millisecond
SHARED = 8  # connections of a fleet without credentials
UNACKNOWLEDGED = 4 * 1024 * 1024  # bytes of all connections together
ROUND = 256  # messages put into connections before these get the time to write them

When = Callable[[int], float]
"""At which time of `time.time` what is due (us UTC) is published."""


class Fleet:
    """Publishes what devices send, each through its own connection and with its own credentials.

        async with Fleet(address, roster, credentials) as fleet:
            await fleet.publish(messages)
            await fleet.drain()

    Attributes:
        messages: Published so far.
        readings: In them.
    """

    def __init__(self, address: Address, roster: Roster, credentials: Mapping[Key, str | None] | None) -> None:
        """A fleet; it connects when the `async with` block begins.

        Args:
            address: The broker.
            roster: The devices.
            credentials: The passwords of those that connect; one that has None is left out, with all that send through
                it. Without any, all publish without a name, through a few shared connections, where outages do not
                show.

        Raises:
            PublishError: some are not among the credentials.
        """
        self.messages = 0
        self.readings = 0
        self._countable = 0
        self._gate = Gate(UNACKNOWLEDGED)
        self._own = credentials is not None
        self._cuts: dict[int, int] = {}  # until when a connection is cut (us UTC)
        self._cutting: set[asyncio.Task[None]] = set()
        if credentials is None:
            self._names = dict.fromkeys(range(SHARED), "a device without a name")
            self._publishers = {number: Publisher(address, gate=self._gate) for number in self._names}
            return
        keys = [roster.keys[device] for device in roster.connections]
        if missing := [key for key in keys if key not in credentials]:
            raise PublishError(
                f"{len(missing)} of {len(keys)} devices that connect have no credentials, {username(missing[0])} "
                "among them."
            )
        self._names = {number: username(key) for number, key in enumerate(keys) if credentials[key] is not None}
        self._publishers = {
            number: Publisher(
                replace(address, user=name, password=credentials[keys[number]]),
                client=name,
                status=f"city/{name}/status",
                gate=self._gate,
                persists=True,
            )
            for number, name in self._names.items()
        }

    async def __aenter__(self) -> Self:
        """Connect all.

        Raises:
            PublishError: nobody answers, or the broker refuses one of them; nothing has been published then.
        """
        async with AsyncExitStack() as stack:
            gate = asyncio.Semaphore(TOGETHER)

            async def connect(number: int) -> None:
                async with gate:
                    try:
                        await stack.enter_async_context(self._publishers[number])
                    except PublishError as error:
                        raise PublishError(f"{self._names[number]}: {error}") from error

            numbers = list(self._names)
            for number in numbers[:1]:  # If nobody is there, it is said once.
                await connect(number)
            try:
                async with asyncio.TaskGroup() as connecting:
                    for number in numbers[1:]:
                        connecting.create_task(connect(number))
            except* PublishError as errors:
                raise errors.exceptions[0] from None
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Say farewell."""
        for task in self._cutting:
            task.cancel()
        await self._stack.aclose()

    @property
    def outstanding(self) -> int:
        """Messages not acknowledged yet."""
        return sum(publisher.outstanding for publisher in self._publishers.values())

    @property
    def resent(self) -> int:
        """Messages sent again after a reconnect."""
        return sum(publisher.resent for publisher in self._publishers.values())

    @property
    def dropped(self) -> int:
        """Readings of devices that the broker has shut out meanwhile, as when somebody revokes their credentials."""
        return sum(publisher.dropped for publisher in self._publishers.values())

    @property
    def countable(self) -> int:
        """How much of what was published the platform's ledger counts as received: readings, but what it can't read."""
        return self._countable - self.dropped

    @property
    def refused(self) -> int:
        """Messages on foreign topics that the broker has refused."""
        return sum(publisher.refused for publisher in self._publishers.values())

    async def publish(self, messages: pl.DataFrame, when: When | None = None) -> None:
        """Publish messages in their order.

        Args:
            messages: As `devices.wire.Wire.messages` makes them; `due` ascends.
            when: When each is due; None: as fast as the broker acknowledges.

        Raises:
            PublishError: the broker refuses a device, or a message that is on its own topic.
        """
        countable = pl.sum_horizontal("stored", "duplicates", "quarantined", "ahead")
        columns = ("due", "connection", "topic", "payload", "readings", "foreign", countable)
        if self._own:
            messages = messages.filter(pl.col("connection").is_in(list(self._publishers)))
        for number, row in enumerate(messages.select(columns).iter_rows()):
            due, connection, topic, payload, readings, foreign, counts = row
            if when:
                await self._until(when(due))
            if not self._gate.open:
                await self._gate.wait()
            elif number % ROUND == 0:
                await asyncio.sleep(0)
            publisher = self._publishers[connection if self._own else connection % SHARED]
            publisher.put(Message(topic.encode(), payload.encode(), refusable=foreign, readings=counts))
            self.messages += 1
            self.readings += readings
            self._countable += counts

    def cut(self, cuts: Iterable[Cut], when: When) -> None:
        """Cut connections off at their times, as if the network broke, and restore them."""
        for cut in cuts:
            if self._own and cut.connection in self._publishers and cut.end > self._cuts.get(cut.connection, 0):
                self._cuts[cut.connection] = cut.end
                task = asyncio.create_task(self._cut(cut, when))
                self._cutting.add(task)
                task.add_done_callback(self._cutting.discard)

    async def drain(self) -> None:
        """Wait until everything is acknowledged.

        Raises:
            PublishError: the broker refuses a device, or a message.
        """
        await asyncio.gather(*(publisher.drain() for publisher in self._publishers.values()))

    async def _cut(self, cut: Cut, when: When) -> None:
        await self._until(when(cut.start))
        self._publishers[cut.connection].cut()
        await self._until(when(cut.end))
        if self._cuts[cut.connection] == cut.end:  # else another outage has begun meanwhile
            self._publishers[cut.connection].restore()

    async def _until(self, moment: float) -> None:
        if (wait := moment - time.time()) > 0:
            await asyncio.sleep(wait)
