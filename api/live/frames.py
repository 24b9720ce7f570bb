"""Server-sent events as bytes (WHATWG HTML, 9.2). Pure."""

from __future__ import annotations


def event(kind: str, data: bytes, id: int | None = None) -> bytes:
    """One event; `data` is JSON on one line. With `id`, a client that comes back says it in `Last-Event-ID`."""
    position = b"" if id is None else b"id: %d\n" % id
    return b"%sevent: %s\ndata: %s\n\n" % (position, kind.encode(), data)


def position(id: int) -> bytes:
    """Moves the client's `Last-Event-ID` on and keeps the connection alive; pages hear nothing of it."""
    return b": alive\nid: %d\n\n" % id


def retry(milliseconds: int) -> bytes:
    """How long the client shall wait before it comes back."""
    return b"retry: %d\n\n" % milliseconds
