"""Courses of what is selected, or of all as a mean; and curves: a metric over another one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from api.access.scopes import Titled
from api.pages import trends
from api.pages.asked import Asked
from api.pages.documents import CurveData, CurvePoint, Line, Point, SeriesData
from api.pages.trends import DAY, HOUR, Points
from api.views import history
from api.views.documents import Words
from api.views.history import Part
from api.views.resolution import HOUR as HOURLY
from api.views.resolution import RAW, Step, clamp, finest
from api.views.rows import rows, tuples
from api.web.problems import Refusal
from citybrain.catalogue.model import Domain
from citybrain.catalogue.pages import Curve, Series

Hours = dict[datetime, float]  # by their start

MOST_LINES = 12  # series of one subject that are drawn
POINTS = 500  # of one line; a chart is some hundred pixels wide
MOST_PLACES = 300  # subjects of a curve, those furthest from it first


class _Subject(NamedTuple):
    id: str
    zh: str
    en: str
    kind: str
    region: str


class _Member(NamedTuple):
    series: int
    metric: str
    site: str
    zh: str
    en: str

    @property
    def titled(self) -> Titled:
        """Its site."""
        return Titled(id=self.site, title=Words(zh=self.zh, en=self.en))


class _Newest(NamedTuple):
    id: str
    zh: str
    en: str
    x: float
    y: float
    reference: float
    time: datetime


async def read(asked: Asked, domain: Domain, id: str, panel: Series, sel: str | None) -> SeriesData:
    """A line for each series of the selected subject; for each metric the mean of all where none is selected."""
    start = clamp(asked.now - timedelta(hours=panel.hours))
    if sel is None:
        lines = [await _mean(asked, domain, name, start, panel.band) for name in panel.metrics]
        return SeriesData(panel=id, now=asked.now, start=start, lines=lines, more=False)
    await _selected(asked, domain, sel)
    members = await _members(asked, panel.gather, sel, panel.metrics)
    shown = members[:MOST_LINES]
    lines = await _lines(asked, shown, start, panel)
    return SeriesData(panel=id, now=asked.now, start=start, lines=lines, more=len(members) > len(shown))


async def read_curve(asked: Asked, domain: Domain, id: str, panel: Curve, sel: str | None) -> CurveData:
    """Points of each hour of what is selected, or of the means of all, and the newest of each subject."""
    start = trends.present(asked.now) - panel.days * DAY
    if sel is None:
        names = [panel.over, panel.metric, panel.deviation]
        x, y, away = await _region_hours(asked, domain, names, start)
    else:
        subject = await _selected(asked, domain, sel)
        x, y, away = await _selected_hours(asked, domain, panel, subject, start)
    hours = [
        CurvePoint(x=x[t], y=y[t], reference=y[t] - away[t], time=t) for t in sorted(x.keys() & y.keys() & away.keys())
    ]
    named = {"domain": domain.id, "over": panel.over, "metric": panel.metric, "deviation": panel.deviation}
    some = {"kinds": panel.kinds or None, "most": MOST_PLACES}
    found = await rows(asked.reader, _Newest, "api_pages", "curve", **asked.parameters(), **named, **some)
    newest = [
        CurvePoint(
            x=one.x,
            y=one.y,
            reference=one.reference,
            time=one.time,
            site=Titled(id=one.id, title=Words(zh=one.zh, en=one.en)),
        )
        for one in found
    ]
    return CurveData(panel=id, now=asked.now, hours=hours, newest=newest, reference=_reference(hours))


async def _selected(asked: Asked, domain: Domain, sel: str) -> _Subject:
    """The site that is selected.

    Raises:
        Refusal: 404, the caller sees no such site of the domain.
    """
    named = {"sel": sel, "domain": domain.id}
    found = await rows(asked.reader, _Subject, "api_pages", "subject", **asked.parameters(), **named)
    if not found:
        raise Refusal(404, f"There is no site {sel} of {domain.id}.", f"{domain.title.zh}没有点位 {sel}。")
    return found[0]


async def _members(asked: Asked, gather: str | None, sel: str, metrics: Sequence[str]) -> list[_Member]:
    values = {"gather": gather, "sel": sel, "metrics": list(metrics), "most": MOST_LINES + 1}
    return await rows(asked.reader, _Member, "api_pages", "members", **asked.parameters(), **values)


async def _mean(asked: Asked, domain: Domain, metric: str, start: datetime, has_band: bool) -> Line:
    (points,) = await _region_hours(asked, domain, [metric], start - trends.BAND_DAYS * DAY)
    return Line(
        metric=metric,
        series=None,
        site=None,
        resolution="hour",
        step_s=HOURLY.seconds,
        points=[Point(time=hour, value=points[hour]) for hour in sorted(points) if hour >= start],
        band=_band(points, asked.now, start) if has_band else [],
    )


async def _lines(asked: Asked, members: Sequence[_Member], start: datetime, panel: Series) -> list[Line]:
    """The line of each series, as finely as all of them can be told, and its band."""
    ids = sorted(member.series for member in members)
    part = Part(start, clamp(asked.now), await _step(asked, ids, start))
    told = await history.tell(asked.reader, ids, part, "good", asked.zone.key, POINTS * max(1, len(ids)))
    points: dict[int, list[Point]] = defaultdict(list)
    for series, time, value, *_ in told.points:
        points[series].append(Point(time=time, value=value))
    bands: dict[int, Hours] = defaultdict(dict)
    if panel.band:
        keys = {"keys": ids, "series": ids, "across": ["mean"] * len(ids)}
        span = {"start": start - trends.BAND_DAYS * DAY, "end": asked.now}
        for series, hour, value in await tuples(asked.reader, "api_pages", "hours", **keys, **span):
            bands[series][hour] = value
    return [
        Line(
            metric=member.metric,
            series=member.series,
            site=member.titled,
            resolution=part.step.resolution,
            step_s=part.step.seconds,
            points=points[member.series],
            band=_band(bands[member.series], asked.now, start) if panel.band else [],
        )
        for member in members
    ]


async def _step(asked: Asked, ids: list[int], start: datetime) -> Step:
    """Each reading, or the finest buckets of which no line has more than POINTS."""
    if not await history.crowded(asked.reader, ids, start, asked.now, "good", POINTS):
        return RAW
    return finest(asked.now - start, POINTS, of_readings=True)


def _band(points: Points, now: datetime, start: datetime) -> list[tuple[datetime, float, float]]:
    """What is usual at each hour since `start`, for those that have a band."""
    hours = int((trends.present(now) - start) / HOUR) + 1
    first = trends.present(now) - (hours - 1) * HOUR
    bounds = trends.band(points, now, hours)
    return [(first + at * HOUR, low, high) for at, found in enumerate(bounds) if found for low, high in (found,)]


async def _region_hours(asked: Asked, domain: Domain, metrics: Sequence[str], start: datetime) -> list[Hours]:
    """The hourly means of each metric, of all series of the regions that are asked for."""
    among = {"of_domains": [domain.id] * len(metrics), "metrics": list(metrics), "start": start, "end": asked.now}
    found: list[Hours] = [{} for _ in metrics]
    for at, hour, mean in await tuples(asked.reader, "api_pages", "region_hours", **asked.parameters(), **among):
        found[at - 1][hour] = mean
    return found


async def _selected_hours(
    asked: Asked, domain: Domain, panel: Curve, subject: _Subject, start: datetime
) -> tuple[Hours, Hours, Hours]:
    """Hours of a subject's own y and deviation, and of x anywhere in its region."""
    there = Asked(asked.reader, asked.catalogue, asked.scope, [subject.region], asked.now, asked.zone)
    (x,) = await _region_hours(there, domain, [panel.over], start)
    members = await _members(asked, panel.gather, subject.id, [panel.metric, panel.deviation])
    own: dict[str, Hours] = {panel.metric: {}, panel.deviation: {}}
    keys = {
        "keys": [int(member.metric == panel.deviation) for member in members],
        "series": [member.series for member in members],
        "across": ["mean"] * len(members),
    }
    for at, hour, value in await tuples(asked.reader, "api_pages", "hours", **keys, start=start, end=asked.now):
        own[panel.deviation if at else panel.metric][hour] = value
    return x, own[panel.metric], own[panel.deviation]


def _reference(hours: Iterable[CurvePoint]) -> list[tuple[float, float]]:
    """What y should be, from the lowest x to the highest."""
    return sorted((point.x, point.reference) for point in hours)
