"""The handling of alerts: named transitions, who may make them, from where, and with what. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, get_args

from rules.alerts.deadlines import Deadlines
from rules.alerts.model import DONE, Alert, AlertError, Event, Handling

Role = Literal["operator", "crew"]
Action = Literal[
    "confirm", "refute", "dispatch", "reassign", "accept", "start", "feed_back", "close", "return", "reopen", "comment"
]

_UNDER_WAY: tuple[Handling, ...] = ("dispatched", "accepted", "handling")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: an operator on duty, or a member of `crew`, which may act on what it was sent."""

    name: str
    role: Role = "operator"
    crew: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody wants done; `revision` is the alert's as they saw it, `key` makes a repetition harmless."""

    action: Action
    actor: Actor
    note: str | None = None
    crew: str | None = None
    revision: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One named transition: from which handling to which; `to` None leaves it as it is."""

    origins: tuple[Handling, ...]
    to: Handling | None
    done: str  # the words of what was done, for an error
    note: bool = False
    crew: bool = False
    by_crew: bool = False


STEPS: dict[Action, Step] = {
    "confirm": Step(("new",), "confirmed", "confirmed it"),
    "refute": Step(("new", "confirmed"), "false", "judged it false", note=True),
    "dispatch": Step(("confirmed", "returned"), "dispatched", "dispatched it", crew=True),
    "reassign": Step((*_UNDER_WAY, "returned"), "dispatched", "sent it to another crew", crew=True),
    "accept": Step(("dispatched",), "accepted", "accepted it", by_crew=True),
    "start": Step(("accepted", "returned"), "handling", "started work on it", by_crew=True),
    "feed_back": Step(("handling",), "fed_back", "reported back on it", note=True, by_crew=True),
    "close": Step(("new", "confirmed", "returned", "fed_back"), "closed", "closed it", note=True),
    "return": Step((*_UNDER_WAY, "fed_back"), "returned", "returned it", note=True, by_crew=True),
    "reopen": Step(("false", "closed"), "new", "reopened it", note=True),
    "comment": Step(get_args(Handling), None, "commented on it", note=True, by_crew=True),
}


def allowed(alert: Alert, role: Role = "operator") -> list[Action]:
    """What somebody of that role may do with an alert now, apart from commenting."""
    return [
        action
        for action, step in STEPS.items()
        if step.to and alert.handling in step.origins and (role == "operator" or step.by_crew)
    ]


def act(alert: Alert, request: Request, deadlines: Deadlines, now: datetime) -> tuple[Alert, Event]:
    """What `request` makes of an alert, and the event that says so.

    Raises:
        AlertError: it is not possible from here, not by this actor, or something is missing.
    """
    step = STEPS[request.action]
    if alert.mode == "shadow":
        raise AlertError(f"Alert {alert.id} is of a rule on trial: nobody handles it.")
    _check_actor(alert, request, step)
    if alert.handling not in step.origins:
        can = ", ".join(allowed(alert, request.actor.role)) or "nothing"
        raise AlertError(f"Alert {alert.id} is {alert.handling}: {request.action} is not possible. Possible: {can}.")
    note = (request.note or "").strip() or None
    if step.note and note is None:
        raise AlertError(f"To {request.action} alert {alert.id}, say why: the note is missing.")
    crew = (request.crew or "").strip() or None
    if step.crew and crew is None:
        raise AlertError(f"To {request.action} alert {alert.id}, name the crew that it goes to.")
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
        raise AlertError(f"Only an operator may {request.action} alert {alert.id}; {actor.name} acts for a crew.")
    if alert.crew is None or alert.crew != actor.crew:
        raise AlertError(f"Alert {alert.id} was not sent to the crew {actor.crew}, but to {alert.crew or 'none'}.")


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
