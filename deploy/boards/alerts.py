"""The board of alerts and their handling, with the statistics of ANSI/ISA-18.2-2016; and panels that others share."""

from __future__ import annotations

from deploy.boards import frame
from deploy.boards.fields import Field, Link, named, severities, severity
from deploy.boards.model import Board
from deploy.boards.panels import PanelBuilder, Size, bars, courses, numbers, tables
from deploy.boards.sources import Sql
from deploy.boards.statements import Scope
from deploy.boards.variables import chosen, cockpit
from deploy.boards.words import Words


def board(words: Words, zone: str) -> Board:
    """Open alerts and how they are handled; what happened; and how well the alerts themselves are."""
    scope = Scope(words.language, by_site=True)
    panels = [
        counts(scope, words, Size(24, 4)),
        opened(scope, words, Size(16, 12)),
        _handling(scope, words, Size(8, 12)),
        _rate(scope, words, Size(12, 8)),
        _events(scope, words, Size(12, 8)),
        _figures(scope, words, Size(24, 4)),
        _priority(scope, words, Size(8, 8)),
        _times(scope, words, Size(16, 8)),
        _frequent("top", ["rule", "subject", "alerts"], scope, words, Size(12, 9)),
        _frequent("chattering", ["rule", "subject", "most", "last_at"], scope, words, Size(12, 9)),
        _stale(scope, words, Size(12, 8)),
        _floods(scope, words, Size(12, 8)),
    ]
    variables = [cockpit(), *(chosen(name, scope, words) for name in ("region", "domain", "site"))]
    return frame.board(
        "alerts", words("board.alerts"), panels, variables, words, zone=zone, alerts=scope, cockpit="/alerts"
    )


def counts(scope: Scope, words: Words, size: Size) -> PanelBuilder:
    """How many alerts are open, by severity, and how many of them nobody has judged or are overdue."""
    fields = [*severities(words), Field("unjudged", words("alert.unjudged")), Field("overdue", words("alert.overdue"))]
    return numbers(words("alert.counts"), Sql(scope.sql("alerts", "counts")), fields, size)


def opened(scope: Scope, words: Words, size: Size) -> PanelBuilder:
    """The open alerts, each with links to itself and to its site."""
    fields = [
        severity(words),
        Field("title", words("column.title"), links=[alert_link(words)]),
        Field("place", words("column.place"), links=[site_link(words)]),
        *named(words, "region", "raised_at"),
        Field("handling", words("column.handling"), mapping=words.group("handling")),
        *named(words, "due_at"),
        Field("id", words("column.id"), links=[alert_link(words)]),
        Field("site", hidden=True),
    ]
    return tables(words("alert.open"), Sql(scope.sql("alerts", "open")), fields, size)


def alert_link(words: Words, column: str = "id") -> Link:
    """From a row to its alert in the cockpit."""
    return Link(words("open_alert"), f"${{cockpit}}/alerts/${{__data.fields.{column}}}")


def site_link(words: Words) -> Link:
    """From a row to its site in the cockpit."""
    return Link(words("open_site"), "${cockpit}/sites/${__data.fields.site}")


def _handling(scope: Scope, words: Words, size: Size) -> PanelBuilder:
    fields = [*severities(words), Field("handling", mapping=words.group("handling"))]
    query = Sql(scope.sql("alerts", "handling"))
    return bars(words("alert.handling"), query, "handling", fields, size, words("alert.by_state"))


def _rate(scope: Scope, words: Words, size: Size) -> PanelBuilder:
    query = Sql(scope.sql("alerts", "rate"), "time_series")
    return courses(words("alert.rate"), [query], severities(words), size, words("alert.rate_means"), bars=True)


def _events(scope: Scope, words: Words, size: Size) -> PanelBuilder:
    fields = [
        *named(words, "at"),
        Field("kind", words("column.event"), mapping=words.group("event")),
        severity(words),
        Field("title", words("column.title"), links=[alert_link(words)]),
        *named(words, "actor", "note"),
        Field("id", words("column.id"), links=[alert_link(words)]),
    ]
    return tables(words("alert.events"), Sql(scope.sql("alerts", "events")), fields, size)


def _figures(scope: Scope, words: Words, size: Size) -> PanelBuilder:
    fields = [
        Field("peak", words("alert.peak")),
        Field("top", words("alert.share_of_top"), unit="percentunit"),
        Field("chattering", words("alert.chattering")),
        Field("stale", words("alert.stale")),
        Field("flooded", words("alert.flooded"), unit="percentunit"),
    ]
    query = Sql(scope.sql("alerts", "figures"))
    return numbers(words("alert.figures"), query, fields, size, words("alert.figures_means"))


def _priority(scope: Scope, words: Words, size: Size) -> PanelBuilder:
    shares = [Field(name, words(f"column.{name}"), unit="percentunit") for name in ("share", "wanted")]
    fields = [severity(words), *named(words, "alerts"), *shares]
    query = Sql(scope.sql("alerts", "priority"))
    return tables(words("alert.priority"), query, fields, size, words("alert.priority_means"))


def _times(scope: Scope, words: Words, size: Size) -> PanelBuilder:
    spans = [
        Field(name, words(f"column.{name}"), unit="dtdurations") for name in ("to_judge", "to_dispatch", "to_close")
    ]
    fields = [*named(words, "domain"), severity(words), *named(words, "alerts"), *spans]
    return tables(words("alert.times"), Sql(scope.sql("alerts", "times")), fields, size, words("alert.times_means"))


def _frequent(name: str, columns: list[str], scope: Scope, words: Words, size: Size) -> PanelBuilder:
    fields = [*named(words, *columns), Field("share", words("column.share"), unit="percentunit")]
    query = Sql(scope.sql("alerts", name))
    return tables(words(f"alert.{name}"), query, fields, size, words(f"alert.{name}_means"))


def _stale(scope: Scope, words: Words, size: Size) -> PanelBuilder:
    fields = [
        severity(words),
        *named(words, "rule", "subject", "raised_at"),
        Field("id", words("column.id"), links=[alert_link(words)]),
    ]
    return tables(words("alert.stale"), Sql(scope.sql("alerts", "stale")), fields, size, words("alert.stale_means"))


def _floods(scope: Scope, words: Words, size: Size) -> PanelBuilder:
    fields = named(words, "region", "started_at", "ended_at", "most")
    query = Sql(scope.sql("alerts", "floods", whole_city=words("alert.whole_city")))
    return tables(words("alert.floods"), query, fields, size, words("alert.floods_means"))
