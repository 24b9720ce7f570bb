"""The overview of the city (一网统管): where alerts are, what each domain's vital sign says, plans, and the account."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Threshold

from citybrain.catalogue.model import Catalogue, Domain
from citybrain.catalogue.pages import Vital
from deploy.boards import alerts, frame, plans
from deploy.boards.fields import Field, Link, named, severity, unit
from deploy.boards.figures import number
from deploy.boards.model import Board
from deploy.boards.panels import WIDTH, Layer, PanelBuilder, Size, courses, maps, numbers, tables
from deploy.boards.sources import Sql
from deploy.boards.statements import Scope
from deploy.boards.thresholds import SEVERITIES
from deploy.boards.variables import chosen, cockpit
from deploy.boards.words import Words

_INDICATORS = 12  # of plans that the overview lists


def board(catalogue: Catalogue, words: Words, zone: str) -> Board:
    """Alerts by severity, vital signs, the map beside the list of alerts, plans, devices and the account."""
    scope = Scope(words.language)
    panels = [
        alerts.counts(scope, words, Size(24, 4)),
        *vitals(catalogue, words),
        sites(scope, words, Size(12, 14)),
        alerts.opened(scope, words, Size(12, 14)),
        plans.verdicts(scope, words, Size(24, 3)),
        plans.indicators(scope, words, Size(24, 9), most=_INDICATORS),
        _ledger(scope, words, Size(24, 4)),
        _received(scope, words, Size(12, 8)),
        _devices(scope, words, Size(12, 8)),
    ]
    variables = [cockpit(), chosen("region", scope, words), chosen("domain", scope, words)]
    return frame.board("city", words("board.city"), panels, variables, words, zone=zone, alerts=scope)


def vitals(catalogue: Catalogue, words: Words) -> list[PanelBuilder]:
    """The vital sign of each domain with its last day, up to four side by side."""
    domains = list(catalogue.domains.values())
    found = []
    for start in range(0, len(domains), 4):
        row = domains[start : start + 4]
        for place, domain in enumerate(row):
            width = WIDTH // len(row) + (WIDTH % len(row) if place == len(row) - 1 else 0)
            found.append(_vital(domain, catalogue.pages[domain.id].vital, words, Size(width, 5)))
    return found


def sites(scope: Scope, words: Words, size: Size) -> PanelBuilder:
    """The map: sites without alerts as small grey dots, those with alerts above them by their worst one."""
    layers = [
        Layer(words("city.calm"), Sql(scope.sql("city", "calm"), ref="A"), "A", size=3),
        Layer(words("city.alarmed"), Sql(scope.sql("city", "alarmed"), ref="B"), "B", size=9, field="severity"),
    ]
    fields = [
        severity(words),
        Field("title", words("column.site")),
        *named(words, "alerts"),
        Field("site", words("column.id"), links=[alerts.site_link(words), alerts.alert_link(words, "alert")]),
    ]
    return maps(words("city.map"), layers, fields, size)


def _vital(domain: Domain, vital: Vital, words: Words, size: Size) -> PanelBuilder:
    metric = domain.metrics[vital.metric]
    scope = Scope(words.language, domain.id)
    across = vital.combined(metric)
    leads = across not in ("mean", "sum")
    values = {"metric": metric.name, "kinds": vital.kinds or None, "across": across, "number": number(across)}
    statement = (
        scope.sql("domain", "leader", **values)
        if leads
        else scope.sql("domain", "mean", **values, summed=across == "sum")
    )
    board = f"/d/{frame.uid(frame.domain(domain.id), words.language)}?${{__url_time_range}}&${{region:queryparam}}"
    field = Field(
        "value",
        words.of(vital.title or metric.title),
        unit=unit(metric.unit),
        links=[Link(words("open_domain"), board)],
    )
    query = Sql(statement, "time_series")
    return numbers(words.of(domain.title), query, [field], size, course=True)


def _ledger(scope: Scope, words: Words, size: Size) -> PanelBuilder:
    names = ("received", "stored", "duplicate", "quarantined")
    fields = [
        *(Field(name, words(f"city.{name}"), unit="locale") for name in names),
        Field("unbalanced", words("city.unbalanced"), steps=[Threshold(None, "text"), Threshold(1, SEVERITIES[1])]),
    ]
    return numbers(words("city.ledger"), Sql(scope.sql("city", "ledger")), fields, size)


def _received(scope: Scope, words: Words, size: Size) -> PanelBuilder:
    fields = [Field(name, words(f"city.{name}")) for name in ("stored", "duplicate", "quarantined")]
    query = Sql(scope.sql("city", "received"), "time_series")
    return courses(words("city.received_in_hours"), [query], fields, size, bars=True, unit="short")


def _devices(scope: Scope, words: Words, size: Size) -> PanelBuilder:
    fields = [
        *named(words, "domain", "total", "heard", "silent", "unheard"),
        Field("since", words("column.silent_since")),
    ]
    return tables(words("city.devices"), Sql(scope.sql("city", "devices")), fields, size)
