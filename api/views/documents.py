"""The documents that the public API answers with."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from api.health import Check
from api.views.example import STATUS
from citybrain.store.boards import Cell, Worst
from rules.conditions.comparisons import Operator


class Words(BaseModel):
    """A text in both languages."""

    zh: str
    en: str


class Account(BaseModel):
    """The ledger of what was received since `since`: received = stored + duplicate + quarantined."""

    since: datetime
    received: int
    stored: int
    duplicate: int
    quarantined: int
    unbalanced: int = Field(description="Device hours that don't add up; 0 when nothing was lost.")


class DeviceCounts(BaseModel):
    """Devices of a domain: online and offline as they said last, unknown where they never said."""

    total: int
    unverified: int
    online: int
    offline: int
    unknown: int


class VitalSign(BaseModel):
    """The worst latest value of a domain's vital metric, where it is, and the worst of each of 24 hours."""

    metric: str
    title: Words
    unit: str | None
    worst: Worst
    value: float
    time: datetime
    stale: bool
    place: Words
    trend: list[float | None] = Field(description="24 hours, oldest first, the present one last; null: no data.")


class DomainStatus(BaseModel):
    """A domain; without devices it is not connected yet."""

    id: str
    title: Words
    devices: DeviceCounts
    places: int = Field(description="Sites and devices without a site; `sites` has the first of them.")
    newest: datetime | None = Field(description="Time of the newest measured reading.")
    vital: VitalSign | None


class Metric(BaseModel):
    """What a value means; `states` has the words for coded states, by name."""

    title: Words
    kind: str
    unit: str | None
    interval_s: float | None = Field(description="Seconds between two readings; after two without one it is stale.")
    derived: bool
    states: dict[str, Words]


class Value(BaseModel):
    """The newest reading of a series."""

    device: str
    value: float
    states: list[str] = Field(description="Names of the states or flags that the value stands for.")
    time: datetime
    good: bool
    quality: list[str] = Field(description="What is known of its quality, such as `late` or `out_of_range`.")


class SiteStatus(BaseModel):
    """A site, or a device that belongs to none, with its latest values by metric."""

    id: str | None
    title: Words
    kind: Words | None
    domain: str
    region: str
    region_title: Words
    verified: bool
    values: dict[str, Value]
    trend: list[float | None] | None = Field(
        description="The domain's vital metric here: 24 hourly means, the present hour last; null: no data."
    )


class Quarantined(BaseModel):
    """How much waits in quarantine for one reason."""

    reason: str
    entries: int
    newest: datetime


class CollectorStatus(BaseModel):
    """Who collects what; `heard_s` is the age of its last heartbeat in seconds."""

    unit: str
    since: datetime
    heard_s: float
    connected: bool
    queued: int


class Seen(BaseModel):
    """A value that decided about an alert."""

    name: str = Field(description="As the rule calls it.")
    title: Words | None = Field(description="Of the metric, where it is the reading's own value.")
    value: Cell
    unit: str | None


class Limit(BaseModel):
    """A limit as it was when it decided, and where it comes from."""

    name: str = Field(description="As the rule calls it.")
    value: Cell
    unit: str | None = None
    source: str | None = None
    clause: str | None = None
    plan: str | None = Field(None, description="The plan's indicator that it is the target or the path of.")
    confidence: str | None = Field(
        None, description="A two independent sources, B one, C from memory of the text, S a platform default."
    )


class Comparison(BaseModel):
    """What the rule's condition compares and what holds of the values that decided: names of values or limits."""

    left: str
    operator: Operator
    right: str


class Alert(BaseModel):
    """An alert, with what a list shows of it."""

    id: int
    rule: str
    version: int
    subject: str
    domain: str
    severity: int = Field(description="1 red, 2 orange, 3 yellow, 4 blue.")
    title: Words
    advice: Words | None
    place: Words = Field(description="Its site or region, else its subject.")
    region_title: Words | None
    raised: bool = Field(description="Whether its condition holds.")
    raised_at: datetime
    cleared_at: datetime | None
    handling: str
    crew: str | None = Field(description="Who was sent: the id of a crew, or what somebody called it.")
    crew_title: Words | None = Field(description="null: no crew that is listed.")
    due_step: str | None = Field(description="What is to be done next, until `due_at`.")
    due_at: datetime | None
    overdue: bool = Field(description="The deadline was missed.")
    shelved_until: datetime | None
    maintained_until: datetime | None
    silent_since: datetime | None = Field(description="Of an alert about silence: when its subject was heard last.")
    values: list[Seen]
    limits: list[Limit]
    comparisons: list[Comparison]
    failing: bool = Field(description="Its rule fails, so that nobody judges it at present.")
    attention: int = Field(description="Its severity, one level more for each deadline that was missed.")
    revision: int = Field(description="Counts the changes of its handling; send it with an action.")
    open: bool = Field(description="It is raised, or not judged and done with.")
    region: str | None
    site: str | None
    device: str | None = Field(description="The device part of its topic.")
    changed_at: datetime = Field(description="When its condition changed last, by the server's clock.")


class AlertCount(BaseModel):
    """How many alerts of a severity are open."""

    severity: int
    raised: int
    unjudged: int = Field(description="Of the raised ones, those that nobody has judged.")
    cleared: int = Field(description="No longer raised, and not done with.")
    failing: int = Field(description="Their rule fails, so that nobody judges them at present.")


class Alerts(BaseModel):
    """Open alerts: how many, and the first of them, raised ones first, the worst first."""

    counts: list[AlertCount] = Field(description="By severity, the worst first; those that there are.")
    first: list[Alert]


class Status(BaseModel):
    """The platform and the city at `now`, by the database's clock."""

    now: datetime
    time_zone: str = Field(description="The city's zone, which times are shown in.")
    ready: bool
    checks: dict[str, Check]
    ledger: Account
    alerts: Alerts
    domains: list[DomainStatus]
    metrics: dict[str, dict[str, Metric]] = Field(description="By domain and name, those that have values.")
    sites: list[SiteStatus]
    quarantine: list[Quarantined] | None = Field(description="null: not for those who see a part of the city only.")
    collectors: list[CollectorStatus] | None = Field(description="null: likewise.")

    model_config = ConfigDict(json_schema_extra={"example": STATUS})
