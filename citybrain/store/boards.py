"""What boards read: typed rows of the `board_*` views, for async readers that act as `citybrain_board`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, NamedTuple, TypeVar

from psycopg.rows import class_row

from citybrain.access.model import Scope
from citybrain.store.pools import Reader
from citybrain.store.sql import query

Worst = Literal["high", "low"]
Cell = float | bool | str | None  # what a rule saw, as JSON has it
Row = TypeVar("Row")


class Collector(NamedTuple):
    """Who collects what; `heard_s` is the age of its last heartbeat in seconds."""

    unit: str
    since: datetime
    heard_s: float
    connected: bool
    queued: int


class Account(NamedTuple):
    """The ledger since `since`; `unbalanced` counts the device hours that don't add up."""

    since: datetime
    received: int
    stored: int
    duplicate: int
    quarantined: int
    revised: int
    unbalanced: int


class Waiting(NamedTuple):
    """How much waits in quarantine for one reason."""

    reason: str
    entries: int
    newest: datetime


class Devices(NamedTuple):
    """How many devices of a domain are in a state: online, offline or unknown."""

    domain: str
    verified: bool
    state: str
    devices: int


class Newest(NamedTuple):
    """The newest measured reading of a domain; `age_s` in seconds."""

    domain: str
    time: datetime | None
    age_s: float | None


class Completeness(NamedTuple):
    """Readings that a domain's series should have sent in the last full hour, and those that came."""

    domain: str
    expected: float
    came: float


class Place(NamedTuple):
    """A site, or a device that belongs to none (then `site` is None); `of` counts those of its domain."""

    domain: str
    site: str | None
    device: str | None
    kind: str | None
    region: str
    region_zh: str
    region_en: str
    title_zh: str
    title_en: str
    verified: bool
    devices: list[int]
    of: int


class Latest(NamedTuple):
    """The newest reading of a series; `quality` is a sum of citybrain.quality.Flag."""

    device_id: int
    domain: str
    device: str
    metric: str
    title_zh: str
    title_en: str
    kind: str
    unit: str | None
    states: dict[str, int]
    interval_s: float | None
    derived: bool
    time: datetime
    value: float
    quality: int
    good: bool


class Extreme(NamedTuple):
    """The highest or lowest latest value of a metric in a domain, and where it was measured."""

    metric: str
    title_zh: str
    title_en: str
    unit: str | None
    value: float
    time: datetime
    interval_s: float | None
    place_zh: str
    place_en: str


class Point(NamedTuple):
    """The value of one hour, which begins at `hour`."""

    hour: datetime
    value: float


class DevicePoint(NamedTuple):
    """The value of one hour of a device, which begins at `hour`."""

    device_id: int
    hour: datetime
    value: float


class OpenAlert(NamedTuple):
    """An alert, mostly an open one, with where it is and what its rule says.

    `definition` is that of the version that raised it; None where nobody knows it any more. The metric is that of the
    reading that decided last.
    """

    id: int
    rule: str
    version: int
    subject: str
    domain: str
    severity: int
    title_zh: str
    title_en: str
    advice_zh: str | None
    advice_en: str | None
    place_zh: str
    place_en: str
    region_zh: str | None
    region_en: str | None
    raised: bool
    raised_at: datetime
    cleared_at: datetime | None
    handling: str
    crew: str | None
    due_step: str | None
    due_at: datetime | None
    overdue: bool
    shelved_until: datetime | None
    maintained_until: datetime | None
    values: dict[str, Cell]
    limits: dict[str, dict[str, Cell]]
    step: int | None
    metric_zh: str | None
    metric_en: str | None
    metric_kind: str | None
    unit: str | None
    definition: dict[str, Any] | None
    failing: bool
    attention: int
    revision: int
    region: str | None
    site: str | None
    device: str | None
    open: bool
    changed_at: datetime
    subject_kind: str
    worst: int
    reopened: int
    clear_reason: str | None
    last_time: datetime
    past: bool
    operator: str | None
    missed: int
    told_at: datetime | None
    withheld: str | None
    crew_zh: str | None  # what a crew that is listed is called
    crew_en: str | None


class AlertCount(NamedTuple):
    """Open alerts of a severity: raised, `unjudged` of these, cleared and not done with, `failing` of both."""

    severity: int
    raised: int
    unjudged: int
    cleared: int
    failing: int


class Rules(NamedTuple):
    """How many rules are in force, and whether a process runs them."""

    in_force: int
    running: bool


class Server(NamedTuple):
    """The database itself; `lock_room` is how many locks it has room for."""

    bytes: int
    chunks: int
    locks: int
    lock_room: int


class Unattended(NamedTuple):
    """Rules that fail, and alerts that nobody was told of within a minute."""

    failing_rules: int
    untold_alerts: int


