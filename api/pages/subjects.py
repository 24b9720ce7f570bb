"""Tables and tiles: sites or groups of sites, the worst first, with what is measured at each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from api.access.scopes import Titled
from api.pages import trends
from api.pages.asked import Asked
from api.pages.documents import Cell, Subject, TableData
from api.pages.figures import combined
from api.pages.trends import Points
from api.views.documents import Words
from api.views.rows import rows, tuples
from api.views.status import states
from citybrain.catalogue.model import Domain
from citybrain.catalogue.pages import Across, Column, Table

Days = dict[date, float]


class _Ranked(NamedTuple):
    id: str
    zh: str
    en: str
    kind: str
    region: str
    region_zh: str
    region_en: str
    severity: int | None
    alerts: int
    unjudged: bool
    total: int


class _Measured(NamedTuple):
    subject: str
    column: int
    of: int
    n: int
    time: datetime
    mean: float | None
    sum: float | None
    low: float | None
    high: float | None
    newest: float | None
    series: list[int]


async def read(asked: Asked, domain: Domain, id: str, kind: Literal["table", "tiles"], table: Table) -> TableData:
    """The rows of a table."""
    columns = table.columns
    order = next((column for column in columns if table.order and column.metric == table.order.metric), None)
    ranking = {
        "domain": domain.id,
        "gather": table.gather,
        "kinds": table.kinds or None,
        "metric": order.metric if order else None,
        "across": _across(order, domain) if order else "mean",
        "measured_at": (order.kinds or None) if order else None,
        "worst": table.order.worst if table.order else "high",
        "shown": [column.metric for column in columns] if table.measured else None,
        "most": table.most,
    }
    ranked = await rows(asked.reader, _Ranked, "api_pages", "ranked", **asked.parameters(), **ranking)
    among = {
        "domain": domain.id,
        "gather": table.gather,
        "subjects": [one.id for one in ranked],
        "metrics": [column.metric for column in columns],
        "measured_at": [",".join(column.kinds) for column in columns],
    }
    found = await rows(asked.reader, _Measured, "api_pages", "cells", **asked.parameters(), **among)
    hours = await _hours(asked, domain, columns, found)
    days = await _days(asked, domain, columns, found)
    cells: dict[str, dict[int, Cell]] = defaultdict(dict)
    for at, row in enumerate(found):
        column = columns[row.column - 1]
        cells[row.subject][row.column] = _cell(asked, domain, column, row, hours.get(at, {}), days.get(at, {}))
    return TableData(
        panel=id,
        kind=kind,
        now=asked.now,
        total=ranked[0].total if ranked else 0,
        day=asked.day,
        rows=[_subject(one, [cells[one.id].get(at) for at in range(1, len(columns) + 1)]) for one in ranked],
    )


def _across(column: Column, domain: Domain) -> Across:
    return column.combined(domain.metrics[column.metric])


async def _hours(
    asked: Asked, domain: Domain, columns: Sequence[Column], found: Sequence[_Measured]
) -> dict[int, dict[datetime, float]]:
    """The hours of those cells that show any, by their place in `found`."""
    chosen = [at for at, row in enumerate(found) if _shows_hours(columns[row.column - 1])]
    start = trends.present(asked.now) - trends.REACH
    hours: dict[int, dict[datetime, float]] = defaultdict(dict)
    keys = _keys(domain, columns, found, chosen)
    for at, hour, value in await tuples(asked.reader, "api_pages", "hours", **keys, start=start, end=asked.now):
        hours[at][hour] = value
    return hours


async def _days(asked: Asked, domain: Domain, columns: Sequence[Column], found: Sequence[_Measured]) -> dict[int, Days]:
    """The days of those cells that show any, likewise."""
    chosen = [at for at, row in enumerate(found) if columns[row.column - 1].show == "days"]
    longest = max((columns[found[at].column - 1].days for at in chosen), default=1)
    start = _midnight(asked.day - timedelta(days=longest - 1), asked.zone)
    days: dict[int, Days] = defaultdict(dict)
    span = {"start": start, "end": asked.now, "zone": asked.zone.key}
    for at, day, value in await tuples(
        asked.reader, "api_pages", "days", **_keys(domain, columns, found, chosen), **span
    ):
        days[at][day] = value
    return days


def _keys(
    domain: Domain, columns: Sequence[Column], found: Sequence[_Measured], chosen: Sequence[int]
) -> dict[str, list[object]]:
    """The series of these cells, in parallel with their cell and how they are put together."""
    each = [(at, series) for at in chosen for series in found[at].series]
    return {
        "keys": [at for at, _ in each],
        "series": [series for _, series in each],
        "across": [_across(columns[found[at].column - 1], domain) for at, _ in each],
    }


def _shows_hours(column: Column) -> bool:
    return column.show == "trend" or column.usual


def _cell(asked: Asked, domain: Domain, column: Column, row: _Measured, hours: Points, days: Days) -> Cell:
    metric = domain.metrics[column.metric]
    value = combined(row, _across(column, domain))
    cell = Cell(
        value=value,
        states=[] if value is None else states(metric.kind, metric.states, value),
        time=row.time,
        n=row.n,
        of=row.of,
        usual=trends.usual(hours, asked.now) if column.usual else None,
        trend=trends.course(hours, asked.now) if column.show == "trend" else None,
    )
    found = trends.usual_spread(hours, asked.now, column.sigmas) if column.usual else None
    if column.show == "days":
        cell.days = [days.get(asked.day - timedelta(days=ago)) for ago in range(column.days - 1, -1, -1)]
        found = trends.spread(cell.days, column.sigmas)
    if found:
        cell.median, cell.low, cell.high = found
    return cell


def _subject(one: _Ranked, cells: list[Cell | None]) -> Subject:
    return Subject(
        id=one.id,
        title=Words(zh=one.zh, en=one.en),
        kind=one.kind,
        region=Titled(id=one.region, title=Words(zh=one.region_zh, en=one.region_en)),
        severity=one.severity,
        alerts=one.alerts,
        unjudged=one.unjudged,
        time=max((cell.time for cell in cells if cell and cell.time), default=None),
        cells=cells,
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)
