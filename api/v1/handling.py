"""What people do with alerts: one action each, or the same with many at once."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path as File
from typing import Annotated

from fastapi import Header, Path, Response
from pydantic import BaseModel, Field

from api.access.door import Operator
from api.context import Context, Using
from api.v1 import new_router
from api.views.cases import Done, Standing, actor, allowed, standing
from api.views.documents import Words
from api.web.bodies import Body
from api.web.changes import Changing
from api.web.problems import Refusal, responses, status_of
from citybrain.access import audit
from citybrain.access.model import Principal
from citybrain.store.connection import Connection
from rules.alerts import deadlines as files
from rules.alerts.case import act, conflict, latest, newest_event, seen
from rules.alerts.deadlines import Deadlines
from rules.alerts.handling import STEPS, Action, Request, Step
from rules.alerts.model import AlertError, Conflict
from rules.alerts.record import lock

router = new_router("alerts")

MOST = 200  # alerts of one request; they are one transaction, which whoever else writes alerts waits for

AlertId = Annotated[int, Path(alias="id", ge=1, le=9_223_372_036_854_775_807, examples=[42])]
Note = Annotated[
    str, Field(min_length=1, max_length=2000, pattern=r"\S", examples=["到场检查，阀门已更换，压力恢复。"])
]
Crew = Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S", examples=["抢修一班"])]
Person = Annotated[
    str,
    Field(min_length=1, max_length=64, pattern=r"\S", description="Who sees the alert.", examples=["li.xm"]),
]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=1000,
        description="The `ETag` of the alert as the caller saw it: 412 where anything happened to it since.",
    ),
]

_SUMMARIES: dict[Action, str] = {
    "confirm": "Judge an alert to be real (确认属实)",
    "refute": "Judge an alert to be false (判为误报)",
    "dispatch": "Send a crew (派单)",
    "reassign": "Send another crew (改派)",
    "accept": "The crew has the order (签收)",
    "start": "The crew has begun to work (开始处置)",
    "feed_back": "The crew reports what it found and did (反馈结果)",
    "close": "Close an alert, after verifying what was reported (核查通过并办结)",
    "return": "Return an order, or a report that does not hold (退回重办)",
    "reopen": "Take back that an alert was closed or judged false (重新打开)",
    "assign": "Hand an alert over to another operator (转交)",
    "comment": "Add a note to what happened (备注)",
}

_TAG = re.compile(r'"(\d{1,19}-\d{1,19})(?:-[0-9a-f]{8})?"')


class Remark(Body):
    """An action that may be explained."""

    note: Note | None = None
    revision: int | None = Field(
        None,
        ge=0,
        le=2_147_483_647,
        description="The alert's as the caller saw it: 409 where its handling changed since. null: whatever it is.",
        examples=[0],
    )


class Reasoned(Remark):
    """An action that must be explained."""

    note: Note


class Sent(Remark):
    """An order to a crew."""

    crew: Crew


class Handed(Remark):
    """An alert for somebody else's hands."""

    operator: Person


class Bulk(Body):
    """The same action with many alerts; `note`, `crew` and `operator` as the action alone wants them."""

    ids: list[Annotated[int, Field(ge=1, le=9_223_372_036_854_775_807)]] = Field(
        min_length=1, max_length=MOST, examples=[[42, 43]]
    )
    action: Action
    note: Note | None = None
    crew: Crew | None = None
    operator: Person | None = None


class Hindrance(BaseModel):
    """Why an alert stayed as it was."""

    status: int = Field(description="What the action alone would have answered.", examples=[409])
    detail: Words
    alert: Standing | None = Field(None, description="Of a conflict: where the alert stands, and who brought it there.")


class Outcome(BaseModel):
    """What came of one alert: one of the two."""

    id: int
    done: Done | None = None
    problem: Hindrance | None = None


class Outcomes(BaseModel):
    """What came of each, in the order of the request; each counts by itself."""

    items: list[Outcome]


