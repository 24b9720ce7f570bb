"""Duty: which shift it is, and who is there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from pathlib import Path as File

from fastapi import Response
from pydantic import BaseModel, Field

from api.access.door import Operator, Viewer
from api.context import Context, Using
from api.v1 import new_router
from api.views.documents import Words
from api.web.changes import Changing
from citybrain.access.model import Denied, Principal
from citybrain.duty import roster, shifts
from citybrain.duty.shifts import Shift, Turn
from citybrain.store.connection import Connection

router = new_router("duty")


class ShiftTurn(BaseModel):
    """A shift on its day."""

    id: str = Field(examples=["night"])
    title: Words = Field(examples=[{"zh": "夜班", "en": "Night shift"}])
    begin_at: datetime
    end_at: datetime


class OnDuty(BaseModel):
    """Somebody on duty."""

    name: str = Field(examples=["li.xm"])
    title: str = Field(description="What others call them.", examples=["李雪梅"])
    since: datetime


class Duty(BaseModel):
    """The present shift, and who is on duty, of those who see something that the caller sees."""

    now: datetime
    shift: ShiftTurn | None = Field(description="null: nobody works at this time.")
    next: ShiftTurn = Field(description="What begins next.")
    people: list[OnDuty] = Field(description="Who began first comes first.")


@router.get("/duty")
async def get_duty(context: Using, principal: Viewer) -> Duty:
    """Which shift it is (班次), when it ends, and who is on duty."""
    return await context.write(lambda connection: _duty(connection, context, principal))


@router.post("/duty/start", response_model=Duty)
async def start_duty(changes: Changing, context: Using, principal: Operator) -> Response:
    """Begin one's duty (开始值班); again changes nothing. It ends by itself after 24 hours."""
    return await changes.make("duty.start", "duty", _step(context, principal, roster.begin))


@router.post("/duty/end", response_model=Duty)
async def end_duty(changes: Changing, context: Using, principal: Operator) -> Response:
    """End one's duty; again changes nothing."""
    return await changes.make("duty.end", "duty", _step(context, principal, roster.end))


@lru_cache(maxsize=1)
def pattern(file: File | None) -> tuple[Shift, ...]:
    """The shifts of a week, from their file, which is read once."""
    return shifts.load(file)


def at_desk(principal: Principal) -> None:
    """Refuse whoever is no person, or acts for a crew.

    Raises:
        Denied: they are.
    """
    if principal.kind != "person" or principal.crew:
        raise Denied(
            f"{principal.label} is not a person at the desk: systems and crews have no duty, and sign nothing.",
            f"{principal.label} 不是值班人员：系统和处置班组不值班，也不签字。",
        )


def present_turn(context: Context, moment: datetime) -> Turn | None:
    """The shift at a moment."""
    return shifts.present(pattern(context.settings.shifts), moment, context.settings.zone)


def _step(
    context: Context, principal: Principal, step: Callable[[Connection, int, datetime], None]
) -> Callable[[Connection], Duty]:
    def work(connection: Connection) -> Duty:
        at_desk(principal)
        step(connection, principal.id, context.clock())
        return _duty(connection, context, principal)

    return work


def _duty(connection: Connection, context: Context, principal: Principal) -> Duty:
    now, turn = context.clock(), present_turn(context, context.clock())
    following = shifts.following(pattern(context.settings.shifts), now, context.settings.zone)
    return Duty(
        now=now,
        shift=_turn(turn) if turn else None,
        next=_turn(following),
        people=[
            OnDuty(name=one.name, title=one.title, since=one.begun_at)
            for one in roster.present(connection, principal.scope, now)
        ],
    )


def _turn(turn: Turn) -> ShiftTurn:
    title = turn.shift.title
    return ShiftTurn(id=turn.shift.id, title=Words(zh=title.zh, en=title.en), begin_at=turn.begin, end_at=turn.end)
