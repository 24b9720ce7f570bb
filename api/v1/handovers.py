"""Handovers (交接班): one shift signs what it leaves, another person signs that they take over."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, TypeVar

from fastapi import Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from api.access.door import Operator, Viewer
from api.context import Context, Using
from api.v1 import new_router
from api.v1.duty import at_desk, present_turn
from api.v1.silences import around
from api.views.handovers import Frame, Handover, Person, SignedHandover, compose
from api.web.bodies import Body
from api.web.changes import Changing
from api.web.filters import Moment
from api.web.pages import Cursor, Limit, Page, decode, encode
from api.web.problems import Refusal, responses
from citybrain.access.model import Principal
from citybrain.duty import handovers, roster
from citybrain.store.alerts import Number
from citybrain.store.connection import Connection

router = new_router("handovers")

LONGEST = timedelta(days=7)  # that one handover is about

D = TypeVar("D", bound=Handover)

HandoverId = Annotated[int, Path(alias="id", ge=1, le=9_223_372_036_854_775_807, examples=[7])]


class NewHandover(Body):
    """What the one who hands over says."""

    begin_at: Moment | None = Field(
        None,
        description="Since when it tells what happened, 7 days ago at most; null: since one's duty or the shift began.",
        examples=["2026-11-22T20:00:00+08:00"],
    )
    note: str = Field(max_length=4000, examples=["临河区 3 号泵站今夜有检修，压力可能偏低。"])


class Taking(Body):
    """What the one who takes over says."""

    note: str | None = Field(None, min_length=1, max_length=2000, pattern=r"\S", examples=["已核对。"])


@router.get("/handovers", responses=responses(400))
async def list_handovers(
    context: Using,
    principal: Viewer,
    taken: Annotated[bool | None, Query(description="Whether somebody took over.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[Handover]:
    """Handovers whose makers saw no more than the caller does, the newest first."""
    before = decode(cursor, tuple[Number])[0] if cursor is not None else None
    found = await context.write(
        lambda connection: handovers.page(connection, principal.scope, taken, before, limit + 1)
    )
    following = encode([found[limit - 1].id]) if len(found) > limit else None
    return Page(items=[_document(Handover, one) for one in found[:limit]], next=following)


@router.post("/handovers", status_code=201, response_model=SignedHandover)
async def hand_over(
    request: Request, changes: Changing, context: Using, principal: Operator, body: NewHandover
) -> Response:
    """Hand over: what is open, what happened, what is silenced and how the platform is, signed by the caller."""
    at_desk(principal)
    now = context.clock()
    frame = await context.write(partial(_frame, context, principal, body, now))
    outer = around(principal.scope, context.catalogue)
    turn = present_turn(context, now)
    readiness = await request.app.state.readiness()
    async with context.readers.connection() as reader:
        content = await compose(reader, principal, frame, turn, outer, readiness, context.catalogue)

    def work(connection: Connection) -> SignedHandover:
        made = handovers.make(connection, content.model_dump(mode="json"), principal, now)
        return _document(SignedHandover, made)

    return await changes.make("handover.make", "handover", work, status=201)


@router.get("/handovers/{id}", response_model=SignedHandover, responses=responses(404))
async def get_handover(context: Using, principal: Viewer, id: HandoverId) -> Response:
    """One handover with all that it hands over, as it was signed."""
    found = await context.write(partial(handovers.find, id=id, within=principal.scope))
    # As it stands, whatever an earlier release put into it.
    return JSONResponse({**_document(Handover, found).model_dump(mode="json"), "content": found.content})


@router.post("/handovers/{id}/take", response_model=Handover, responses=responses(404, 409))
async def take_over(changes: Changing, context: Using, principal: Operator, id: HandoverId, body: Taking) -> Response:
    """Take over what another person hands over, which signs it a second time."""
    now = context.clock()

    def work(connection: Connection) -> Handover:
        handovers.find(connection, id, principal.scope)
        at_desk(principal)
        return _document(Handover, handovers.take(connection, id, principal, body.note, now))

    return await changes.make("handover.take", f"handover {id}", work)


def _frame(context: Context, principal: Principal, body: NewHandover, now: datetime, connection: Connection) -> Frame:
    """The time that a handover is about, and who was on duty.

    Raises:
        Refusal: 422, there is no such time.
    """
    begin = body.begin_at or _begun(context, principal, now, connection)
    if begin is None or not timedelta() < now - begin <= LONGEST:
        raise Refusal(
            422,
            "Say since when: `begin_at`, before now and 7 days ago at most.",
            "请说明起始时间：`begin_at` 应早于现在，且不超过 7 天。",
            kind="span",
        )
    people = roster.between(connection, principal.scope, begin, now, now)
    return Frame(begin_at=begin, end_at=now, note=body.note, people=[Person(**one._asdict()) for one in people])


def _begun(context: Context, principal: Principal, now: datetime, connection: Connection) -> datetime | None:
    """When one's duty began, else the shift; None: there is neither."""
    turn = present_turn(context, now)
    own = [one.begun_at for one in roster.present(connection, principal.scope, now) if one.name == principal.name]
    return own[0] if own else turn.begin if turn else None


def _document(kind: type[D], found: handovers.Handover) -> D:
    content = found.content
    told = {name: content[name] for name in ("begin_at", "end_at", "shift", "regions", "domains", "made_by_title")}
    return kind.model_validate(
        {
            **told,
            "id": found.id,
            "made_by": found.made_by,
            "made_at": found.made_at,
            "digest": found.digest,
            "taken_by": found.taken_by,
            "taken_by_title": found.taken_title,
            "taken_at": found.taken_at,
            "taken_note": found.taken_note,
            "taken_digest": found.taken_digest,
            "intact": found.intact,
            "content": content,
        }
    )
