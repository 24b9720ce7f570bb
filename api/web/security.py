"""Headers that keep a browser from doing what our pages never ask for."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    # Everything comes from here, nothing is inline, nobody may frame us.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Browsers ask again each time and get 304 for what is unchanged, so that an upgrade shows at once.
    "Cache-Control": "no-cache",
}


def with_tiles(address: str) -> dict[str, str]:
    """`HEADERS` that also let a page show the tiles of a map from there; a path is of our own host, as all else is."""
    url = urlsplit(address)
    if not url.netloc:
        return HEADERS
    policy = "Content-Security-Policy"
    return {**HEADERS, policy: HEADERS[policy].replace("img-src 'self'", f"img-src 'self' {url.scheme}://{url.netloc}")}


# What else there is means something for documents only, and a page loads some sixty files.
OF_FILES = {name: HEADERS[name] for name in ("X-Content-Type-Options", "Cross-Origin-Resource-Policy", "Cache-Control")}


class SecurityHeaders:
    """ASGI middleware that adds `with_tiles` to every response, and `OF_FILES` to files of the cockpit."""

    def __init__(self, app: ASGIApp, tiles: str = "") -> None:
        self.app = app
        self._headers = with_tiles(tiles)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the headers added."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                wanted = OF_FILES if scope["path"].startswith("/assets/") else self._headers
                for name, value in wanted.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)
