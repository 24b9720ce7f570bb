"""What all boards have in common: their names, variables, links, and the alerts on their charts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from hashlib import sha256

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.builders.dashboard import AnnotationQuery, Dashboard, DashboardLink
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, DashboardLinkType

from deploy.boards.model import Board, Document, Folder, Language
from deploy.boards.panels import PanelBuilder
from deploy.boards.sources import POSTGRES, Sql
from deploy.boards.statements import Scope
from deploy.boards.thresholds import SEVERITIES
from deploy.boards.variables import Variable
from deploy.boards.words import Words

TAG = "citybrain"

# The SDK writes 42, which Grafana 12.0 and 12.1 do not know. What we use is the same in both: 42 moves the tooltip's
# switch of hidden series, which we have none of. Later versions of Grafana bring 41 up to their own when they load it.
SCHEMA = 41

_LONGEST = 40  # characters of a uid


def folder(words: Words) -> Folder:
    """The folder of the boards of a language."""
    return Folder(f"{TAG}-{words.language}", words("folder"))


def domain(id: str) -> str:
    """What the uid of the board of a domain is made of; apart from our other boards, whatever the domain is called."""
    return f"domain-{id}"


def uid(name: str, language: Language) -> str:
    """The uid of a board; part of its address, and the same in every Grafana."""
    whole = f"{TAG}-{name}-{language}"
    if len(whole) <= _LONGEST:
        return whole
    mark = sha256(name.encode()).hexdigest()[:8]
    return f"{TAG}-{name[: len(name) - len(whole) + _LONGEST - len(mark) - 1]}-{mark}-{language}"


def board(
    name: str,
    title: str,
    panels: Iterable[PanelBuilder],
    variables: Iterable[Variable],
    words: Words,
    *,
    zone: str,
    alerts: Scope | None = None,
    span: str = "24h",
    cockpit: str = "/",
) -> Board:
    """A board, its panels from left to right and from top to bottom.

    Args:
        name: What its uid is made of.
        title: What it is called.
        panels: Its panels; each has its size.
        variables: Its variables.
        words: Of its language.
        zone: The city's zone, in which times are shown.
        alerts: Whose alerts stand on its charts; None: none do.
        span: How far it reaches back when it is opened.
        cockpit: The path of the page of the cockpit that shows the same.
    """
    language = words.language
    frame = (
        Dashboard(title)
        .uid(uid(name, language))
        .tags([TAG, f"{TAG}-{language}"])
        .timezone(zone)
        .time(f"now-{span}", "now")
        .refresh("1m")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .readonly()
        .variables(list(variables))
        .links(list(_links(words, cockpit)))
    )
    if alerts is not None:
        frame.annotation(_annotations(alerts, words))
    for number, panel in enumerate(panels, start=1):
        panel.build().id_val = number
        frame.with_panel(panel)
    document: Document = json.loads(json.dumps(frame.build(), cls=JSONEncoder))
    return Board(uid(name, language), folder(words).uid, language, {**document, "schemaVersion": SCHEMA})


def _links(words: Words, cockpit: str) -> Iterator[DashboardLink]:
    """To the other boards of the language, with span and variables, and to the cockpit."""
    others = DashboardLink(words("same_set")).type(DashboardLinkType.DASHBOARDS).tags([f"{TAG}-{words.language}"])
    page = (
        DashboardLink(words("cockpit")).type(DashboardLinkType.LINK).url(f"${{cockpit}}{cockpit}").icon("external link")
    )
    yield others.as_dropdown(True).include_vars(True).keep_time(True)
    yield page.target_blank(True)


def _annotations(scope: Scope, words: Words) -> build.AnnotationQuery:
    statement = scope.sql("alerts", "annotations", severities=list(words.group("severity").values()))
    query = AnnotationQuery().name(words("alerts_on_charts")).datasource(POSTGRES).enable(True)
    return query.icon_color(SEVERITIES[2]).target(Sql(statement, ref="Anno"))
