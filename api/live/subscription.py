"""One open stream: what it is still to be sent, within bounds."""

from __future__ import annotations

import asyncio
from typing import Literal

from api.live.selection import Audience
from citybrain.access.model import Principal

End = Literal["restart", "access", "slow", "gone"]
"""Why a stream ends: the server stops; the caller may listen no longer; it reads too slowly; it went away."""

PENDING_BYTES = 512 * 1024  # of events that wait for a slow client: some hundred alerts, half a minute of them
LATEST_BYTES = 256 * 1024  # of newest values that wait, likewise


class Subscription:
    """What one client is told. All of it happens in one event loop, so that nothing needs a lock."""

    def __init__(self, principal: Principal, secret: str, audience: Audience, position: int) -> None:
        self.principal = principal
        self.secret = secret
        self.audience = audience
        self.position = position  # every event above it is put here, or is still to come
        self.ended: End | None = None
        self.behind = False  # all values that stand are to be sent, for it was not told of every change
        self._events: list[bytes] = []
        self._events_bytes = 0
        self._latest: list[bytes] = []
        self._latest_bytes = 0
        self._wake = asyncio.Event()

    def belongs_to(self, principal: Principal) -> bool:
        """Whether it is a stream of that person or token."""
        return (self.principal.kind, self.principal.id) == (principal.kind, principal.id)

    def put(self, frames: bytes) -> None:
        """Send these soon. Where too much waits already the stream ends, and the client asks for the rest."""
        if self.ended:
            return
        self._events.append(frames)
        self._events_bytes += len(frames)
        if self._events_bytes > PENDING_BYTES:
            self.end("slow")
        self._wake.set()

    def put_latest(self, frames: bytes) -> None:
        """Send these values soon; where too many wait already, those that stand when there is room again."""
        if self.ended:
            return
        self._latest.append(frames)
        self._latest_bytes += len(frames)
        if self._latest_bytes > LATEST_BYTES:
            self.fall_behind()
        self._wake.set()

    def fall_behind(self) -> None:
        """Let go the values that wait, and send all that stand instead."""
        self._latest.clear()
        self._latest_bytes = 0
        self.behind = True
        self._wake.set()

    def end(self, reason: End) -> None:
        """Send nothing more; the first reason counts."""
        self.ended = self.ended or reason
        self._wake.set()

    async def wait(self) -> None:
        """Until there is something to send, or it ends."""
        await self._wake.wait()

    def take(self) -> bytes:
        """What is to be sent now."""
        self._wake.clear()
        frames = b"".join([*self._events, *self._latest])
        self._events.clear()
        self._latest.clear()
        self._events_bytes = self._latest_bytes = 0
        return frames
