"""How often each route is asked, how it answers, and how long that takes: for Prometheus."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from citybrain.metrics import ANSWER_SECONDS, REQUESTS

# A label's values must be few: a client may call a method, or ask for a path, as it likes.
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
ELSEWHERE = "other"


class Measures:
    """ASGI middleware that counts requests and takes their time, to the first byte: a live stream has no last one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500
        began = time.perf_counter()
        took: float | None = None

        async def send_measured(message: Message) -> None:
            nonlocal status, took
            if message["type"] == "http.response.start":
                status = message["status"]
                took = time.perf_counter() - began
            await send(message)

        try:
            await self.app(scope, receive, send_measured)
        finally:
            # As it was declared. What has no route is the cockpit: its files, its pages, and what is nowhere.
            route = getattr(scope.get("route"), "path", "cockpit")
            method = scope["method"] if scope["method"] in METHODS else ELSEWHERE
            REQUESTS.labels(method, route, f"{status // 100}xx").inc()
            ANSWER_SECONDS.labels(route).observe(time.perf_counter() - began if took is None else took)
