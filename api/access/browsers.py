"""A person's session in a browser: begun here, kept there as a cookie."""

from __future__ import annotations

from datetime import timedelta

from fastapi import Request, Response

from api.access.door import COOKIE, address
from api.context import Context
from citybrain.access import audit, sessions
from citybrain.access.sessions import Client
from citybrain.store.connection import Connection


def begin(connection: Connection, person_id: int, name: str, action: str, request: Request, context: Context) -> str:
    """Begin a new session, in the place of the one that the browser may have had; its secret."""
    now = context.clock()
    if before := request.cookies.get(COOKIE):
        sessions.end(connection, before)
    audit.add(connection, entry(request, name, action, f"person {name}"), now)
    client = Client(address(request), request.headers.get("user-agent", ""))
    return sessions.begin(connection, person_id, client, now, timedelta(hours=context.settings.session_hours))


def keep(response: Response, request: Request, secret: str, context: Context) -> None:
    """Have the browser keep a session: out of reach of scripts, and not sent with what other sites post."""
    response.set_cookie(
        COOKIE,
        secret,
        max_age=context.settings.session_hours * 3600,
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )


def forget(response: Response, request: Request) -> None:
    """Have the browser forget its session."""
    response.delete_cookie(COOKIE, httponly=True, samesite="lax", secure=is_secure(request))


def is_secure(request: Request) -> bool:
    """Whether the browser speaks TLS, with us or with the proxy before us that we trust."""
    return request.url.scheme == "https"


def entry(request: Request, actor: str, action: str, target: str) -> audit.Entry:
    """What the audit keeps of somebody who comes or may not come in."""
    return audit.Entry(actor, action, target, {}, address(request), request.scope["state"]["request_id"])
