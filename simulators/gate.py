"""What publishers share: messages, the error that ends publishing, and how much may be unacknowledged together."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from citybrain.errors import Correctable


class PublishError(Correctable):
    """Publishing can't go on; the text says why and what to do."""


class Message(NamedTuple):
    """What is published, always with QoS 1."""

    topic: bytes
    payload: bytes
    retain: bool = False
    refusable: bool = False  # The broker may refuse it: that is counted, and no error.
    readings: int = 1  # that the platform's ledger will count


class Gate:
    """Bounds what several publishers have unacknowledged together, and hears of the first that fails."""

    OVERHEAD = 512  # bytes that a message takes in memory besides its payload

    def __init__(self, limit: int) -> None:
        """Room for so many bytes."""
        self._limit = limit
        self._inside = 0
        self._failure: PublishError | None = None
        self._changed = asyncio.Event()

    @property
    def open(self) -> bool:
        """Whether one more may enter at once."""
        return self._inside < self._limit and not self._failure

    async def wait(self) -> None:
        """Wait until it is open.

        Raises:
            PublishError: a publisher has failed.
        """
        while not self.open:
            if self._failure:
                raise self._failure
            self._changed.clear()
            await self._changed.wait()

    def enter(self, message: Message) -> None:
        """A message that will have to be acknowledged."""
        self._inside += len(message.payload) + self.OVERHEAD

    def leave(self, message: Message) -> None:
        """A message that is."""
        self._inside -= len(message.payload) + self.OVERHEAD
        self._changed.set()

    def fail(self, failure: PublishError) -> None:
        """A publisher can't go on."""
        self._failure = self._failure or failure
        self._changed.set()
