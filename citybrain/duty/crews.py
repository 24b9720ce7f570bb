"""Crews (班组): who is sent to alerts, where and about what; whoever manages them does so within his own scope."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from math import inf
from typing import Any, TypedDict

from psycopg import errors
from psycopg.rows import class_row

from citybrain.access.model import AccessError, Clash, Denied, Missing, Scope
from citybrain.access.people import grantable, listed, scope_of
from citybrain.store.connection import Connection
from citybrain.store.sql import query

HIDDEN = 4  # digits of a phone number that are hidden, at least
FIRST, LAST = 3, 4  # digits of it that are shown, at most


@dataclass(frozen=True, slots=True)
class NewCrew:
    """A crew that shall be; `regions` and `domains` None: all. Longitude and latitude in degrees (WGS 84)."""

    id: str
    title_zh: str
    title_en: str
    regions: Collection[str] | None = None
    domains: Collection[str] | None = None
    longitude: float | None = None
    latitude: float | None = None
    contact: str | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class Crew:
    """A row of the table `crew`; `reach` are its regions with all below them, None: all."""

    id: str
    title_zh: str
    title_en: str
    regions: list[str] | None
    domains: list[str] | None
    longitude: float | None
    latitude: float | None
    contact: str | None
    channel: str | None
    active: bool
    reach: list[str] | None

    @property
    def scope(self) -> Scope:
        """Where it goes, and about what."""
        return scope_of(self.reach, self.domains)


@dataclass(frozen=True, slots=True)
class Candidate(Crew):
    """A crew that could be sent: metres from its place to the alert's, and orders it has not reported back on."""

    distance_m: float | None
    orders: int


class Changed(TypedDict, total=False):
    """What of a crew shall be another; regions and domains None: all."""

    title_zh: str
    title_en: str
    regions: list[str] | None
    domains: list[str] | None
    longitude: float | None
    latitude: float | None
    contact: str | None
    channel: str | None
    active: bool


def masked(contact: str) -> str:
    """A phone number of which four digits or more are hidden, such as 138****0000."""
    digits = sum(letter.isdigit() for letter in contact)
    last = min(LAST, max(0, digits - HIDDEN))
    first = min(FIRST, max(0, digits - HIDDEN - last))
    shown = []
    place = 0
    for letter in contact:
        hide = letter.isdigit() and first <= place < digits - last
        place += letter.isdigit()
        shown.append("*" if hide else letter)
    return "".join(shown)


def ranked(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Crews without orders first, of these the nearest first; whose distance nobody knows is the farthest."""

    def rank(one: Candidate) -> tuple[bool, float, int, str]:
        return one.orders > 0, inf if one.distance_m is None else one.distance_m, one.orders, one.id

    return sorted(candidates, key=rank)


def add(connection: Connection, crew: NewCrew, within: Scope, by: str, now: datetime) -> Crew:
    """Add a crew.

    Raises:
        AccessError: the id can't be used, or there are no such regions or domains.
        Clash: the id is taken, perhaps by a crew that has retired.
        Denied: it would go beyond `within`.
    """
    grantable(connection, scope_of(crew.regions, crew.domains), within)
    row = {**asdict(crew), "regions": listed(crew.regions), "domains": listed(crew.domains), "by": by, "now": now}
    try:
        with connection.transaction():
            connection.execute(query("duty", "add_crew"), row)
    except errors.UniqueViolation:
        raise Clash(
            f"There is a crew {crew.id} already, perhaps retired: choose another id.",
            f"班组 {crew.id} 已存在（可能已停用）：请换一个编号。",
        ) from None
    except errors.CheckViolation:
        raise _unusable(crew.id) from None
    return find(connection, crew.id, within)


def find(connection: Connection, id: str, within: Scope) -> Crew:
    """The crew `id`.

    Raises:
        Missing: there is none that goes anywhere within that scope.
    """
    with connection.cursor(row_factory=class_row(Crew)) as cursor:
        crew = cursor.execute(query("duty", "crew"), {"id": id}).fetchone()
    if crew is None or not within.touches(crew.scope):
        raise Missing(f"There is no crew {id}.", f"没有班组 {id}。")
    return crew


def page(connection: Connection, within: Scope, active: bool | None, after: str | None, limit: int) -> list[Crew]:
    """Crews that go anywhere within a scope by id, beginning after the id `after`; `active` None: retired ones, too."""
    parameters: dict[str, Any] = {**within.parameters(), "active": active, "after": after, "limit": limit}
    with connection.cursor(row_factory=class_row(Crew)) as cursor:
        return cursor.execute(query("duty", "crews"), parameters).fetchall()


def change(connection: Connection, id: str, changed: Changed, within: Scope) -> Crew:
    """Change a crew, or retire it (`active` false).

    Raises:
        Missing: there is none that goes anywhere within that scope.
        Denied: it goes, or would go, beyond `within`.
        AccessError: there are no such regions or domains, or half of a place.
        Clash: it shall retire and has orders.
    """
    connection.execute(query("duty", "lock_crew"), {"id": id})
    before = find(connection, id, within)
    if not within.covers(before.scope):
        raise Denied(
            f"The crew {id} also goes beyond what you may see: who sees all of that may change it.",
            f"班组 {id} 的范围超出您的权限：须由可见其全部范围的人员修改。",
        )
    after = replace(before, **changed)
    grantable(connection, scope_of(after.regions, after.domains), within)
    if before.active and not after.active:
        _check_idle(connection, id)
    try:
        with connection.transaction():
            row = {**asdict(after), "regions": listed(after.regions), "domains": listed(after.domains)}
            connection.execute(query("duty", "change_crew"), row)
    except errors.CheckViolation:
        raise _unusable(id) from None
    return find(connection, id, within)


def of_alert(connection: Connection, alert: int) -> list[Candidate]:
    """The crews that go to an alert, in the order in which to think of them."""
    with connection.cursor(row_factory=class_row(Candidate)) as cursor:
        return ranked(cursor.execute(query("duty", "crews_of_alert"), {"alert": alert}).fetchall())


def has_retired(connection: Connection, id: str) -> bool:
    """Whether it is a crew that is listed as retired; others may be sent, and don't retire in this transaction."""
    row = connection.execute(query("duty", "is_active"), {"id": id}).fetchone()
    return row is not None and not row[0]


def _check_idle(connection: Connection, id: str) -> None:
    row = connection.execute(query("duty", "crew_orders"), {"id": id}).fetchone()
    if row and row[0]:
        raise Clash(
            f"The crew {id} has {row[0]} orders that it has not reported back on: send others first.",
            f"班组 {id} 尚有 {row[0]} 项派单未反馈：请先改派。",
        )


def _unusable(id: str) -> AccessError:
    return AccessError(
        f"{id} can't be kept so: an id has up to 64 small letters, digits and . _ @ -, a letter or digit first; "
        "a place has a longitude and a latitude in degrees.",
        f"{id} 无法保存：编号最多 64 个小写字母、数字和 . _ @ -，以字母或数字开头；位置须同时有经度和纬度（度）。",
    )
