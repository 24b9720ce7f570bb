"""The documents of the overview: a card for each domain, counts of alerts, and the platform itself."""

from __future__ import annotations

from pydantic import AwareDatetime, BaseModel, Field

from api.access.scopes import Titled
from api.health import Readiness
from api.pages.documents import FigureNumber, PageFigure
from api.views.documents import Account, Words
from rules.alerts.decision import FLOOD_BEGINS, FLOOD_ENDS


class SeverityCount(BaseModel):
    """Open alerts of a severity."""

    severity: int
    open: int
    raised: int = Field(description="Of these, those whose condition still holds.")
    unjudged: int
    overdue: int = Field(description="Of these, those past the deadline of their present step.")


class Flood(BaseModel):
    """Alerts of the last ten minutes; in a flood, announcements of a region are folded."""

    rate: int = Field(description="Alerts that began in the last 10 minutes.")
    begins: int = Field(FLOOD_BEGINS, description="A flood begins above so many in 10 minutes ...")
    ends: int = Field(FLOOD_ENDS, description="... and ends below so many.")
    since: AwareDatetime | None = Field(description="When the first flood that lasts began; null: there is none.")


class DeviceStates(BaseModel):
    """Devices by whether they are heard; silent is who has sent nothing for two of its intervals."""

    total: int
    online: int = Field(description="By their last word.")
    heard: int
    silent: int
    unheard: int = Field(description="Listed, and never heard of.")
    silent_since: AwareDatetime | None = Field(description="Since when the longest of them is silent.")


class CardFigure(PageFigure):
    """A figure with its number."""

    unit: str | None
    number: FigureNumber


class WorstAlert(BaseModel):
    """The open alert of a domain that needs attention first."""

    id: int
    severity: int
    title: Words
    place: Words
    raised_at: AwareDatetime


class Card(BaseModel):
    """A domain on the overview."""

    domain: Titled
    alerts: list[SeverityCount]
    devices: DeviceStates
    vital: CardFigure | None = Field(description="null: no domain of the catalogue, but a source of alerts.")
    beside: list[CardFigure]
    worst: WorstAlert | None


class Platform(BaseModel):
    """The platform itself, as far as the caller sees it."""

    readiness: Readiness
    devices: DeviceStates
    rate: float = Field(description="Readings received in a second, the mean of this hour and the one before.")
    ledger: Account
    quarantine: int | None = Field(description="What waits in quarantine; null: beyond the scope.")


class Overview(BaseModel):
    """The city at a glance."""

    now: AwareDatetime
    alerts: list[SeverityCount] = Field(description="All domains, severity 1 to 4.")
    ages: list[list[int]] = Field(
        description="Open alerts: a row for each severity, in it those younger than 15 minutes, 1, 4 and 24 hours, and "
        "older ones.",
        examples=[[[1, 1, 0, 0, 0], [1, 0, 5, 0, 0], [1, 5, 2, 7, 0], [0, 0, 7, 7, 10]]],
    )
    closed_at: AwareDatetime | None = Field(description="When an alert was closed last; null: none ever was.")
    flood: Flood
    domains: list[Card]
    platform: Platform
