"""The kinds of panels that boards are made of, each with its queries and what their fields are called and look like."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

from grafana_foundation_sdk.builders import barchart, common, geomap, stat, statushistory, table, timeseries, xychart
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common as looks
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.geomap import TooltipMode
from grafana_foundation_sdk.models.xychart import SeriesMapping

from deploy.boards.fields import Field, properties
from deploy.boards.thresholds import INK, NORMAL, config, painted

PanelBuilder = Builder[dashboard.Panel]
Query = Builder[Dataquery]

WIDTH = 24  # columns of a board's grid


@dataclass(frozen=True)
class Size:
    """Columns and rows of the grid that a panel takes; a row is about 30 pixels high."""

    width: int
    height: int


def tables(title: str, query: Query, fields: Iterable[Field], size: Size, description: str = "") -> PanelBuilder:
    """A table; coloured fields have coloured text."""
    panel = _dressed(table.Panel(), title, [query], size, description)
    for field in fields:
        cell = {"type": "gauge", "mode": "basic"} if field.bar else {"type": "color-text"}
        more: list[tuple[str, object]] = [("custom.hidden", True)] if field.hidden else []
        _override(panel, field, [*more, ("custom.cellOptions", cell)] if field.bar or field.coloured else more)
    return panel


def numbers(
    title: str, query: Query, fields: Iterable[Field], size: Size, description: str = "", *, course: bool = False
) -> PanelBuilder:
    """Large numbers, one for each field; with `course`, of a time series with its line behind it."""
    panel = _dressed(stat.Panel(), title, [query], size, description)
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields(""))
    panel.graph_mode(looks.BigValueGraphMode.AREA if course else looks.BigValueGraphMode.NONE)
    panel.color_mode(looks.BigValueColorMode.VALUE).justify_mode(looks.BigValueJustifyMode.AUTO)
    panel.thresholds(config([dashboard.Threshold(color=INK)]))
    told = list(fields)
    if any(field.title for field in told):  # else the panel's own title says what it is
        panel.text_mode(looks.BigValueTextMode.VALUE_AND_NAME)
    for field in told:
        _override(panel, field)
    return panel


def courses(
    title: str,
    queries: Sequence[Query],
    fields: Iterable[Field],
    size: Size,
    description: str = "",
    *,
    hours: int | None = None,
    bars: bool = False,
    unit: str = "none",
) -> PanelBuilder:
    """Lines over time, or stacked bars; `hours` back instead of the board's span, where that is relative.

    Fields with steps have the background coloured by them: a step's own line would have the colour of what lies above
    it, which is wrong for limits that a value falls below.
    """
    panel = _dressed(timeseries.Panel(), title, queries, size, description)
    panel.unit(unit).line_width(1).fill_opacity(60 if bars else 0).show_points(looks.VisibilityMode.AUTO)
    panel.legend(common.VizLegendOptions().show_legend(True).placement(looks.LegendPlacement.BOTTOM))
    panel.tooltip(common.VizTooltipOptions().mode(looks.TooltipDisplayMode.MULTI).sort(looks.SortOrder.DESCENDING))
    if bars:
        panel.draw_style(looks.GraphDrawStyle.BARS)
        panel.stacking(common.StackingConfig().mode(looks.StackingMode.NORMAL).group("A"))
    if hours is not None:
        panel.time_from(f"{hours}h")
    for field in fields:
        _override(panel, field, [("custom.thresholdsStyle", {"mode": "area"})] if field.steps else [])
    return panel


def bars(title: str, query: Query, by: str, fields: Iterable[Field], size: Size, description: str = "") -> PanelBuilder:
    """A bar for each row, stacked of its numbers, called by the column `by`."""
    panel = _dressed(barchart.Panel(), title, [query], size, description)
    panel.x_field(by).stacking(looks.StackingMode.NORMAL).orientation(looks.VizOrientation.HORIZONTAL)
    panel.show_value(looks.VisibilityMode.AUTO).fill_opacity(80)
    panel.legend(common.VizLegendOptions().show_legend(True).placement(looks.LegendPlacement.BOTTOM))
    for field in fields:
        _override(panel, field)
    return panel


def strips(
    title: str, query: Query, steps: Sequence[dashboard.Threshold], unit: str, size: Size, description: str = ""
) -> PanelBuilder:
    """A row of squares for each series, coloured by its value at each time."""
    panel = _dressed(statushistory.Panel(), title, [query], size, description)
    panel.unit(unit).thresholds(config(list(steps))).color_scheme(painted())
    panel.show_value(looks.VisibilityMode.NEVER).time_from("24h")
    panel.legend(common.VizLegendOptions().show_legend(False))
    return panel


def points(title: str, query: Query, fields: Iterable[Field], size: Size, description: str = "") -> PanelBuilder:
    """Numbers over a number, as points: the first column is x, every other number a y."""
    panel = _dressed(xychart.Panel(), title, [query], size, description)
    panel.mapping(SeriesMapping.AUTO).legend(common.VizLegendOptions().show_legend(True))
    for field in fields:
        _override(panel, field)
    return panel


@dataclass(frozen=True)
class Layer:
    """Markers of a map: the answer of one query, that has columns longitude and latitude (degrees, WGS84).

    Markers are `size` pixels wide, and coloured and labelled by `field`, or grey.
    """

    name: str
    query: Query
    ref: str
    size: int
    field: str | None = None


def maps(
    title: str, layers: Sequence[Layer], fields: Iterable[Field], size: Size, description: str = ""
) -> PanelBuilder:
    """A map on what Grafana's own configuration has as its base map; the later of two layers lies above."""
    panel = _dressed(geomap.Panel(), title, [layer.query for layer in layers], size, description)
    panel.view(geomap.MapViewConfig().id("fit").all_layers(True).lat(0).lon(0).zoom(15).padding(10))
    panel.basemap(common.MapLayerOptions().type("default").name("basemap"))
    panel.layers([_markers(layer) for layer in layers])
    panel.controls(geomap.ControlsOptions().show_zoom(True).mouse_wheel_zoom(True).show_attribution(True))
    panel.tooltip(geomap.TooltipOptions().mode(TooltipMode.DETAILS))
    for field in fields:
        _override(panel, field)
    return panel


