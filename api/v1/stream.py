"""The live stream: alerts, newest values and health as they come, as server-sent events."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import Header, Query, Request, Response

from api.access.door import Viewer
from api.context import Using
from api.live import feed
from api.live.response import EventStream
from api.live.selection import Audience, Kind, Selection
from api.live.streams import Streams
from api.v1 import new_router

router = new_router("stream")

NEWEST = 9_223_372_036_854_775_807  # a number of an event is a bigint

Names = Annotated[list[Annotated[str, Query(max_length=128, pattern=r"^[^\x00]*$")]], Query(max_length=50)]
Position = Annotated[
    int | None, Query(ge=0, le=NEWEST, description="As `Last-Event-ID`, for clients that can't set it.")
]

EXAMPLE = """\
retry: 2731

id: 4711
event: hello
data: {"now":"2026-11-22T08:00:00Z","position":4711}

id: 4712
event: alert
data: {"id":4712,"kind":"raised","at":"2026-11-22T08:00:01Z","event_time":"2026-11-22T08:00:00Z","past":false,\
"severity":2,"handling":null,"actor":null,"note":null,"alert":{"id":99,"rule":"water.end_pressure", ...}}
"""
EVENT = {  # as OpenAPI 3.2 describes each item of a stream
    "type": "object",
    "properties": {
        "event": {"enum": ["hello", "alert", "latest", "health", "presence", "reset", "end"]},
        "data": {"type": "string", "contentMediaType": "application/json"},
        "id": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "required": ["event", "data"],
}
EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events without end.",
        "content": {"text/event-stream": {"itemSchema": EVENT, "example": EXAMPLE}},
    }
}


@router.get("/stream", status_code=200, response_class=Response, responses=EVENTS)
async def live_stream(
    request: Request,
    context: Using,
    principal: Viewer,
    kinds: Annotated[
        str,
        Query(
            pattern=r"^(alert|latest|health|presence)(,(alert|latest|health|presence)){0,3}$",
            description="`alert`, `latest`, `health` and `presence`, with commas in between.",
            examples=["alert,latest"],
        ),
    ] = "alert,health",
    region: Annotated[Names, Query(description="Regions, with all below them.", examples=[["150802"]])] = [],  # noqa: B006
    domain: Annotated[Names, Query(examples=[["water"]])] = [],  # noqa: B006
    metric: Annotated[Names, Query(examples=[["pressure"]])] = [],  # noqa: B006
    site: Annotated[Names, Query(description="Sites by id.")] = [],  # noqa: B006
    last_event_id: Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=NEWEST)] = None,
    position: Annotated[Position, Query(alias="last_event_id")] = None,
) -> Response:
    """What happens, as it happens, within what the caller may see: server-sent events.

    `alert`: an event of an alert, with the alert as it stands now; its id is that of the event. `latest`: values that
    changed, together, at most once a second; at first all that stand. `health`: as `/health/ready`, on change and every
    15 seconds. `presence`: who looks at an alert, when that changes, and at first where somebody does. `hello` comes
    first, `end` says why it ends. A client that comes back with `Last-Event-ID` gets each event of an alert that it
    missed, once; where these are too many, `reset` says to load the list anew.
    """
    streams: Streams = request.app.state.streams
    regions = None
    if region:
        async with context.readers.connection() as reader:
            regions = await feed.regions_below(reader, region)
    wanted: list[Kind] = kinds.split(",")  # type: ignore[assignment]  # the pattern allows nothing else
    selection = Selection(frozenset(wanted), regions, _some(domain), _some(metric), _some(site))
    since = position if last_event_id is None else last_event_id
    secret = request.scope["state"]["secret"]
    subscription = await streams.join(principal, secret, Audience(selection, principal.scope), since)
    return EventStream(subscription, streams.send(subscription, since), partial(streams.leave, subscription))


def _some(names: list[str]) -> frozenset[str] | None:
    """Empty: all of them."""
    return frozenset(names) or None