class Standby(NamedTuple):
    """Who follows the server's log, and by how many bytes and seconds they lag."""

    name: str
    streaming: bool
    lag_bytes: float
    lag_s: float


class Slot(NamedTuple):
    """What the server keeps of its log for one reader, in bytes."""

    name: str
    active: bool
    bytes: float


class Log(NamedTuple):
    """The server's log of changes, and its archive; `age_s` is that of the newest success, None: none yet."""

    bytes: float
    archived: bool
    failures: int
    age_s: float | None
    failing: bool


async def now(reader: Reader) -> datetime:
    """The database's clock, which stamps heartbeats and arrivals."""
    row = await (await reader.execute(query("boards", "now"))).fetchone()
    assert row is not None  # noqa: S101  a select without a from has one row
    moment: datetime = row[0]
    return moment


async def collectors(reader: Reader) -> list[Collector]:
    """Everybody that collects or has collected, by unit."""
    return await _rows(reader, Collector, "collectors")


async def ledger(reader: Reader, scope: Scope) -> Account:
    """The account of what was received in the last 24 full hours and the present one."""
    return (await _rows(reader, Account, "ledger", **scope.parameters()))[0]


async def quarantine(reader: Reader) -> list[Waiting]:
    """What waits in quarantine, most first."""
    return await _rows(reader, Waiting, "quarantine")


async def devices(reader: Reader, scope: Scope) -> list[Devices]:
    """Devices by domain and state."""
    return await _rows(reader, Devices, "devices", **scope.parameters())


async def newest(reader: Reader, scope: Scope) -> list[Newest]:
    """The newest measured reading of each domain."""
    return await _rows(reader, Newest, "newest", **scope.parameters())


async def completeness(reader: Reader) -> list[Completeness]:
    """How complete the last full hour is, by domain."""
    return await _rows(reader, Completeness, "completeness")


async def places(reader: Reader, scope: Scope, each: int) -> list[Place]:
    """The first `each` places of each domain."""
    return await _rows(reader, Place, "places", **scope.parameters(), each=each)


async def latest(reader: Reader, devices: list[int]) -> list[Latest]:
    """The newest reading of each series of `devices`."""
    return await _rows(reader, Latest, "latest", devices=devices)


async def extreme(reader: Reader, scope: Scope, domain: str, metric: str, worst: Worst) -> Extreme | None:
    """The worst latest value of a metric in a domain; None where it has no good reading."""
    found = await _rows(
        reader, Extreme, "extreme", **scope.parameters(), domain=domain, metric=metric, sign=_SIGN[worst]
    )
    return found[0] if found else None


async def trend(reader: Reader, scope: Scope, domain: str, metric: str, worst: Worst) -> list[Point]:
    """The worst hourly mean of a metric in a domain, for each of the last 24 hours that has one."""
    return await _rows(reader, Point, "trend", **scope.parameters(), domain=domain, metric=metric, sign=_SIGN[worst])


async def trends(reader: Reader, devices: list[int], metric: str) -> list[DevicePoint]:
    """The hourly means of a metric of `devices`, for each of the last 24 hours that has one, by device."""
    return await _rows(reader, DevicePoint, "trends", devices=devices, metric=metric)


async def open_alerts(reader: Reader, scope: Scope, most: int) -> list[OpenAlert]:
    """The first `most` open alerts: what is raised before what has cleared, the worst first."""
    return await _rows(reader, OpenAlert, "open_alerts", **scope.parameters(), most=most)


async def alert_counts(reader: Reader, scope: Scope) -> list[AlertCount]:
    """How many alerts are open, by severity, the worst first."""
    return await _rows(reader, AlertCount, "alert_counts", **scope.parameters())


async def rules(reader: Reader) -> Rules:
    """Whether rules are in force and a runner works on them."""
    return (await _rows(reader, Rules, "rules"))[0]


async def server(reader: Reader) -> Server:
    """What the database server says of itself."""
    return (await _rows(reader, Server, "server"))[0]


async def unattended(reader: Reader) -> Unattended:
    """What waits for somebody who should run."""
    return (await _rows(reader, Unattended, "unattended"))[0]


async def standbys(reader: Reader) -> list[Standby]:
    """Who follows the server's log; nobody, too, where the owner may not see it."""
    return await _rows(reader, Standby, "standbys")


async def slots(reader: Reader) -> list[Slot]:
    """For whom the server keeps its log."""
    return await _rows(reader, Slot, "slots")


async def log(reader: Reader) -> Log:
    """The server's log of changes."""
    return (await _rows(reader, Log, "log"))[0]


_SIGN: dict[Worst, int] = {"high": 1, "low": -1}


async def _rows(reader: Reader, kind: type[Row], name: str, **values: object) -> list[Row]:
    async with reader.cursor(row_factory=class_row(kind)) as cursor:
        await cursor.execute(query("boards", name), values)
        return await cursor.fetchall()
