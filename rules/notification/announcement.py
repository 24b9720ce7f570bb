"""What is told about an alert, and the JSON of it that the MQTT topic carries."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, computed_field

from citybrain.catalogue.model import Text
from rules.alerts.model import AnnouncementKind


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Limit(_Part):
    """A limit and where it comes from."""

    name: str
    """Its name in the rule; `limit` where the rule has one."""
    value: float | str | bool | None = None
    """The number that counted; null where none did."""
    unit: str | None = None
    source: str = ""
    """The plan or standard, or `platform default`."""
    clause: str | None = None
    plan: str | None = None
    """The plan and indicator that it comes from."""
    confidence: str | None = None
    """A two independent sources, B one, C from memory of the text, S a platform default."""


class Mark(_Part):
    """An event of an alert that is news."""

    event: int
    at: datetime


class Announcement(_Part):
    """What `city/<region>/<domain>/alert` carries: news of one alert, or of a flood of them."""

    id: int
    """Id of the announcement. It may come twice: what has been seen is known by its id."""
    at: datetime
    """When it was announced."""
    kind: AnnouncementKind
    """What happened to the alert; deadline: a step of its handling is overdue; flood: many alerts at once."""
    severity: int = Field(ge=1, le=4)
    """1 red, 2 orange, 3 yellow, 4 blue; of a cleared alert, what it was."""
    region: str
    """The alert's region; where it has none, the root of the regions."""
    domain: str
    """The domain of the alert's rule."""
    text: Text
    """The announcement as one sentence."""
    alert: int | None = None
    """Id of the alert; null where the announcement is about many, and then so are all below."""
    rule: str | None = None
    version: int | None = None
    """Version of the rule that raised the alert."""
    subject: str | None = None
    """Whose alert it is: a series, device, site, gateway or region by its id, or a text."""
    place: Text | None = None
    """Name of its site, else of its region."""
    title: Text | None = None
    """What happened, in the rule's words."""
    advice: Text | None = None
    """What to do, in the rule's words."""
    raised_at: datetime | None = None
    """Time of the reading that raised it."""
    cleared_at: datetime | None = None
    value: float | str | bool | None = None
    """The value that decided, in the metric's unit."""
    limits: tuple[Limit, ...] = ()
    """What it was judged against."""
    event: int | None = None
    """Id of the alert's event that it tells of."""
    longitude: float | None = None
    """Of the alert's site, in degrees, WGS84."""
    latitude: float | None = None
    """Of the alert's site, in degrees, WGS84."""
    marks: tuple[Mark, ...] = Field((), exclude=True)
    """Events of the alert that were news, up to this one, oldest first."""

    @property
    def topic(self) -> str:
        """Where the broker has it."""
        return f"city/{self.region}/{self.domain}/alert"

    @computed_field  # type: ignore[prop-decorator]  # mypy has no decorated properties
    @property
    def link(self) -> str | None:
        """The alert's page, as a path on the platform."""
        return None if self.alert is None else f"/alerts/{self.alert}"
