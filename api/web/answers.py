"""Answers that a client may have already, and answers made fast."""

from __future__ import annotations

import hashlib
from typing import Any

from fastapi import Request, Response

NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "What the client has is still so (`If-None-Match`)."}
}
"""What the OpenAPI document says of an endpoint whose answers are tagged."""


def tagged(request: Request, content: bytes, media_type: str = "application/json", tag: str | None = None) -> Response:
    """`content` with a tag of it (RFC 9110, 8.8.3), or 304 for a client that has that already."""
    tag = tag or f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    headers = {"ETag": tag, "Vary": "Accept, Authorization, Cookie"}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)
