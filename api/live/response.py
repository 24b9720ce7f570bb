"""The response that carries a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import structlog
from fastapi import Response
from starlette.types import Receive, Scope, Send

from api.live.subscription import Subscription
from citybrain.store import pools

log = structlog.get_logger()

SEND_S = 20.0  # seconds in which a client takes at least something of what it is sent


class EventStream(Response):
    """Sends what comes, at once and as it is: an open stream costs two tasks and no thread."""

    media_type = "text/event-stream"

    def __init__(self, subscription: Subscription, content: AsyncIterator[bytes], leave: Callable[[], None]) -> None:
        # A proxy in between shall neither keep it nor gather it (X-Accel-Buffering is nginx's word for that).
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._subscription = subscription
        self._content = content
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the stream ends, the client goes away, or it takes nothing more."""
        watch = asyncio.create_task(self._watch(receive))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for frames in self._content:
                async with asyncio.timeout(SEND_S):
                    await send({"type": "http.response.body", "body": frames, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except pools.UNAVAILABLE as error:
            # The client comes back with what it has. The server closes the connection, for the answer is cut off.
            log.info("stream broken off", error=" ".join(str(error).split())[:200] or type(error).__name__)
        finally:
            watch.cancel()
            self._leave()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._subscription.end("gone")
