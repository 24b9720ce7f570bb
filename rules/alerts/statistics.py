"""Statistics of alerts, each beside what ANSI/ISA-18.2-2016, clause 16, wants of it; of the last 30 days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from rich import box
from rich.markup import escape
from rich.table import Column, Table

from citybrain.access.model import EVERYTHING, Scope
from citybrain.store.connection import Connection
from citybrain.store.sql import query
from rules.alerts.wording import SEVERITY


class Frequent(NamedTuple):
    """One of the ten most frequent alerts; `share` of all, from 0 to 1. Title and place are those of the newest."""

    rule: str
    subject: str
    alerts: int
    share: float
    title_zh: str
    title_en: str
    place_zh: str
    place_en: str


class Priority(NamedTuple):
    """The share of one severity among all alerts, and the share that is wanted."""

    severity: int
    wanted: float
    alerts: int
    share: float


class Times(NamedTuple):
    """Mean times from the raise, of one domain and severity; None: none got so far."""

    domain: str
    severity: int
    alerts: int
    to_judge: timedelta | None
    to_dispatch: timedelta | None
    to_close: timedelta | None


@dataclass(frozen=True)
class Statistics:
    """The figures. `rate` is alerts per 10 minutes; `crowded` and `flooded` are shares of the time, from 0 to 1."""

    rate: float
    most: int
    crowded: float
    flooded: float
    chattering: int
    stale: int
    top: tuple[Frequent, ...]
    priorities: tuple[Priority, ...]
    times: tuple[Times, ...]


def statistics(connection: Connection, scope: Scope = EVERYTHING) -> Statistics:
    """The figures of the alerts in that scope."""
    (rate, most, crowded), *_ = _rows(connection, "rate", scope)
    ((flooded,), *_) = _rows(connection, "flooded", scope)
    ((chattering, stale), *_) = _rows(connection, "counts", scope)
    return Statistics(
        rate=rate,
        most=most,
        crowded=crowded,
        flooded=flooded,
        chattering=chattering,
        stale=stale,
        top=tuple(map(Frequent._make, _rows(connection, "top", scope))),
        priorities=tuple(map(Priority._make, _rows(connection, "priority", scope))),
        times=tuple(map(Times._make, _rows(connection, "times", scope))),
    )


def tables(found: Statistics) -> Iterator[Table]:
    """The figures as tables for a terminal."""
    figures = Table("figure", Column("is", justify="right"), "wanted", box=box.SIMPLE_HEAD, pad_edge=False)
    figures.add_row("alerts per 10 minutes", f"{found.rate:.2f}", "about 1, at most 2")
    figures.add_row("most in 10 minutes", str(found.most), "at most 10")
    figures.add_row("10 minutes with more than 10", f"{found.crowded:.1%}", "less than 1 %")
    figures.add_row("time in flood", f"{found.flooded:.1%}", "less than 1 %")
    figures.add_row("chattering", str(found.chattering), "0")
    figures.add_row("raised for more than 24 hours", str(found.stale), "fewer than 5")
    figures.add_row("share of the ten most frequent", f"{sum(t.share for t in found.top):.0%}", "1 to 5 %")
    for priority in found.priorities:
        title = f"{SEVERITY[priority.severity].zh} ({SEVERITY[priority.severity].en})"
        figures.add_row(title, f"{priority.share:.0%}", f"about {priority.wanted:.0%}")
    yield figures
    if found.top:
        top = Table("rule", "subject", "alerts", "share", title="Most frequent", box=box.SIMPLE_HEAD, pad_edge=False)
        for frequent in found.top:
            top.add_row(frequent.rule, escape(frequent.subject), str(frequent.alerts), f"{frequent.share:.0%}")
        yield top
        times = Table(
            "domain", "", "alerts", "judged after", "dispatched after", "closed after",
            title="Mean times", box=box.SIMPLE_HEAD, pad_edge=False,
        )  # fmt: skip
        for row in found.times:
            spans = (str(span).partition(".")[0] if span is not None else "-" for span in row[3:])
            times.add_row(row.domain, SEVERITY[row.severity].zh, str(row.alerts), *spans)
        yield times


def _rows(connection: Connection, name: str, scope: Scope) -> list[Any]:
    return connection.execute(query("alerts", name), scope.parameters()).fetchall()
