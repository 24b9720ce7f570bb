"""Alerts as the API tells them: what was measured against which limit, where, and what is due."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime

from api.views.documents import Alert, AlertCount, Alerts, Comparison, Limit, Seen, Words
from citybrain.store import boards
from citybrain.store.boards import Cell, OpenAlert
from rules import definitions
from rules.conditions.comparisons import Operator, comparisons

KINDS = {"number", "text"}  # what a rule says of a query's column that has no unit

_HOLDS: dict[Operator, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def describe(rows: Iterable[OpenAlert], counts: Iterable[boards.AlertCount]) -> Alerts:
    """The document of open alerts, in the order of `rows`."""
    return Alerts(
        counts=[AlertCount.model_validate(count._asdict()) for count in counts],
        first=[alert(row) for row in rows],
    )


def alert(row: OpenAlert) -> Alert:
    """The document of one alert."""
    silent = row.values.keys() == {"heard"}  # what the rules on silence see, in seconds since 1970
    return Alert(
        id=row.id,
        rule=row.rule,
        version=row.version,
        subject=row.subject,
        domain=row.domain,
        severity=row.severity,
        title=Words(zh=row.title_zh, en=row.title_en),
        advice=_words(row.advice_zh, row.advice_en),
        place=Words(zh=row.place_zh, en=row.place_en),
        region_title=_words(row.region_zh, row.region_en),
        raised=row.raised,
        raised_at=row.raised_at,
        cleared_at=row.cleared_at,
        handling=row.handling,
        crew=row.crew,
        crew_title=_words(row.crew_zh, row.crew_en),
        due_step=row.due_step,
        due_at=row.due_at,
        overdue=row.overdue,
        shelved_until=row.shelved_until,
        maintained_until=row.maintained_until,
        silent_since=_moment(row.values["heard"]) if silent else None,
        values=[] if silent else [_seen(row, name) for name in row.values if name not in row.limits],
        limits=[_limit(name, limit) for name, limit in row.limits.items()],
        comparisons=list(_comparisons(row)),
        failing=row.failing,
        attention=row.attention,
        revision=row.revision,
        open=row.open,
        region=row.region,
        site=row.site,
        device=row.device,
        changed_at=row.changed_at,
    )


def _seen(row: OpenAlert, name: str) -> Seen:
    value = row.values[name]
    if name == "value" and row.metric_zh is not None:
        shown = bool(value) if row.metric_kind == "boolean" and value is not None else value
        return Seen(name=name, title=_words(row.metric_zh, row.metric_en), value=shown, unit=row.unit)
    unit = (row.definition or {}).get("columns", {}).get(name)
    return Seen(name=name, title=None, value=value, unit=None if unit in KINDS else unit)


def _limit(name: str, limit: Mapping[str, Cell]) -> Limit:
    return Limit.model_validate({"name": name, **limit})


def _comparisons(row: OpenAlert) -> Iterator[Comparison]:
    """Those of the condition that hold of the values: all of an AND, the true one of an OR."""
    cells = {**row.values, **{name: limit["value"] for name, limit in row.limits.items()}}
    condition = str(definitions.step(row.definition or {}, row.step).get("raise", ""))
    for left, sign, right in comparisons(condition):
        if left.absolute or right.absolute:
            continue
        a, b = cells.get(left.name), cells.get(right.name)
        if isinstance(a, int | float) and isinstance(b, int | float) and _HOLDS[sign](a, b):
            yield Comparison(left=left.name, operator=sign, right=right.name)


def _moment(seconds: Cell) -> datetime | None:
    return datetime.fromtimestamp(float(seconds), UTC) if isinstance(seconds, int | float) else None


def _words(zh: str | None, en: str | None) -> Words | None:
    return Words(zh=zh, en=en) if zh is not None and en is not None else None
