"""The handling of alerts: named transitions, who may make them, from where, and with what. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, get_args

from rules.alerts.deadlines import Deadlines
from rules.alerts.model import DONE, Alert, AlertError, Conflict, Event, Handling, NotYours

Role = Literal["operator", "crew"]
Action = Literal[
    "confirm",
    "refute",
    "dispatch",
    "reassign",
    "accept",
    "start",
    "feed_back",
    "close",
    "return",
    "reopen",
    "assign",
    "comment",
]

_UNDER_WAY: tuple[Handling, ...] = ("dispatched", "accepted", "handling")
_OPEN: tuple[Handling, ...] = ("new", "confirmed", *_UNDER_WAY, "fed_back", "returned")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: an operator on duty, or a member of `crew`, which may act on what it was sent."""

    name: str
    role: Role = "operator"
    crew: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants done; `revision` is the alert's as they saw it, `key` makes a repetition harmless.

    `crew` is sent, `operator` is given the alert in hand.
    """

    action: Action
    actor: Actor
    note: str | None = None
    crew: str | None = None
    operator: str | None = None
    revision: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One named transition: from which handling to which; `to` None leaves it as it is."""

    origins: tuple[Handling, ...]
    to: Handling | None
    done: str  # the words of what was done, for an error
    title_zh: str
    note: bool = False
    crew: bool = False
    operator: bool = False
    by_crew: bool = False


# In the order in which they are offered: first what leads on from where an alert stands, then the ways around it.
STEPS: dict[Action, Step] = {
    "confirm": Step(("new",), "confirmed", "confirmed it", "确认属实"),
    "dispatch": Step(("confirmed", "returned"), "dispatched", "dispatched it", "派单", crew=True),
    "accept": Step(("dispatched",), "accepted", "accepted it", "签收", by_crew=True),
    "start": Step(("accepted", "returned"), "handling", "started work on it", "开始处置", by_crew=True),
    "feed_back": Step(("handling",), "fed_back", "reported back on it", "反馈结果", note=True, by_crew=True),
    "refute": Step(("new", "confirmed"), "false", "judged it false", "判为误报", note=True),
    "reassign": Step((*_UNDER_WAY, "returned"), "dispatched", "sent it to another crew", "改派", crew=True),
    "close": Step(("new", "confirmed", "returned", "fed_back"), "closed", "closed it", "办结", note=True),
    "return": Step((*_UNDER_WAY, "fed_back"), "returned", "returned it", "退回重办", note=True, by_crew=True),
    "reopen": Step(("false", "closed"), "new", "reopened it", "重新打开", note=True),
    "assign": Step(_OPEN, None, "handed it over", "转交", operator=True),
    "comment": Step(get_args(Handling), None, "commented on it", "备注", note=True, by_crew=True),
}

HANDLING_ZH: dict[Handling, str] = {
    "new": "待研判",
    "confirmed": "已确认",
    "false": "误报",
    "dispatched": "已派单",
    "accepted": "已签收",
    "handling": "处置中",
    "fed_back": "已反馈",
    "returned": "已退回",
    "closed": "已办结",
}


def allowed(handling: str, role: Role = "operator") -> list[Action]:
    """What moves an alert in that handling, of what somebody of that role may do; what leads on first."""
    return [action for action in _possible(handling, role) if STEPS[action].to]


def beside(handling: str, role: Role = "operator") -> list[Action]:
    """What they may do besides, which leaves the handling as it is."""
    return [action for action in _possible(handling, role) if not STEPS[action].to]


def _possible(handling: str, role: Role) -> list[Action]:
    return [
        action for action, step in STEPS.items() if handling in step.origins and (role == "operator" or step.by_crew)
    ]


def act(alert: Alert, request: Request, deadlines: Deadlines, now: datetime) -> tuple[Alert, Event]:
    """What `request` makes of an alert, and the event that says so.

    Raises:
        AlertError: Conflict, it is not possible from here; NotYours, not by this actor; or something is missing.
    """
    step = STEPS[request.action]
    if alert.mode == "shadow":
        raise Conflict(
            f"Alert {alert.id} is of a rule on trial: nobody handles it.",
            f"告警 {alert.id} 来自试运行规则：无需处置。",
        )
    _check_actor(alert, request, step)
    if alert.handling not in step.origins:
        can = allowed(alert.handling, request.actor.role)
        raise Conflict(
            f"Alert {alert.id} is {alert.handling}: {request.action} is not possible. "
            f"Possible: {', '.join(can) or 'nothing'}.",
            f"告警 {alert.id} {HANDLING_ZH[alert.handling]}，不能{step.title_zh}。"
            f"可以：{'、'.join(STEPS[action].title_zh for action in can) or '无'}。",
        )
    note = (request.note or "").strip() or None
    if step.note and note is None:
        raise AlertError(
            f"To {request.action} alert {alert.id}, say why: the note is missing.",
            f"对告警 {alert.id} 执行“{step.title_zh}”须说明原因：缺少说明。",
        )
    crew = (request.crew or "").strip() or None
    if step.crew and crew is None:
        raise AlertError(
            f"To {request.action} alert {alert.id}, name the crew that it goes to.",
            f"对告警 {alert.id} 执行“{step.title_zh}”须指明处置班组。",
        )
    operator = (request.operator or "").strip() or None
    if step.operator and operator is None:
        raise AlertError(
            f"To {request.action} alert {alert.id}, name who has it in hand from now on.",
            f"对告警 {alert.id} 执行“{step.title_zh}”须指明由谁接手。",
        )
    if step.operator:
        changed = replace(alert, operator=operator, revision=alert.revision + 1)
    else:
        changed = _moved(alert, request.actor, step, crew, deadlines, now)
    event = Event(
        alert_id=alert.id,
        at=now,
        kind=request.action,
        severity=alert.severity,
        handling=step.to,
        actor=request.actor.name,
        note=note,
        crew=crew if step.crew else None,
        operator=operator if step.operator else None,
        key=request.key,
    )
    return changed, event


def _check_actor(alert: Alert, request: Request, step: Step) -> None:
    actor = request.actor
    if not actor.name.strip():
        raise AlertError(f"To {request.action} alert {alert.id}, say who you are: the actor is missing.")
    if actor.role == "operator":
        return
    if not step.by_crew:
        raise NotYours(
            f"Only an operator may {request.action} alert {alert.id}; {actor.name} acts for a crew.",
            f"只有值班员可以对告警 {alert.id} 执行“{step.title_zh}”；{actor.name} 代表处置班组。",
        )
    if alert.crew is None or alert.crew != actor.crew:
        raise NotYours(
            f"Alert {alert.id} was not sent to the crew {actor.crew}, but to {alert.crew or 'none'}.",
            f"告警 {alert.id} 没有派给班组 {actor.crew}，而是派给 {alert.crew or '无'}。",
        )


def _moved(alert: Alert, actor: Actor, step: Step, crew: str | None, deadlines: Deadlines, now: datetime) -> Alert:
    if step.to is None:
        return alert
    operator = actor.name if actor.role == "operator" else alert.operator
    moved = replace(
        alert,
        handling=step.to,
        revision=alert.revision + 1,
        operator=operator,
        crew=crew if step.crew else alert.crew,
        missed_step=None,
        told_step=None,
    )
    if step.to in DONE:
        return replace(moved, due_step=None, due_at=None)
    due_step, due_at = deadlines.next(moved.handling, moved.severity, now)
    # Whether there is something to tell depends on the handling, too.
    return replace(moved, due_step=due_step, due_at=due_at, look_at=now)
