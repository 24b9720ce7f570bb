"""What a domain's page is made of: its file in words, with the limits that are in force. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from api.access.scopes import Titled
from api.pages import states
from api.pages.documents import Coded, DomainPage, Level, PageColumn, PageFigure, PageMetric, PagePanel, PageVital
from api.pages.figures import Wanted, level
from api.views import titles
from api.views.documents import Words
from citybrain.catalogue.model import Domain, Metric
from citybrain.catalogue.pages import (
    Column,
    Curve,
    Figure,
    Map,
    Measure,
    Page,
    Panel,
    Series,
    States,
    Subjects,
    Table,
    Tiles,
)
from rules import levels

DAY_HOURS = 24

Known = Mapping[str, list[levels.Level]]
"""Limits by metric."""


def describe(domain: Domain, page: Page, known: Known) -> DomainPage:
    """The structure of a page."""
    panels = [_panel(domain, id, panel, known) for id, panel in page.panels.items()]
    vital = PageVital(
        **describe_figure(domain, page.vital, known).model_dump(),
        beside=[describe_figure(domain, one, known) for one in page.vital.beside],
    )
    names = dict.fromkeys(_metrics([vital, *vital.beside], panels))
    return DomainPage(
        domain=Titled(id=domain.id, title=titles.words(domain.title)),
        vital=vital,
        metrics=[_metric(domain.metrics[name], known.get(name, [])) for name in names],
        panels=panels,
    )


def describe_figure(domain: Domain, figure: Figure, known: Known) -> PageFigure:
    """A figure in words, with the limit that makes it a share."""
    wanted = Wanted(domain, figure)
    kept = level(wanted, {domain.id: known})
    return PageFigure(
        title=_title(domain, figure),
        metric=figure.metric,
        across="share" if figure.keeps else wanted.across,
        keeps=_level(kept) if kept else None,
    )


def _metrics(figures: list[PageFigure], panels: list[PagePanel]) -> Iterator[str]:
    yield from (figure.metric for figure in figures)
    for panel in panels:
        yield from (figure.metric for figure in panel.figures)
        yield from (column.metric for column in panel.columns)
        yield from panel.metrics


def _panel(domain: Domain, id: str, panel: Panel, known: Known) -> PagePanel:
    """A panel; each kind fills what it knows."""
    content = panel.content
    told = PagePanel(id=id, kind=panel.kind, title=Words(zh=panel.title.zh, en=panel.title.en))
    if isinstance(content, list):
        return told.model_copy(update={"figures": [describe_figure(domain, one, known) for one in content]})
    told.site_kinds = [states.kind(domain, kind) for kind in content.kinds]
    if isinstance(content, Subjects) and content.gather:
        attribute = domain.site_attributes[content.gather]
        told.gather = Titled(id=content.gather, title=titles.words(attribute.title))
    if isinstance(content, Table | Tiles):
        table = content.table() if isinstance(content, Tiles) else content
        told.columns = [_column(domain, column) for column in table.columns]
        told.order, told.worst = (table.order.metric, table.order.worst) if table.order else (None, None)
    elif isinstance(content, Curve):
        told.metrics, told.hours = [content.metric, content.over], content.days * DAY_HOURS
    elif isinstance(content, Series):
        told.metrics, told.hours = content.metrics, content.hours
    elif isinstance(content, States):
        told.metrics = [content.metric] if content.metric else []
        told.normal = states.normal(domain, content)
    elif isinstance(content, Map):
        told.metrics = [content.metric] if content.metric else []
    return told


def _column(domain: Domain, column: Column) -> PageColumn:
    has_days = column.show == "days"
    return PageColumn(
        title=_title(domain, column),
        metric=column.metric,
        across=column.combined(domain.metrics[column.metric]),
        show=column.show,
        usual=column.usual,
        days=column.days if has_days else None,
        sigmas=column.sigmas if has_days or column.usual else None,
    )


def _title(domain: Domain, measure: Measure) -> Words:
    return titles.words(measure.title.text() if measure.title else domain.metrics[measure.metric].title)


def _metric(metric: Metric, limits: list[levels.Level]) -> PageMetric:
    return PageMetric(
        id=metric.name,
        title=titles.words(metric.title),
        kind=metric.kind,
        unit=metric.unit,
        interval_s=metric.interval.total_seconds() if metric.interval else None,
        derived=metric.derived,
        states=[
            Coded(id=name, code=code, title=titles.words(metric.state_titles[name]))
            for name, code in metric.states.items()
        ],
        limits=[_level(one) for one in limits],
    )


def _level(found: levels.Level) -> Level:
    return Level.model_validate(found, from_attributes=True)
