"""The documents of pages: what a page is made of, and what each kind of panel shows."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, Field

from api.access.scopes import Titled
from api.views.documents import Words
from api.views.resolution import Resolution
from api.views.rules import RuleLimit
from citybrain.catalogue.model import MetricKind
from citybrain.catalogue.pages import Across, PanelKind, Worst
from rules.conditions.comparisons import Operator

Combined = Across | Literal["share"]
Trend = Annotated[
    list[float | None] | None,
    Field(description="Hourly means of 24 hours, the present one last; null in it: no data. null: it has no course."),
]
Band = Annotated[
    list[tuple[float, float] | None] | None,
    Field(description="For each hour of the trend 10 and 90 % of the same hour of the last 7 days; null: too few."),
]

# ── structure ───────────────────────────────────────────────────────────────────────────────────────────


class Coded(Titled):
    """A state, or of flags one of them, and the code that stands for it."""

    code: int


class Level(RuleLimit):
    """A limit of a rule in force: an alert is raised where the value lies beyond it."""

    rule: str = Field(examples=["water.end_pressure"])
    rule_title: Words
    operator: Operator = Field(description="How the value stands to the limit when the alert is raised.")
    absolute: bool = Field(description="Whether the value's distance from zero is meant, on either side.")
    series_where: str | None = Field(description="The series that the rule judges; null: all of the metric.")


class PageMetric(Titled):
    """A metric of the page, and the limits of rules in force that its value is held against."""

    kind: MetricKind
    unit: str | None = Field(examples=["MPa"])
    interval_s: float | None = Field(description="Seconds between two readings; after two without one it is stale.")
    derived: bool = Field(description="Whether it is computed: its time is the start of what it is about.")
    states: list[Coded]
    limits: list[Level]


class PageFigure(BaseModel):
    """One number of the whole domain."""

    title: Words
    metric: str = Field(examples=["pressure"])
    across: Combined = Field(description="How series become one number; `share`: the percentage that keeps `keeps`.")
    keeps: Level | None = Field(None, description="The limit of a share; null: none, or its rule is not in force.")


class PageVital(PageFigure):
    """The number that says most about the domain, with up to two beside it."""

    beside: list[PageFigure]


class PageColumn(BaseModel):
    """What a table tells of each subject."""

    title: Words
    metric: str = Field(examples=["pressure"])
    across: Across
    show: Literal["value", "bar", "trend", "days"]
    usual: bool = Field(description="Whether the mean of the same time of 7 days stands beside it.")
    days: int | None = Field(description="Days that are shown, of `show: days`.", examples=[28])
    sigmas: float | None = Field(description="Standard deviations that are usual, of `days` or `usual`.", examples=[3])


class PagePanel(BaseModel):
    """A panel; of the rest of its keys it has those that its kind knows."""

    id: str = Field(examples=["zones"])
    kind: PanelKind
    title: Words
    site_kinds: list[Titled] = Field([], description="Its sites; none: all of the domain.")
    gather: Titled | None = Field(None, description="The attribute of sites by which they belong to a subject.")
    figures: list[PageFigure] = Field([], description="Of `vitals`.")
    columns: list[PageColumn] = Field([], description="Of `table` and `tiles`.")
    metrics: list[str] = Field([], description="Of `series`, `curve` (y, then x), `states` and `map`.")
    order: str | None = Field(None, description="The metric that orders subjects, after alerts.")
    worst: Worst | None = Field(None, description="Which end of that metric comes first.")
    hours: int | None = Field(None, description="How far back its points go.", examples=[24])
    normal: list[str] = Field([], description="Of `states`: those that are as they should be.")


class DomainPage(BaseModel):
    """A domain's page: what there is to draw. The numbers are the panels' own."""

    domain: Titled
    vital: PageVital
    metrics: list[PageMetric] = Field(description="All that its panels name.")
    panels: list[PagePanel]


# ── numbers ─────────────────────────────────────────────────────────────────────────────────────────────


class Number(BaseModel):
    """Newest readings put together: of the `of` series that ever reported, `n` are fresh and good."""

    value: float | None = Field(description="null: no reading is fresh and good.", examples=[0.31])
    states: list[str] = Field([], description="Of a coded metric: the states that the value stands for.")
    time: AwareDatetime | None = Field(description="Of the newest reading, too old or not; null: there never was one.")
    n: int = Field(examples=[14])
    of: int = Field(examples=[15])


class FigureNumber(Number):
    """A figure's number with its context."""

    place: Titled | None = Field(None, description="Where the highest, lowest or newest was measured.")
    trend: Trend = None
    band: Band = None
    usual: float | None = Field(None, description="The mean of the same time of the last 7 days, from hourly means.")


