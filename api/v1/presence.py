"""Who looks at an alert, so that two operators know of each other before they act."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request
from pydantic import BaseModel, Field

from api.access.door import Operator, Viewer
from api.context import Using
from api.live.presence import Onlooker, attend, onlooker
from api.live.streams import Streams
from api.v1 import new_router
from api.web.problems import Refusal, responses
from citybrain.store import alerts as store

router = new_router("alerts")

AlertId = Annotated[int, Path(alias="id", ge=1, le=9_223_372_036_854_775_807, examples=[42])]


class Looking(BaseModel):
    """Somebody who looks at an alert."""

    name: str = Field(examples=["li.xm"])
    title: str = Field(description="What others call them.", examples=["李雪梅"])


class Present(BaseModel):
    """Who looks at an alert."""

    people: list[Looking]


@router.put("/alerts/{id}/presence", responses=responses(404))
async def look_at_alert(request: Request, context: Using, principal: Operator, id: AlertId) -> Present:
    """Say that one looks at an alert, every 15 seconds while its page is open; 40 seconds after the last one is gone.

    It is told by the stream, kept nowhere, and no change: neither the audit nor an idempotency key knows of it.
    """
    me = onlooker(principal)
    async with context.doors.connection() as connection:  # readers may not notify
        if not await attend(connection, principal.scope, id, me):
            raise _missing(id)
    return _present({me, *_streams(request).presence.of(id)})


@router.get("/alerts/{id}/presence", responses=responses(404))
async def list_onlookers(request: Request, context: Using, principal: Viewer, id: AlertId) -> Present:
    """Who looks at an alert, by name."""
    async with context.readers.connection() as reader:
        if not await store.exists(reader, principal.scope, id):
            raise _missing(id)
    return _present(set(_streams(request).presence.of(id)))


def _streams(request: Request) -> Streams:
    streams: Streams = request.app.state.streams
    return streams


def _present(people: set[Onlooker]) -> Present:
    return Present(people=[Looking(name=one.name, title=one.title) for one in sorted(people)])


def _missing(id: int) -> Refusal:
    return Refusal(404, f"There is no alert {id}.", f"没有编号为 {id} 的告警。")
