"""The board of a domain, made of its page: `domains/<id>/page.yaml`, or the page that stands in where there is none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from grafana_foundation_sdk.models.dashboard import Threshold
from psycopg import sql

from citybrain.catalogue.model import Domain, Metric
from citybrain.catalogue.pages import Curve, Figure, Map, Page, Panel, Series, States, Table, Tiles
from citybrain.catalogue.schema import Title
from deploy.boards import alerts, frame, thresholds
from deploy.boards.city import sites
from deploy.boards.fields import Field, named, severity, states, unit
from deploy.boards.figures import number, share
from deploy.boards.model import Board
from deploy.boards.panels import WIDTH, Layer, PanelBuilder, Size, bars, courses, maps, numbers, points, strips, tables
from deploy.boards.sources import Sql
from deploy.boards.statements import Expression, Scope
from deploy.boards.tables import Cells
from deploy.boards.thresholds import INK, NORMAL, SEVERITIES
from deploy.boards.variables import chosen, cockpit
from deploy.boards.words import Words
from rules.levels import Level, kept

_DAY = 24  # hours that a board shows when it is opened
_ALERTS = {f"alert_{level}": colour for level, colour in SEVERITIES.items()}
_QUIET = {
    "normal": NORMAL,
    "silent": "#8B7A9A",
    "unheard": "#B9C2CA",
}  # the cockpit's colours of what is stale and faint


class Shown(NamedTuple):
    """What the panels of a board are made with."""

    domain: Domain
    levels: Mapping[str, list[Level]]
    scope: Scope
    words: Words
    zone: str

    def metric(self, name: str) -> Metric:
        """A metric of the domain."""
        return self.domain.metrics[name]

    def steps(self, name: str, normal: str = thresholds.NONE) -> list[Threshold]:
        """The colours of a metric by the limits in force; none where no limit is one number."""
        found = self.constant(name)
        return thresholds.steps(found, normal) if found else []

    def constant(self, name: str) -> list[Level]:
        """The limits of a metric that are one number."""
        return thresholds.constant(self.levels.get(name, ()), name)

    def told(self, *names: str) -> str:
        """Where the limits of metrics are from."""
        return thresholds.told([level for name in names for level in self.constant(name)], self.words)


def board(domain: Domain, page: Page, levels: Mapping[str, list[Level]], words: Words, zone: str) -> Board:
    """The panels of the page, each number first, then open alerts and the map, then all else.

    Args:
        domain: What it is of.
        page: Its page.
        levels: The limits of rules in force, by metric of this domain.
        words: Of its language.
        zone: The city's zone.
    """
    shown = Shown(domain, levels, Scope(words.language, domain.id, by_site=True), words, zone)
    first = [one for panel in page.panels.values() if panel.kind == "vitals" for one in _panels(panel, shown)]
    others = [one for panel in page.panels.values() if panel.kind != "vitals" for one in _panels(panel, shown)]
    here = Scope(words.language, domain.id)
    panels = [
        *first,
        alerts.opened(shown.scope, words, Size(14, 9)),
        sites(here, words, Size(10, 9)),
        *others,
    ]
    variables = [cockpit(), chosen("region", here, words), chosen("site", here, words)]
    title = words("board.domain", title=words.of(domain.title))
    path = f"/domains/{domain.id}"
    name = frame.domain(domain.id)
    return frame.board(name, title, panels, variables, words, zone=zone, alerts=shown.scope, cockpit=path)


def _panels(panel: Panel, shown: Shown) -> Iterator[PanelBuilder]:
    match panel.content:
        case Table() as content:
            yield _table(panel.title, content, shown)
        case Tiles() as content:
            yield _strips(panel.title, content, shown)
            yield _table(panel.title, content.table(), shown)
        case Series() as content:
            yield _series(panel.title, content, shown)
        case Curve() as content:
            yield _curve(panel.title, content, shown)
        case States() as content:
            yield from _states(panel.title, content, shown)
        case Map() as content:
            yield _map(panel.title, content, shown)
        case figures:
            widths = _shares(len(figures))
            for figure, width in zip(figures, widths, strict=True):
                yield _figure(figure, Size(width, 4), shown)


def _shares(count: int) -> list[int]:
    """The width of the board in so many parts, the last one taking what is left."""
    part = WIDTH // count
    return [part] * (count - 1) + [WIDTH - part * (count - 1)]


def _figure(figure: Figure, size: Size, shown: Shown) -> PanelBuilder:
    metric = shown.metric(figure.metric)
    across = figure.combined(metric)
    level = kept(figure.keeps, shown.levels.get(metric.name, ())) if figure.keeps else None
    # The worst of all is held against the limits; a mean is not, for no limit is about it.
    coloured = shown.steps(metric.name, INK) if across in ("low", "high") and not figure.keeps else []
    statement = shown.scope.sql(
        "domain",
        "figure",
        metric=metric.name,
        kinds=figure.kinds or None,
        number=share(level) if level else number(across),
    )
    texts = states(metric, shown.words)
    field = Field("value", unit=unit("%" if figure.keeps else metric.unit), mapping=texts, steps=coloured)
    title = shown.words.of(figure.title or metric.title)
    told = thresholds.told([level], shown.words) if level else shown.told(metric.name) if coloured else ""
    return numbers(title, Sql(statement), [field], size, told)


def _table(title: Title, table: Table, shown: Shown) -> PanelBuilder:
    cells = Cells(table, shown.domain, shown.words)
    statement = shown.scope.sql("domain", "ranked", "table", **cells.ranking(), **cells.values(), zone=shown.zone)
    fields = [
        severity(shown.words),
        Field("title", shown.words("column.site"), links=[alerts.site_link(shown.words)]),
        *named(shown.words, "region"),
        *cells.fields(shown.steps),
        Field("site", hidden=True),
    ]
    told = shown.told(*dict.fromkeys(column.metric for column in table.columns))
    return tables(shown.words.of(title), Sql(statement), fields, Size(WIDTH, 10), told)


def _strips(title: Title, tiles: Tiles, shown: Shown) -> PanelBuilder:
    metric = shown.metric(tiles.metric)
    cells = Cells(tiles.table(), shown.domain, shown.words)
    statement = shown.scope.sql("domain", "ranked", "strips", **cells.ranking())
    steps = shown.steps(metric.name, NORMAL) or [Threshold(None, NORMAL)]
    name = shown.words("domain.strips", title=shown.words.of(title))
    query = Sql(statement, "time_series")
    return strips(name, query, steps, unit(metric.unit), Size(WIDTH, 10), shown.told(metric.name))


def _series(title: Title, series: Series, shown: Shown) -> PanelBuilder:
    statement = shown.scope.sql(
        "domain", "series", metrics=series.metrics, kinds=series.kinds or None, gather=series.gather
    )
    fields = []
    for name in series.metrics:
        metric = shown.metric(name)
        called = f"^{re.escape(shown.words.of(metric.title))}( · |$)"  # of all together, or of one site
        texts = states(metric, shown.words)
        fields.append(Field(called, unit=unit(metric.unit), mapping=texts, steps=shown.steps(name), every=True))
    told = "\n\n".join(part for part in (shown.words("domain.no_site"), shown.told(*series.metrics)) if part)
    query = Sql(statement, "time_series")
    hours = series.hours if series.hours > _DAY else None
    return courses(shown.words.of(title), [query], fields, Size(WIDTH, 9), told, hours=hours)


def _curve(title: Title, curve: Curve, shown: Shown) -> PanelBuilder:
    over, metric = shown.metric(curve.over), shown.metric(curve.metric)
    statement = shown.scope.sql(
        "domain", "curve", metric=metric.name, over=over.name, deviation=curve.deviation, kinds=curve.kinds or None
    )
    fields = [
        Field("x", shown.words.of(over.title), unit=unit(over.unit)),
        Field("actual", shown.words.of(metric.title), unit=unit(metric.unit), colour=SEVERITIES[4]),
        Field("reference", shown.words("domain.reference"), unit=unit(metric.unit), colour=INK),
        Field("title", shown.words("column.site")),
        Field("site", shown.words("column.id"), links=[alerts.site_link(shown.words)]),
    ]
    return points(shown.words.of(title), Sql(statement), fields, Size(WIDTH, 10))


def _states(title: Title, content: States, shown: Shown) -> Iterator[PanelBuilder]:
    metric = shown.metric(content.metric) if content.metric else None
    words = shown.words
    told = _own_states(metric, words) if metric else {f"alert_{n}": text for n, text in words.group("severity").items()}
    told |= {} if metric else {"normal": words("state.normal")}
    told |= {name: words(f"state.{name}") for name in ("silent", "unheard")}
    codes = _codes(metric) if metric else {}
    normal = content.normal or [name for name, code in codes.items() if code == 0] if metric else ["normal"]
    picks = ", ".join(
        sql.SQL("count(*) filter (where state = {}) as {}").format(name, sql.Identifier(name)).as_string()
        for name in told
    )
    asked = {
        "metric": content.metric,
        "kinds": content.kinds or None,
        "names": list(codes),
        "codes": [float(code) for code in codes.values()],
    }
    kinds = {id: words.of(text) for id, text in shown.domain.site_kinds.items()}
    counted = shown.scope.sql("domain", "states", "counted", **asked, picks=Expression(picks))
    colours = _ALERTS | _QUIET | dict.fromkeys(normal, NORMAL)
    fields = [Field("kind", words("column.kind"), mapping=kinds)]
    fields += [Field(name, text, colour=colours.get(name, SEVERITIES[2])) for name, text in told.items()]
    yield bars(words("domain.counted", title=words.of(title)), Sql(counted), "kind", fields, Size(10, 9))
    listed = shown.scope.sql("domain", "states", "listed", **asked, normal=list(normal), most=content.most)
    fields = [
        Field("state", words("column.state"), mapping=told),
        Field("title", words("column.site"), links=[alerts.site_link(words)]),
        Field("kind", words("column.kind"), mapping=kinds),
        *named(words, "region", "since"),
        Field("site", hidden=True),
    ]
    yield tables(words("domain.listed", title=words.of(title)), Sql(listed), fields, Size(14, 9))


def _map(title: Title, content: Map, shown: Shown) -> PanelBuilder:
    if content.metric is None:
        return sites(shown.scope, shown.words, Size(WIDTH, 12))
    metric = shown.metric(content.metric)
    statement = shown.scope.sql("domain", "measured", metric=metric.name, kinds=content.kinds or None)
    layer = Layer(shown.words.of(metric.title), Sql(statement), "A", size=6, field="value")
    fields = [
        Field(
            "value",
            shown.words.of(metric.title),
            unit=unit(metric.unit),
            mapping=states(metric, shown.words),
            steps=shown.steps(metric.name, NORMAL) or [Threshold(None, NORMAL)],
        ),
        Field("title", shown.words("column.site")),
        *named(shown.words, "time"),
        Field("site", shown.words("column.id"), links=[alerts.site_link(shown.words)]),
    ]
    return maps(shown.words.of(title), [layer], fields, Size(WIDTH, 12), shown.told(metric.name))


def _codes(metric: Metric) -> dict[str, int]:
    """The names of a metric's states, by which pages call them, with what they are stored as."""
    return {"false": 0, "true": 1} if metric.kind == "boolean" else metric.states


def _own_states(metric: Metric, words: Words) -> dict[str, str]:
    texts = states(metric, words) or {}
    return {name: texts.get(str(code), name) for name, code in _codes(metric).items()}
