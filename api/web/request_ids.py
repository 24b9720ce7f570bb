"""Each request has an id, which answers and log lines carry, and one line in the log."""

from __future__ import annotations

import re
import time
import uuid

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()

HEADER = "X-Request-ID"
_GIVEN = re.compile(r"[\w.-]{1,64}", re.ASCII)  # what may be taken over from a proxy into logs and headers


class RequestIds:
    """ASGI middleware that names requests, and logs how each was answered."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with an id in the scope's state, in the log's context and in the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        number = given if _GIVEN.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = number
        status = 500
        began = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = number
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=number):
            try:
                await self.app(scope, receive, send_with_id)
            finally:
                took_ms = round((time.perf_counter() - began) * 1000, 1)
                route = getattr(scope.get("route"), "path", None)
                level = log.debug if scope["path"].startswith("/health/") or route is None else log.info
                # The path as it was declared: what stands in it may be private, or very long.
                level(
                    "answered",
                    method=scope["method"],
                    route=route,
                    status=status,
                    took_ms=took_ms,
                    actor=scope["state"].get("actor"),
                )