class _Builder(Protocol):
    """What the SDK's builders of panels have in common, which have no base class for it."""

    def title(self, title: str) -> Self: ...
    def description(self, description: str) -> Self: ...
    def with_target(self, target: Query) -> Self: ...
    def span(self, w: int) -> Self: ...
    def height(self, h: int) -> Self: ...
    def with_override(
        self, matcher: dashboard.MatcherConfig, properties: list[dashboard.DynamicConfigValue]
    ) -> Self: ...


_Some = TypeVar("_Some", bound=_Builder)


def _dressed(panel: _Some, title: str, queries: Iterable[Query], size: Size, description: str) -> _Some:
    for query in queries:
        panel.with_target(query)
    if description:
        panel.description(description)
    return panel.title(title).span(size.width).height(size.height)


def _override(panel: _Builder, field: Field, more: Iterable[tuple[str, object]] = ()) -> None:
    # Without slashes Grafana takes an expression for that of the whole name.
    matcher = (
        dashboard.MatcherConfig(id_val="byRegexp", options=f"/{field.name}/")
        if field.every
        else dashboard.MatcherConfig(id_val="byName", options=field.name)
    )
    found = [*properties(field), *more]
    panel.with_override(matcher, [dashboard.DynamicConfigValue(name, value) for name, value in found])


def _markers(layer: Layer) -> common.MapLayerOptions:
    """Markers as the panel takes them; the SDK leaves this part open."""
    style: dict[str, Any] = {
        "color": {"field": layer.field, "fixed": NORMAL} if layer.field else {"fixed": NORMAL},
        "opacity": 0.9,
        "size": {"fixed": layer.size, "min": layer.size, "max": layer.size},
        "symbol": {"fixed": "img/icons/marker/circle.svg", "mode": "fixed"},
    }
    if layer.field:
        style["text"] = {"field": layer.field, "fixed": "", "mode": "field"}
        style["textConfig"] = {"fontSize": 11, "offsetX": 0, "offsetY": -12, "textAlign": "center"}
    place = common.FrameGeometrySource().mode(looks.FrameGeometrySourceMode.COORDS)
    return (
        common.MapLayerOptions()
        .type("markers")
        .name(layer.name)
        .config({"showLegend": bool(layer.field), "style": style})
        .location(place.latitude("latitude").longitude("longitude"))
        .filter_data({"id": "byRefId", "options": layer.ref})
        .tooltip(True)
    )
