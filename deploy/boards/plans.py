"""The board of plans: where each indicator stands, and its course against the path to its target."""

from __future__ import annotations

from deploy.boards import frame
from deploy.boards.fields import VERDICTS, Field, Link, named
from deploy.boards.model import Board
from deploy.boards.panels import PanelBuilder, Size, courses, numbers, tables
from deploy.boards.sources import Sql
from deploy.boards.statements import Scope
from deploy.boards.thresholds import INK, SEVERITIES
from deploy.boards.variables import chosen, cockpit
from deploy.boards.words import Words

_MOST = 500  # indicators that the board lists


def board(words: Words, zone: str) -> Board:
    """Verdicts, all indicators, and the course of chosen ones over a year."""
    scope = Scope(words.language)
    panels = [
        verdicts(scope, words, Size(24, 4)),
        _course(scope, words, zone, Size(24, 9)),
        indicators(scope, words, Size(24, 14), most=_MOST),
    ]
    variables = [
        cockpit(),
        chosen("region", scope, words),
        chosen("indicator", scope, words, every=False),
    ]
    return frame.board("plans", words("board.plans"), panels, variables, words, zone=zone, span="1y", cockpit="/plans")


def verdicts(scope: Scope, words: Words, size: Size) -> PanelBuilder:
    """How many indicators have which verdict."""
    fields = [Field(name, text, colour=VERDICTS.get(name)) for name, text in words.group("verdict").items()]
    return numbers(words("plan.verdicts"), Sql(scope.sql("plans", "verdicts")), fields, size)


def indicators(scope: Scope, words: Words, size: Size, *, most: int) -> PanelBuilder:
    """Indicators, what is off its course first, each with a link to its page."""
    link = Link(words("open_indicator"), "${cockpit}/plans/${__data.fields.plan}/${__data.fields.name}")
    fields = [
        Field("verdict", words("column.verdict"), mapping=words.group("verdict"), colours=VERDICTS),
        Field("title", words("column.indicator"), links=[link]),
        *named(words, "region", "actual", "unit", "path", "target"),
        Field("target_year", words("column.target_year"), unit="none"),
        *named(words, "shortfall", "as_of"),
        Field("plan_title", words("column.plan")),
        *named(words, "clause"),
        *(Field(name, hidden=True) for name in ("plan", "name", "region_id")),
    ]
    return tables(words("plan.indicators"), Sql(scope.sql("plans", "indicators", most=most)), fields, size)


def _course(scope: Scope, words: Words, zone: str, size: Size) -> PanelBuilder:
    names = [words(f"plan.{name}") for name in ("actual", "path", "target")]
    fields = [
        Field(f" · {names[1]}$", colour=INK, every=True),
        Field(f" · {names[2]}$", colour=SEVERITIES[4], every=True),
    ]
    query = Sql(scope.sql("plans", "course", names=names, zone=zone), "time_series")
    return courses(words("plan.course"), [query], fields, size)
