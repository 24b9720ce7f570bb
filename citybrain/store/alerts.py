"""What the API reads of alerts: pages in an order, counts, one alert with its events, shelves and windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, LiteralString, NamedTuple

from msgspec import Meta
from psycopg import sql
from psycopg.rows import class_row, dict_row

from citybrain.access.model import Scope
from citybrain.store.boards import OpenAlert
from citybrain.store.pools import Reader
from citybrain.store.sql import query

Sort = Literal["attention", "-raised_at", "due_at", "-changed_at"]

Number = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Moment = Annotated[datetime, Meta(tz=True)]


class Order(NamedTuple):
    """An order of alerts: its columns, what comes after a key, and the attributes and types of that key."""

    columns: LiteralString
    after: LiteralString
    attributes: tuple[str, ...]
    key: Any


# The first is that of the index alert_attention (0009): every part ascends, `age` as the time of the raise descends.
ORDERS: Mapping[Sort, Order] = {
    "attention": Order(
        "attention, due_by, age, id",
        "(attention, due_by, age, id) > (%(key_0)s::int, coalesce(%(key_1)s::timestamptz, 'infinity'), "
        "'2100-01-01Z'::timestamptz - %(key_2)s::timestamptz, %(key_3)s::bigint)",
        ("attention", "due_at", "raised_at", "id"),
        tuple[Annotated[int, Meta(ge=1, le=4)], Moment | None, Moment, Number],
    ),
    "-raised_at": Order(
        "raised_at desc, id desc",
        "(raised_at, id) < (%(key_0)s::timestamptz, %(key_1)s::bigint)",
        ("raised_at", "id"),
        tuple[Moment, Number],
    ),
    "due_at": Order(
        "due_by, id",
        "(due_by, id) > (coalesce(%(key_0)s::timestamptz, 'infinity'), %(key_1)s::bigint)",
        ("due_at", "id"),
        tuple[Moment | None, Number],
    ),
    "-changed_at": Order(
        "changed_at desc, id desc",
        "(changed_at, id) < (%(key_0)s::timestamptz, %(key_1)s::bigint)",
        ("changed_at", "id"),
        tuple[Moment, Number],
    ),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked for; None, or not `open`, asks for nothing in particular.

    `rule` is a pattern with `*`, `watcher` the number of a person who watches it.
    """

    open: bool = True
    site: str | None = None
    device: str | None = None
    rule: str | None = None
    severity: list[int] | None = None
    attention: list[int] | None = None
    handling: list[str] | None = None
    condition: str | None = None
    crew: str | None = None
    watcher: int | None = None
    overdue: bool | None = None
    shelved: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None


class Counted(NamedTuple):
    """How many alerts are open of one severity, region or domain; which of them says what `by_` it was counted by."""

    by_severity: bool
    by_region: bool
    severity: int | None
    region: str | None
    domain: str | None
    raised: int
    unjudged: int
    cleared: int
    failing: int
    title_zh: str | None
    title_en: str | None


class Found(NamedTuple):
    """One alert, the number of its newest event, and what of it depends on people."""

    alert: OpenAlert
    newest_event: int
    operator_title: str | None  # what others call who has it in hand
    watched: bool  # by who asks


class Happened(NamedTuple):
    """An event of an alert, as its timeline has it."""

    id: int
    at: datetime
    kind: str
    event_time: datetime | None
    past: bool
    severity: int | None
    version: int | None
    reason: str | None
    handling: str | None
    actor: str | None
    actor_title: str | None
    note: str | None
    crew: str | None
    operator: str | None
    operator_title: str | None
    announcement: int | None


class Happenings(NamedTuple):
    """How often what happened to alerts of a severity."""

    severity: int
    raised: int
    reopened: int
    cleared: int
    confirmed: int
    refuted: int
    dispatched: int
    fed_back: int
    closed: int
    overdue: int


class Shelf(NamedTuple):
    """A shelf; `regions` and `domains` bound what it reaches, None: nothing does."""

    id: int
    rule: str
    subject: str
    until: datetime
    reason: str
    by: str
    at: datetime
    ended_by: str | None
    regions: list[str] | None
    domains: list[str] | None


class Window(NamedTuple):
    """A maintenance window: each of the four that is given must fit."""

    id: int
    region: str | None
    domain: str | None
    site: str | None
    device: str | None
    start_at: datetime
    end_at: datetime
    reason: str
    by: str
    at: datetime


