"""An alert as it is stored: its condition, its handling, and what people were told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from citybrain.errors import Correctable
from rules.model import SubjectKind

Handling = Literal["new", "confirmed", "false", "dispatched", "accepted", "handling", "fed_back", "returned", "closed"]
AnnouncementKind = Literal["raised", "reopened", "escalated", "downgraded", "cleared", "deadline", "flood"]

DONE: frozenset[str] = frozenset({"false", "closed"})  # handling that asks nothing of anybody any more


class AlertError(Correctable):
    """Something that can't be done with an alert; the text says why and what can be."""


class NoAlert(AlertError):
    """There is no such alert, shelf or window."""


class Conflict(AlertError):
    """Somebody else was faster, or it is not possible from where the alert stands."""


class NotYours(AlertError):
    """The actor may not do this."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A row of the table `alert`, which says what each column means.

    `severity` is 1 red to 4 blue. Times of the world (`raised_at`, `cleared_at`, `last_time`) are the readings' own,
    the others are by the server's clock; all are in UTC.
    """

    id: int
    rule: str
    subject: str
    subject_kind: SubjectKind
    region_id: str | None
    domain_id: str
    site_id: str | None
    device: str | None
    mode: Literal["live", "shadow"]
    version: int
    title_zh: str
    title_en: str
    advice_zh: str | None
    advice_en: str | None
    severity: int
    worst: int
    condition: Literal["raised", "cleared"]
    raised_at: datetime
    cleared_at: datetime | None
    clear_reason: str | None
    last_time: datetime
    changed_at: datetime
    past: bool
    reopened: int = 0
    step: int | None = None
    series_id: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    handling: Handling = "new"
    revision: int = 0
    operator: str | None = None
    crew: str | None = None
    due_step: str | None = None
    due_at: datetime | None = None
    missed_step: str | None = None
    missed: int = 0
    told_severity: int | None = None
    told_step: str | None = None
    told_at: datetime | None = None
    look_at: datetime | None = None
    withheld: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Rule and subject: what the engine calls it by."""
        return self.rule, self.subject

    @property
    def raised(self) -> bool:
        """Whether its condition holds."""
        return self.condition == "raised"

    @property
    def attention(self) -> int:
        """Its severity, one level more for each deadline that was missed."""
        return max(1, self.severity - self.missed)


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the table `alert_event`, before it has its number."""

    alert_id: int
    at: datetime
    kind: str
    event_time: datetime | None = None
    past: bool = False
    severity: int | None = None
    version: int | None = None
    reason: str | None = None
    handling: Handling | None = None
    actor: str | None = None
    note: str | None = None
    crew: str | None = None
    operator: str | None = None
    key: str | None = None
    announcement_id: int | None = None
    values: Mapping[str, Any] | None = None
