"""What a shift hands over: what is open, what happened, what is silenced, and how the platform is."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from api.access import scopes
from api.access.scopes import Titled
from api.health import Check, Readiness
from api.views import alerts
from api.views.documents import AlertCount, DeviceCounts, Words
from api.views.rows import rows
from api.views.status import device_counts
from citybrain.access.model import Principal, Scope
from citybrain.catalogue.model import Catalogue
from citybrain.duty.shifts import Turn
from citybrain.store import alerts as store
from citybrain.store import boards
from citybrain.store.boards import OpenAlert
from citybrain.store.ledger import Totals
from citybrain.store.pools import Reader

OPEN_MOST = 200  # open alerts that are listed, those that need attention first; all are counted
SILENCES_MOST = 200  # shelves, and likewise windows, the newest first


class Person(BaseModel):
    """Somebody who was on duty."""

    name: str
    title: str
    begun_at: datetime
    ended_at: datetime | None


class Happening(BaseModel):
    """How often what happened to alerts of a severity."""

    severity: int
    raised: int
    reopened: int
    cleared: int
    confirmed: int
    refuted: int = Field(description="Judged false.")
    dispatched: int
    fed_back: int
    closed: int
    overdue: int = Field(description="Deadlines missed.")


class OpenEntry(BaseModel):
    """An open alert, as it stood."""

    id: int
    severity: int
    title: Words
    place: Words
    region_title: Words | None
    domain: str
    raised: bool
    raised_at: datetime
    handling: str
    crew: str | None
    crew_title: Words | None
    due_step: str | None
    due_at: datetime | None
    overdue: bool


class Silence(BaseModel):
    """A shelf or a maintenance window."""

    id: int
    what: str = Field(description="Patterns of a shelf; region, domain, site and device of a window.")
    until: datetime
    reason: str
    by: str


class LedgerPart(BaseModel):
    """The account of the time: received = stored + duplicate + quarantined."""

    received: int
    stored: int
    duplicate: int
    quarantined: int
    revised: int
    unbalanced: int = Field(description="Hours of devices that don't add up; 0 when nothing was lost.")


class HandoverContent(BaseModel):
    """What is handed over, as its maker may see it; it never changes."""

    begin_at: datetime
    end_at: datetime
    shift: Words | None = Field(description="What the shift is called that was worked at its end.")
    regions: list[Titled] | None = Field(description="Each with all below it; null: all.")
    domains: list[Titled] | None
    made_by: str = Field(examples=["li.xm"])
    made_by_title: str = Field(examples=["李雪梅"])
    note: str = Field(examples=["临河区 3 号泵站今夜有检修，压力可能偏低。"])
    people: list[Person] = Field(description="Who was on duty in that time.")
    counts: list[AlertCount] = Field(description="Open alerts at its end, the worst first.")
    open: list[OpenEntry] = Field(description="The first 200 of these, by attention.")
    happened: list[Happening] = Field(description="In that time, the worst first.")
    shelves: list[Silence] = Field(description="In force at its end.")
    maintenance: list[Silence] = Field(description="Not over at its end.")
    ready: bool
    checks: dict[str, Check] = Field(description="As `/health/ready`.")
    devices: DeviceCounts
    ledger: LedgerPart


class Handover(BaseModel):
    """A handover, signed by who hands over, and by who takes over as soon as somebody did."""

    id: int
    begin_at: datetime
    end_at: datetime
    shift: Words | None
    regions: list[Titled] | None
    domains: list[Titled] | None
    made_by: str
    made_by_title: str
    made_at: datetime
    digest: str = Field(description="SHA-256 of `content` as compact JSON in UTF-8 with sorted keys.")
    taken_by: str | None = Field(description="null: nobody took over yet.")
    taken_by_title: str | None
    taken_at: datetime | None
    taken_note: str | None
    taken_digest: str | None = Field(description="SHA-256 of `digest` with who took over, when, and the words.")
    intact: bool = Field(description="Both digests are those of what stands here.")


class SignedHandover(Handover):
    """A handover with all that is handed over."""

    content: HandoverContent


class Frame(BaseModel):
    """What a handover is about."""

    begin_at: datetime
    end_at: datetime
    note: str
    people: list[Person]


async def compose(
    reader: Reader,
    maker: Principal,
    frame: Frame,
    turn: Turn | None,
    outer: list[str] | None,
    readiness: Readiness,
    catalogue: Catalogue,
) -> HandoverContent:
    """What there is to hand over; `outer` are the maker's regions and all that they lie in, None: all."""
    scope, end = maker.scope, frame.end_at
    shelves = await store.shelves(reader, scope, end, over=False, before=None, limit=SILENCES_MOST)
    windows = await store.windows(reader, scope, outer, end, over=False, before=None, limit=SILENCES_MOST)
    title = turn.shift.title if turn else None
    return HandoverContent(
        **frame.model_dump(),
        shift=Words(zh=title.zh, en=title.en) if title else None,
        regions=scopes.regions(scope.regions, catalogue),
        domains=scopes.domains(scope.domains, catalogue),
        made_by=maker.label,
        made_by_title=maker.title,
        counts=[AlertCount.model_validate(row._asdict()) for row in await boards.alert_counts(reader, scope)],
        open=[_entry(row) for row in await store.page(reader, scope, store.Filter(), "attention", None, OPEN_MOST)],
        happened=[
            Happening(**row._asdict()) for row in await store.happened(reader, scope, frame.begin_at, frame.end_at)
        ],
        shelves=[
            Silence(id=one.id, what=f"{one.rule} {one.subject}", until=one.until, reason=one.reason, by=one.by)
            for one in shelves
        ],
        maintenance=[
            Silence(id=one.id, what=_place(one), until=one.end_at, reason=one.reason, by=one.by) for one in windows
        ],
        ready=readiness.ready,
        checks=readiness.checks,
        devices=device_counts(await boards.devices(reader, scope)),
        ledger=await _ledger(reader, scope, frame),
    )


def _entry(row: OpenAlert) -> OpenEntry:
    shown = alerts.alert(row).model_dump(include=set(OpenEntry.model_fields))
    return OpenEntry(**shown)


def _place(window: store.Window) -> str:
    return " ".join(part for part in (window.region, window.domain, window.site, window.device) if part)


async def _ledger(reader: Reader, scope: Scope, frame: Frame) -> LedgerPart:
    asked = {"since": frame.begin_at, "until": frame.end_at, "within": None, "domain": None, "device": None}
    (totals,) = await rows(reader, Totals, "api_ledger", "totals", **asked, **scope.parameters())
    return LedgerPart(**totals._asdict())