@router.post("/bulk/alerts", response_model=Outcomes, responses=responses(409))
async def act_on_many(changes: Changing, context: Using, principal: Operator, body: Bulk) -> Response:
    """Do the same with up to 200 alerts. What can't be done with one of them stops none of the others."""
    request = Request(body.action, actor(principal), body.note, body.crew, body.operator, key=changes.key)

    def work(connection: Connection) -> Outcomes:
        return Outcomes(items=[one(connection, id) for id in dict.fromkeys(body.ids)])

    def one(connection: Connection, id: int) -> Outcome:
        try:
            with connection.transaction():
                done = _act(connection, context, principal, id, request)
                audit.add(connection, changes.entry(f"alert.{body.action}", f"alert {id}"), context.clock())
        except AlertError as error:
            stands = _standing(connection, principal, id) if isinstance(error, Conflict) else None
            detail = Words(zh=error.zh, en=str(error))
            return Outcome(id=id, problem=Hindrance(status=status_of(error), detail=detail, alert=stands))
        return Outcome(id=id, done=done)

    details = {"action": body.action, "ids": body.ids}
    return await changes.make("alert.bulk", f"{len(body.ids)} alerts", work, details=details)


@lru_cache(maxsize=1)
def deadlines(file: File | None) -> Deadlines:
    """The deadlines in force, from their file, which is read once."""
    return files.load(file)


def _body(step: Step) -> type[Remark]:
    if step.crew:
        return Sent
    if step.operator:
        return Handed
    return Reasoned if step.note else Remark


def _endpoint(action: Action, body: type[Remark]) -> Callable[..., Awaitable[Response]]:
    """The endpoint of one action."""

    async def endpoint(
        changes: Changing,
        context: Using,
        principal: Operator,
        id: AlertId,
        body: Remark,
        if_match: IfMatch = None,
    ) -> Response:
        asked = body.model_dump(include={"note", "crew", "operator", "revision"})
        request = Request(action, actor(principal), **asked, key=changes.key)

        def work(connection: Connection) -> Done:
            if if_match is not None:
                _check_tag(connection, principal, id, if_match)
            try:
                return _act(connection, context, principal, id, request)
            except Conflict as error:
                stands = _standing(connection, principal, id)
                raise Refusal(409, str(error), error.zh, kind="changed", alert=stands) from None

        return await changes.make(f"alert.{action}", f"alert {id}", work)

    endpoint.__annotations__["body"] = body
    return endpoint


for _action, _step in STEPS.items():
    router.add_api_route(
        f"/alerts/{{id}}/{_action.replace('_', '-')}",
        _endpoint(_action, _body(_step)),
        methods=["POST"],
        operation_id=f"alert_{_action}",
        summary=_SUMMARIES[_action],
        response_model=Done,
        responses=responses(404, 409, 412),
    )


def _act(connection: Connection, context: Context, principal: Principal, id: int, request: Request) -> Done:
    """Do it, where the caller may see the alert.

    Raises:
        AlertError: as `rules.alerts.case.act`.
    """
    seen(connection, id, principal.scope)
    changed = act(connection, id, request, deadlines(context.settings.deadlines), context.clock())
    return Done(
        id=id,
        handling=changed.handling,
        revision=changed.revision,
        operator=changed.operator,
        crew=changed.crew,
        due_step=changed.due_step,
        due_at=changed.due_at,
        allowed=allowed(changed.handling, changed.crew, principal),
    )


def _check_tag(connection: Connection, principal: Principal, id: int, if_match: str) -> None:
    """Hold the alert, and refuse what was said of another state of it (RFC 9110, 13.1.1).

    Raises:
        Refusal: 412, something happened to it since.
    """
    lock(connection)
    alert = seen(connection, id, principal.scope)
    known = [one for text in if_match.split(",") if (one := _TAG.fullmatch(text.strip()))]
    now = f"{alert.revision}-{newest_event(connection, id)}"
    if if_match.strip() != "*" and now not in (one.group(1) for one in known):
        why = conflict(connection, alert)
        raise Refusal(412, str(why), why.zh, kind="changed", alert=_standing(connection, principal, id))


def _standing(connection: Connection, principal: Principal, id: int) -> Standing:
    """Where the alert stands now, and who brought it there."""
    return standing(seen(connection, id, principal.scope), latest(connection, id), principal)
