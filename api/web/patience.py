"""Bodies come in time, or not at all: whoever sends one byte a minute shall not hold memory and a connection."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_S = 20.0  # seconds for a whole body


class Patience:
    """ASGI middleware that waits so long for a body; whoever reads it then gets a TimeoutError."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        deadline = asyncio.get_running_loop().time() + BODY_S
        whole = False

        async def receive_in_time() -> Message:
            nonlocal whole
            if whole:  # what is awaited now is that the client goes away
                return await receive()
            async with asyncio.timeout_at(deadline):
                message = await receive()
            whole = not message.get("more_body", False)
            return message

        await self.app(scope, receive_in_time, send)