async def page(
    reader: Reader, scope: Scope, wanted: Filter, sort: Sort, after: Sequence[object] | None, limit: int
) -> list[OpenAlert]:
    """`limit` alerts at most, of those that come after the key `after` in the order `sort`; None: the first."""
    order = ORDERS[sort]
    statement = sql.SQL(query("api_alerts", "page")).format(
        order=sql.SQL(order.columns), after=sql.SQL("true" if after is None else order.after)
    )
    key = {f"key_{number}": part for number, part in enumerate(after or ())}
    async with reader.cursor(row_factory=class_row(OpenAlert)) as cursor:
        # Not prepared: which filters are null decides about the plan.
        await cursor.execute(statement, {**scope.parameters(), **asdict(wanted), **key, "limit": limit}, prepare=False)
        return await cursor.fetchall()


def key(alert: OpenAlert, sort: Sort) -> list[object]:
    """Where an alert stands in that order."""
    return [getattr(alert, name) for name in ORDERS[sort].attributes]


async def counts(reader: Reader, scope: Scope) -> list[Counted]:
    """How many alerts are open, by severity, by region and by domain."""
    async with reader.cursor(row_factory=class_row(Counted)) as cursor:
        await cursor.execute(query("api_alerts", "counts"), scope.parameters(), prepare=False)
        return await cursor.fetchall()


async def one(reader: Reader, scope: Scope, id: int, person: int | None) -> Found | None:
    """The alert `id`, for a person (by number) or a system; None: there is none, or none in that scope."""
    async with reader.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query("api_alerts", "one"), {**scope.parameters(), "id": id, "person": person})
        row = await cursor.fetchone()
    if row is None:
        return None
    beside = {name: row.pop(name) for name in Found._fields if name != "alert"}
    return Found(OpenAlert(**row), **beside)


async def exists(reader: Reader, scope: Scope, id: int) -> bool:
    """Whether there is an alert `id` in that scope."""
    row = await (await reader.execute(query("api_alerts", "exists"), {**scope.parameters(), "id": id})).fetchone()
    return bool(row and row[0])


async def timeline(reader: Reader, id: int, after: int, limit: int) -> list[Happened]:
    """The events of an alert after that number, oldest first."""
    async with reader.cursor(row_factory=class_row(Happened)) as cursor:
        await cursor.execute(query("api_alerts", "timeline"), {"id": id, "after": after, "limit": limit})
        return await cursor.fetchall()


async def happened(reader: Reader, scope: Scope, since: datetime, until: datetime) -> list[Happenings]:
    """How often what happened between two moments, by severity, the worst first."""
    async with reader.cursor(row_factory=class_row(Happenings)) as cursor:
        parameters = {**scope.parameters(), "since": since, "until": until}
        await cursor.execute(query("api_alerts", "happened"), parameters, prepare=False)
        return await cursor.fetchall()


async def state(reader: Reader, scope: Scope, id: int, kinds: Sequence[str]) -> dict[str, Any] | None:
    """What an alert is as its newest event of `kinds` left it, with the earlier ones; None as in `one`."""
    async with reader.cursor(row_factory=dict_row) as cursor:
        parameters = {**scope.parameters(), "id": id, "kinds": list(kinds)}
        await cursor.execute(query("api_alerts", "state"), parameters)
        return await cursor.fetchone()


async def shelves(
    reader: Reader, scope: Scope, now: datetime, *, over: bool, before: int | None, limit: int
) -> list[Shelf]:
    """Shelves that may touch what that scope sees, the newest first; `over`: those that have ended, too."""
    async with reader.cursor(row_factory=class_row(Shelf)) as cursor:
        parameters = {**scope.parameters(), "now": now, "over": over, "before": before, "limit": limit}
        await cursor.execute(query("api_alerts", "shelves"), parameters)
        return await cursor.fetchall()


async def windows(
    reader: Reader, scope: Scope, around: list[str] | None, now: datetime, *, over: bool, before: int | None, limit: int
) -> list[Window]:
    """Maintenance windows likewise; `around` are the scope's regions and all that these lie in."""
    async with reader.cursor(row_factory=class_row(Window)) as cursor:
        given = {"around": around, "now": now, "over": over, "before": before, "limit": limit}
        await cursor.execute(query("api_alerts", "windows"), {**scope.parameters(), **given})
        return await cursor.fetchall()