class Cell(Number):
    """A column's number at one subject, with what its column shows beside it."""

    usual: float | None = Field(None, description="The mean of the same time of the last 7 days, from hourly means.")
    trend: Trend = None
    days: list[float | None] | None = Field(None, description="Means of days of the city, today last.")
    median: float | None = Field(None, description="Of the days; where there are none, of the same time of 7 days.")
    low: float | None = Field(None, description="Least that is usual: median less so many standard deviations.")
    high: float | None = None


class Subject(Titled):
    """A site, or a group of sites that goes by the name of one."""

    kind: str = Field(examples=["zone"])
    region: Titled
    severity: int | None = Field(description="Of its worst open alert; null: none is open.")
    alerts: int = Field(description="Open alerts.")
    unjudged: bool = Field(description="Whether one of them is not judged yet.")
    time: AwareDatetime | None = Field(description="Of its newest reading here; null: there never was one.")
    cells: list[Cell | None] = Field(description="By column; null: nothing of the kind is measured here.")


class Point(BaseModel):
    """One value of a line."""

    time: AwareDatetime
    value: float | None


class Line(BaseModel):
    """The course of one series, or of the mean of many."""

    metric: str = Field(examples=["pressure"])
    series: int | None = Field(description="null: the mean of all.")
    site: Titled | None
    resolution: Resolution = Field(description="`raw`: each is a reading; else the means of spans.")
    step_s: int | None
    points: list[Point]
    band: list[tuple[AwareDatetime, float, float]] = Field(description="Hours with 10 and 90 % of the last 7 days.")


class CurvePoint(BaseModel):
    """An instant: what was, what should be, and where."""

    x: float
    y: float
    reference: float = Field(description="What y should be at this x.")
    time: AwareDatetime
    site: Titled | None = Field(None, description="null: the mean of all, or what is selected.")


class Count(BaseModel):
    """Sites of one kind in one state."""

    kind: Titled
    state: str = Field(
        description="A state of the metric, `true` or `false`; `alert_1` to `alert_4`, `normal`; `silent`, `unheard`.",
        examples=["alert_1"],
    )
    normal: bool
    sites: int


class Abnormal(Titled):
    """A site that is not as it should be."""

    kind: Titled
    region: Titled
    state: str
    severity: int | None
    since: AwareDatetime | None = Field(
        description="When the alert was raised, the state told last, or the newest reading came."
    )


# ── panels ──────────────────────────────────────────────────────────────────────────────────────────────


class _Data(BaseModel):
    panel: str = Field(examples=["zones"])
    now: AwareDatetime


class VitalsData(_Data):
    """A number for each figure."""

    kind: Literal["vitals"] = "vitals"
    figures: list[FigureNumber]


class TableData(_Data):
    """Subjects, those with alerts first; of `total` the first."""

    kind: Literal["table", "tiles"]
    total: int
    day: date = Field(description="The last of the days, in the city's zone.")
    rows: list[Subject]


class CurveData(_Data):
    """Hours of what is selected or of all, the newest of each subject, and the reference from low x to high."""

    kind: Literal["curve"] = "curve"
    hours: list[CurvePoint]
    newest: list[CurvePoint]
    reference: list[tuple[float, float]] = Field(description="x and what y should be there.")


class SeriesData(_Data):
    """A line for each series of what is selected, or for each metric the mean of all."""

    kind: Literal["series"] = "series"
    start: AwareDatetime
    lines: list[Line]
    more: bool = Field(description="Whether there are series that are not shown.")


class StatesData(_Data):
    """Counts by kind and state, and the first of those that are not normal, the worst first."""

    kind: Literal["states"] = "states"
    counts: list[Count]
    abnormal: list[Abnormal]


class MapData(_Data):
    """Sites as columns of equal length, by id."""

    kind: Literal["map"] = "map"
    sites: list[str]
    longitude: list[float]
    latitude: list[float]
    severity: list[int | None]
    value: list[float | None]
    time: list[AwareDatetime | None]


PanelData = Annotated[
    VitalsData | TableData | CurveData | SeriesData | StatesData | MapData, Field(discriminator="kind")
]
