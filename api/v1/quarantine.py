"""What could not be understood: what waits, entries with their bytes, and replay."""

from __future__ import annotations

import base64
from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import Query, Response
from msgspec import Meta
from pydantic import BaseModel, Field

from api.access.door import Administrator, Engineer
from api.context import Using
from api.v1 import new_router
from api.web.bodies import Body
from api.web.changes import Changing
from api.web.filters import Moment
from api.web.pages import Cursor, Page, decode, encode
from api.web.problems import Refusal, responses
from citybrain.store import quarantine
from citybrain.store.connection import Connection, awake
from citybrain.store.quarantine import Shown
from deploy.local import addresses
from ingest.quarantine import replay

router = new_router("quarantine")

SHOWN_BYTES = 4096  # of a payload; a message may have 2 MiB
MOST_REPLAYED = 1000  # entries of one request

_Number = Annotated[int, Meta(ge=0, le=9_223_372_036_854_775_807)]


class QuarantineReason(BaseModel):
    """How much waits for one reason."""

    reason: str = Field(examples=["bad_json"])
    entries: int
    first: datetime
    last: datetime
    example: str = Field(description="What one of them says is wrong.")


class QuarantineSummary(BaseModel):
    """What waits, most first."""

    reasons: list[QuarantineReason]


class QuarantineEntry(BaseModel):
    """One reading, or one whole message, that could not be understood."""

    id: int
    received: datetime
    topic: str = Field(examples=["city/150802/water/gauge-7/reading"])
    reason: str = Field(examples=["bad_json"])
    detail: str = Field(description="What is wrong with it.")
    payload: str = Field(description="Its first 4,096 bytes, in base64.", examples=["eyJ2YWx1ZXMiOiA="])
    text: str = Field(description="The same as text; what is no UTF-8 in escapes.", examples=['{"values": '])
    size: int = Field(description="Bytes in all.")
    truncated: bool = Field(description="`payload` is not all of it.")
    replayed: datetime | None = Field(description="When it went back to the broker; null: it waits.")


class ReplayRequest(Body):
    """What to replay."""

    reason: str | None = Field(
        None, max_length=100, description="Only entries of this reason.", examples=["unknown_metric"]
    )


class Replayed(BaseModel):
    """What a replay did; while `published` is not 0 there may be more."""

    published: int
    skipped: int = Field(description="Left, because only their beginning was kept or their topic can't be published.")


@router.get("/quarantine")
async def summarise_quarantine(context: Using, principal: Engineer) -> QuarantineSummary:
    """What waits, by reason: of those whose topic names what the caller may see."""
    found = await context.write(lambda connection: quarantine.summary(connection, principal.scope))
    return QuarantineSummary(reasons=[QuarantineReason(**one._asdict()) for one in found])


@router.get("/quarantine/entries", responses=responses(400))
async def list_quarantine(
    context: Using,
    principal: Engineer,
    reason: Annotated[list[Annotated[str, Field(max_length=100)]] | None, Query(max_length=50)] = None,
    topic: Annotated[str | None, Query(max_length=500, description="What the topic begins with.")] = None,
    since: Annotated[Moment | None, Query(alias="from", description="Received from then on.")] = None,
    until: Annotated[Moment | None, Query(alias="to", description="Received before.")] = None,
    replayed: Annotated[bool | None, Query(description="Whether it went back to the broker.")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Entries of a page at most.")] = 50,
    cursor: Cursor = None,
) -> Page[QuarantineEntry]:
    """Entries with the beginning of their bytes, the newest first."""
    filters = {
        "reason": reason,
        "topic": topic,
        "since": since,
        "until": until,
        "is_replayed": replayed,
        "before": decode(cursor, tuple[_Number])[0] if cursor else None,
    }
    found = await context.write(
        lambda connection: quarantine.page(connection, principal.scope, limit + 1, SHOWN_BYTES, **filters)
    )
    items = [_entry(one) for one in found[:limit]]
    return Page(items=items, next=encode([items[-1].id]) if len(found) > limit else None)


@router.post("/quarantine/replay", response_model=Replayed, responses=responses(400, 409))
async def replay_quarantine(
    context: Using, principal: Administrator, changing: Changing, body: ReplayRequest
) -> Response:
    """Publish what waits once more, as it came, 1,000 entries at most: what is still not understood comes back.

    Only entries whose topic names what the caller may see.
    """
    url = addresses.collector_url(context.settings)

    def work(connection: Connection) -> Replayed:
        if not quarantine.lock_replay(connection):
            raise Refusal(409, "Somebody is replaying: wait for the end of it.", "已有重放在进行：请等待其完成。")
        publish = partial(replay, connection, url, body.reason, context.clock(), principal.scope, MOST_REPLAYED)
        published, skipped = awake(connection, publish)
        return Replayed(published=published, skipped=skipped)

    return await changing.make("quarantine.replay", body.reason or "all", work)


def _entry(row: Shown) -> QuarantineEntry:
    # The cut may go through the middle of a character.
    text = row.payload.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
    payload = base64.b64encode(row.payload).decode()
    fields = {**row._asdict(), "payload": payload, "text": text, "truncated": len(row.payload) < row.size}
    return QuarantineEntry(**fields)
