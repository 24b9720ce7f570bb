"""Watching (关注): a person's own mark on alerts, which moves nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Path, Response
from pydantic import BaseModel

from api.access.door import Viewer
from api.context import Using
from api.v1 import new_router
from api.web.changes import Changing
from api.web.problems import responses
from citybrain.access.model import Denied, Principal
from citybrain.store.connection import Connection
from citybrain.store.sql import query
from rules.alerts.case import seen

router = new_router("alerts")

AlertId = Annotated[int, Path(alias="id", ge=1, le=9_223_372_036_854_775_807, examples=[42])]


class Watch(BaseModel):
    """Whether the caller watches an alert."""

    id: int
    watched: bool


@router.put("/alerts/{id}/watch", response_model=Watch, responses=responses(404, 409))
async def watch_alert(changes: Changing, context: Using, principal: Viewer, id: AlertId) -> Response:
    """Watch an alert (关注): it is in one's own list (`watched=true`) as long as one does, even when it is closed."""
    return await changes.make("alert.watch", f"alert {id}", _work(principal, id, watched=True))


@router.delete("/alerts/{id}/watch", response_model=Watch, responses=responses(404, 409))
async def unwatch_alert(changes: Changing, context: Using, principal: Viewer, id: AlertId) -> Response:
    """Watch an alert no longer; again changes nothing."""
    return await changes.make("alert.unwatch", f"alert {id}", _work(principal, id, watched=False))


def watcher(principal: Principal) -> Principal:
    """Who watches; systems watch nothing, they have the stream.

    Raises:
        Denied: it is no person.
    """
    if principal.kind != "person":
        raise Denied(
            f"{principal.label} is a system: only people watch alerts.",
            f"{principal.label} 是系统：只有人员可以关注告警。",
        )
    return principal


def _work(principal: Principal, id: int, *, watched: bool) -> Callable[[Connection], Watch]:
    def work(connection: Connection) -> Watch:
        seen(connection, id, principal.scope)
        parameters = {"person": watcher(principal).id, "id": id}
        connection.execute(query("alerts", "watch" if watched else "unwatch"), parameters)
        return Watch(id=id, watched=watched)

    return work
