"""One alert with all there is to say of it: its case, its events, and why it is what it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from zlib import crc32

from pydantic import BaseModel, Field

from api.views import alerts
from api.views.documents import Alert, Limit, Words
from citybrain.access.model import Principal
from citybrain.catalogue.model import Text
from citybrain.store.alerts import Found
from citybrain.store.boards import Cell, OpenAlert
from rules.alerts import explain, handling
from rules.alerts.case import Latest
from rules.alerts.deadlines import Deadlines, StepName
from rules.alerts.handling import Action, Actor
from rules.alerts.model import Alert as Stored
from rules.alerts.model import AnnouncementKind, Handling
from rules.alerts.wording import STEP, single
from rules.notification.announcement import Announcement, Mark
from rules.notification.announcement import Limit as ToldLimit

# What the state of an alert in the store and an announcement call by one name.
_SAME = (
    "event", "at", "severity", "region", "domain", "alert", "rule", "version", "subject", "raised_at", "cleared_at",
    "value", "longitude", "latitude",
)  # fmt: skip


Need = Literal["note", "crew", "operator"]


class Offer(BaseModel):
    """An action that the caller may do with an alert now."""

    action: Action
    needs: list[Need] = Field(description="What it can't be done without.", examples=[["note"]])


class Listed(Alert):
    """An alert of a list, and what the caller may do with it."""

    allowed: list[Offer] = Field(description="What leads on from where it stands comes first.")


class Standing(BaseModel):
    """Where an alert stands, and who brought it there."""

    id: int
    handling: Handling
    revision: int
    action: Action | None = Field(description="What was done with it last; null: nothing was.")
    actor: str | None = Field(description="By whom.", examples=["li.xm"])
    actor_title: str | None = Field(description="What others call them.", examples=["李雪梅"])
    at: datetime | None = Field(description="When.")
    allowed: list[Offer] = Field(description="What the caller may do with it now.")


class Allowance(BaseModel):
    """How long a step of the handling may take."""

    step: StepName
    seconds: int = Field(description="From when the step before was done.", examples=[900])
    due_at: datetime | None = Field(description="Of the step that is to be done now, once it is set; else null.")
    source: str
    confidence: str


class Case(Listed):
    """An alert with all that the store has of it."""

    subject_kind: str = Field(description="`series`, `device`, `site`, `gateway`, `region` or `text`.")
    worst: int = Field(description="The most severe that it was.")
    missed: int = Field(description="Deadlines missed in all.")
    reopened: int = Field(description="How often it was raised again while open.")
    clear_reason: str | None
    last_time: datetime = Field(description="Of the reading that decided last.")
    past: bool = Field(description="Its last change was old news when it arrived.")
    operator: str | None = Field(description="Who has it in hand: handled it last on duty, or was given it.")
    operator_title: str | None = Field(description="What others call them.")
    watched: bool = Field(description="By the caller.")
    deadlines: list[Allowance] = Field(description="Of each step, in the order of the way.")
    told_at: datetime | None = Field(description="When it was announced last.")
    withheld: str | None = Field(description="Why it was not announced so far; `explanation` has the words.")
    newest_event: int


class Event(BaseModel):
    """What happened to an alert; it never changes."""

    id: int
    at: datetime = Field(description="By the server's clock.")
    kind: str = Field(
        description="`raised`, `cleared`, `announced`, `overdue` ..., or an action.", examples=["confirm"]
    )
    event_time: datetime | None = Field(description="Of a change of condition: the reading's time.")
    past: bool
    severity: int | None
    version: int | None
    reason: str | None
    handling: str | None = Field(description="Of a change of handling: what it is from now on.")
    actor: str | None
    actor_title: str | None = Field(description="What others call them.")
    note: str | None
    crew: str | None
    operator: str | None = Field(description="Of a handing over: who has it in hand from now on.")
    operator_title: str | None
    announcement: int | None


class Series(BaseModel):
    """The series whose reading decided."""

    id: str = Field(examples=["150802/water/gauge-7/pressure"])
    unit: str | None


class Reading(BaseModel):
    """A reading of it."""

    time: datetime
    value: float
    good: bool


class Deadline(BaseModel):
    """What is to be done next, until when, and who says so."""

    step: str
    title: Words
    due_at: datetime
    missed: bool
    source: str
    confidence: str


class Told(BaseModel):
    """An announcement, and what became of it on one route; without a route it is not on its way yet."""

    announcement: int
    at: datetime
    kind: str
    text: Words
    route: str | None
    status: str | None
    attempts: int | None
    sent_at: datetime | None
    error: str | None


class Explanation(BaseModel):
    """Why an alert is what it is: what was measured, against which limit, who was told, or why nobody was."""

    alert: int
    rule: str
    version: int
    definition: dict[str, Any] = Field(description="The rule's entry in its file, as it was in that version.")
    judged: dict[str, str] = Field(
        description="What the step that decided says, in the rule's words.",
        examples=[{"raise": "value < limit", "for": "5m"}],
    )
    series: Series | None
    readings: list[Reading] = Field(description="Around the one that raised it, oldest first.")
    limits: list[Limit]
    deadline: Deadline | None
    told: list[Told]
    untold: Words | None = Field(description="Why nobody is told for now; null: nothing keeps it.")


class Done(BaseModel):
    """An alert after something was done with it."""

    id: int
    handling: Handling
    revision: int
    operator: str | None
    crew: str | None
    due_step: str | None
    due_at: datetime | None
    allowed: list[Offer] = Field(description="What the caller may do with it next.")


def listed(row: OpenAlert, principal: Principal) -> Listed:
    """The document of one alert of a list, for `principal`."""
    return Listed(**alerts.alert(row).model_dump(), allowed=allowed(row.handling, row.crew, principal))


def standing(alert: Stored, last: Latest | None, principal: Principal) -> Standing:
    """Where an alert stands, for `principal`."""
    return Standing(
        id=alert.id,
        handling=alert.handling,
        revision=alert.revision,
        action=last.action if last else None,
        actor=last.actor if last else None,
        actor_title=last.title if last else None,
        at=last.at if last else None,
        allowed=allowed(alert.handling, alert.crew, principal),
    )


def case(found: Found, principal: Principal, deadlines: Deadlines) -> Case:
    """The document of one alert, for `principal`."""
    row = found.alert
    return Case(
        **listed(row, principal).model_dump(),
        subject_kind=row.subject_kind,
        worst=row.worst,
        missed=row.missed,
        reopened=row.reopened,
        clear_reason=row.clear_reason,
        last_time=row.last_time,
        past=row.past,
        operator=row.operator,
        operator_title=found.operator_title,
        watched=found.watched,
        deadlines=_allowances(row, deadlines),
        told_at=row.told_at,
        withheld=row.withheld,
        newest_event=found.newest_event,
    )


def tag(found: Case) -> str:
    """The entity tag of a case: its revision, its newest event, and what changes without one, where there is any."""
    quiet = (found.shelved_until, found.maintained_until, found.failing, found.watched)
    suffix = f"-{crc32(repr(quiet).encode()):08x}" if any(quiet) else ""
    return f'"{found.revision}-{found.newest_event}{suffix}"'


def actor(principal: Principal) -> Actor:
    """Who acts: a member of a crew for that crew, anybody else on duty."""
    return Actor(principal.label, "crew" if principal.crew else "operator", principal.crew)


def allowed(stands: str, crew: str | None, principal: Principal) -> list[Offer]:
    """What `principal` may do with an alert that stands there and was sent to `crew`."""
    role: Literal["operator", "crew"] = "crew" if principal.crew else "operator"
    if not principal.may("operator") or (role == "crew" and crew != principal.crew):
        return []
    return [_offer(action) for action in (*handling.allowed(stands, role), *handling.beside(stands, role))]


def _offer(action: Action) -> Offer:
    step = handling.STEPS[action]
    wanted: dict[Need, bool] = {"note": step.note, "crew": step.crew, "operator": step.operator}
    return Offer(action=action, needs=[name for name, needed in wanted.items() if needed])


def explanation(found: explain.Explanation, deadlines: Deadlines) -> Explanation:
    """The document of an explanation."""
    alert = found.alert
    return Explanation(
        alert=alert.id,
        rule=alert.rule,
        version=alert.version,
        definition=dict(found.definition),
        judged=explain.judged(found),
        series=Series(id=found.series[0], unit=found.series[1]) if found.series else None,
        readings=[Reading(**reading._asdict()) for reading in found.readings],
        limits=[Limit(name=name, **limit) for name, limit in _limits(alert.limits).items()],
        deadline=_deadline(found, deadlines),
        told=[
            Told(
                announcement=told.id,
                text=Words(zh=told.text_zh, en=told.text_en),
                **{name: value for name, value in told._asdict().items() if name not in ("id", "text_zh", "text_en")},
            )
            for told in found.told
        ],
        untold=_words(explain.why(alert)),
    )


def announcement(row: Mapping[str, Any]) -> Announcement:
    """The newest news of an alert, from its state in the store."""
    kind: AnnouncementKind = {"overdue": "deadline", "refute": "cleared", "reopen": "reopened"}.get(
        row["kind"], row["kind"]
    )
    title = Text(row["title_zh"], row["title_en"])
    place = Text(row["place_zh"], row["place_en"])
    words = single(kind, row["severity"], title, place, row["missed_step"])
    if row["kind"] == "refute":
        words = Text(f"判为误报：{title.zh}，{place.zh}", f"Judged false: {title.en}, {place.en}")
    return Announcement(
        id=row["event"],
        kind=kind,
        text=words,
        title=title,
        place=place,
        advice=Text(row["advice_zh"], row["advice_en"]) if row["advice_zh"] else None,
        limits=tuple(ToldLimit(name=name, **limit) for name, limit in row["limits"].items()),
        marks=tuple(Mark(**mark) for mark in row["marks"]),
        **{name: row[name] for name in _SAME},
    )


def _deadline(found: explain.Explanation, deadlines: Deadlines) -> Deadline | None:
    alert = found.alert
    if alert.due_step is None or alert.due_at is None:
        return None
    entry, title = deadlines.of(alert.due_step), STEP[alert.due_step]
    return Deadline(
        step=alert.due_step,
        title=Words(zh=title.zh, en=title.en),
        due_at=alert.due_at,
        missed=alert.missed_step is not None,
        source=entry.source,
        confidence=entry.confidence,
    )


def _allowances(row: OpenAlert, deadlines: Deadlines) -> list[Allowance]:
    return [
        Allowance(
            step=step,
            seconds=round(entry.of(row.severity).total_seconds()),
            due_at=row.due_at if step == row.due_step else None,
            source=entry.source,
            confidence=entry.confidence,
        )
        for step, entry in deadlines.entries.items()
    ]


def _limits(limits: Any) -> dict[str, dict[str, Cell]]:
    return dict(limits)


def _words(text: Text | None) -> Words | None:
    return None if text is None else Words(zh=text.zh, en=text.en)
