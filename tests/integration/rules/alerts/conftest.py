"""What the tests of alerts share: a writer's connection, rules, transitions, and a look at what came of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from citybrain.catalogue.model import Text
from citybrain.store.connection import Connection, connect
from rules.alerts.announce import announce
from rules.alerts.provenance import Background
from rules.alerts.record import record
from rules.engine.directory import Series
from rules.model import Inhibition, LimitEntry, Rule, Step, Stream
from rules.transition import Kind, Transition

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


def rule(name: str, **settings: Any) -> Rule:
    """A rule that judges pressure by a limit of 0.14."""
    limit = LimitEntry(value=0.14, unit="MPa", source="CJJ 58", clause="3.1.3", confidence="B")
    steps = tuple(Step(severity=severity, raise_=None, limits={"limit": (limit,)}) for severity in (1, 2, 3, 4))
    title = Text(f"{name} 告警", f"Alert {name}")
    return Rule(name=name, title=title, source=Stream(("pressure",)), steps=steps, **settings)


BURST = rule("water.burst", inhibits=Inhibition(("water.end_*",), same="site"))
RULES = {
    r.name: r
    for r in (
        rule("water.end_pressure", advice=Text("核实泵站", "Check the pumps")),
        rule("water.quality"),
        rule("water.trial", mode="shadow"),
        BURST,
        replace(BURST, name="water.trial_burst", mode="shadow"),
    )
}
SERIES = {7: Series(7, "pressure", "water", "150802", "P-7", site="S7")}
BACKGROUND = Background(RULES, SERIES, ZoneInfo("Asia/Shanghai"))


def transition(
    kind: Kind,
    severity: int,
    *,
    rule: str = "water.end_pressure",
    subject: str = "150802/water/P-7/pressure",
    time: datetime = NOW,
    site: str | None = "S7",
    **more: Any,
) -> Transition:
    """A transition of a series; `time` is its reading's."""
    given: dict[str, Any] = {
        "version": 1,
        "step": severity,
        "series": 7,
        "region": "150802",
        "domain": "water",
        "device": "P-7",
        "values": {"value": 0.12, "limit": 0.14},
        **more,
    }
    microseconds = round(time.timestamp() * 1_000_000)
    return Transition(rule, given.pop("version"), subject, "series", kind, microseconds, severity, site=site, **given)


class Desk:
    """One writer's connection, and what is done through it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def record(self, *transitions: Transition, now: datetime = NOW, rules: Mapping[str, Rule] = RULES) -> None:
        with self.connection.transaction():
            record(self.connection, transitions, replace(BACKGROUND, rules=rules), now)

    def announce(self, seconds: float = 0, rules: Mapping[str, Rule] = RULES) -> list[tuple[str, int]]:
        """Announce at NOW + seconds; the kinds and severities of what was announced."""
        before = self.rows("select coalesce(max(id), 0) from announcement")[0][0]
        announce(self.connection, rules, NOW + timedelta(seconds=seconds))
        return self.rows("select kind, severity from announcement where id > %s order by id", before)

    def rows(self, statement: str, *parameters: object) -> list[Any]:
        return self.connection.execute(statement.encode(), parameters).fetchall()

    def alerts(self, columns: str) -> list[Any]:
        """Columns of all alerts, in the order of their making."""
        return self.rows(f"select {columns} from alert order by id")

    def events(self, *columns: str) -> Sequence[Any]:
        """The kinds of all events in order, or those columns of them."""
        found = self.rows(f"select {', '.join(columns or ('kind',))} from alert_event order by id")
        return found if columns else [kind for (kind,) in found]


@pytest.fixture
def open_desk(database: str) -> Iterator[Callable[[], Desk]]:
    """Opens desks, each with a connection of its own."""
    opened: list[Connection] = []

    def open_one() -> Desk:
        opened.append(connect(database, "writer", "test"))
        return Desk(opened[-1])

    yield open_one
    for connection in opened:
        connection.close()


@pytest.fixture
def desk(open_desk: Callable[[], Desk]) -> Desk:
    return open_desk()
