"""People: who there is, with which role and scope; who manages them does so within his own scope."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypedDict

from psycopg import errors
from psycopg.rows import class_row

from citybrain.access import sessions
from citybrain.access.model import AccessError, Clash, Denied, Missing, Role, Scope
from citybrain.store.connection import Connection
from citybrain.store.sql import query

FIRST = "admin"  # the name of the administrator that a new platform makes for itself


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person that shall be; `regions` and `domains` None: all."""

    name: str
    role: Role
    title: str = ""
    regions: Collection[str] | None = None
    domains: Collection[str] | None = None
    crew: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A row of the table `person`, without its secrets."""

    id: int
    name: str
    title: str
    role: Role
    regions: list[str] | None
    domains: list[str] | None
    crew: str | None
    active: bool
    password: bool  # whether there is one; without one, single sign-on only
    bound: bool  # to a subject of the single sign-on
    locked_until: datetime | None
    created_at: datetime
    created_by: str

    @property
    def scope(self) -> Scope:
        """Within what the person may see and act; regions as they were given, without those below."""
        return scope_of(self.regions, self.domains)

    @property
    def is_chief(self) -> bool:
        """Whether it is an administrator of everything."""
        return self.active and self.role == "administrator" and self.scope.is_everything


class Changed(TypedDict, total=False):
    """What of a person shall be another; regions and domains None: all."""

    title: str
    role: Role
    regions: list[str] | None
    domains: list[str] | None
    crew: str | None
    active: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """Which people are asked for; None: whatever it is."""

    role: Role | None = None
    crew: str | None = None
    active: bool | None = None


def scope_of(regions: Collection[str] | None, domains: Collection[str] | None) -> Scope:
    """The scope of regions, without those below them, and domains; None: all."""
    return Scope(None if regions is None else frozenset(regions), None if domains is None else frozenset(domains))


def is_nobody(connection: Connection) -> bool:
    """Whether there is no person at all."""
    return connection.execute(query("access", "any_person")).fetchone() is None


def add(
    connection: Connection, person: NewPerson, password_hash: str | None, within: Scope, by: str, now: datetime
) -> Person:
    """Add a person; without a password, for single sign-on.

    Raises:
        AccessError: the name can't be used, or there are no such regions or domains.
        Clash: the name is taken.
        Denied: it would be more than `within`.
    """
    grantable(connection, scope_of(person.regions, person.domains), within)
    try:
        with connection.transaction():
            connection.execute(
                query("access", "add_person"),
                {
                    "name": person.name,
                    "title": person.title,
                    "role": person.role,
                    "regions": listed(person.regions),
                    "domains": listed(person.domains),
                    "crew": person.crew,
                    "password_hash": password_hash,
                    "now": now,
                    "by": by,
                },
            )
    except errors.UniqueViolation:
        raise Clash(
            f"There is a person {person.name} already: choose another name.",
            f"人员 {person.name} 已存在：请换一个名称。",
        ) from None
    except errors.CheckViolation:
        raise unusable(person.name) from None
    return find(connection, person.name, within)


def find(connection: Connection, name: str, within: Scope, *, lock: bool = False) -> Person:
    """The person of that name.

    Raises:
        Missing: there is none within that scope.
    """
    with connection.cursor(row_factory=class_row(Person)) as cursor:
        person = cursor.execute(query("access", "lock_person" if lock else "person"), {"name": name}).fetchone()
    if person is None or not within.covers(person.scope):
        raise Missing(f"There is no person {name}.", f"没有人员 {name}。")
    return person


def page(connection: Connection, within: Scope, wanted: Filter, after: str | None, limit: int) -> list[Person]:
    """People within a scope by name, beginning after the name `after`."""
    parameters: dict[str, Any] = {
        **within.parameters(),
        "role": wanted.role,
        "crew": wanted.crew,
        "active": wanted.active,
        "after": after,
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(Person)) as cursor:
        return cursor.execute(query("access", "people"), parameters).fetchall()


def change(connection: Connection, name: str, changed: Changed, within: Scope) -> Person:
    """Change a person; who is deactivated is signed out.

    Raises:
        Missing: there is none of that name within that scope.
        AccessError: there are no such regions or domains.
        Denied: it would be more than `within`.
        Clash: nobody would be left who administers everything.
    """
    connection.execute(query("access", "lock_people"))  # two administrators at a time could remove each other
    before = find(connection, name, within, lock=True)
    after = replace(before, **changed)
    grantable(connection, after.scope, within)
    if before.is_chief and not after.is_chief and _other_chiefs(connection, before.id) == 0:
        raise Clash(
            f"{name} is the last administrator of everything: make another one first.",
            f"{name} 是最后一位全局管理员：请先设置另一位。",
        )
    connection.execute(
        query("access", "change_person"),
        {
            "id": before.id,
            "title": after.title,
            "role": after.role,
            "regions": listed(after.regions),
            "domains": listed(after.domains),
            "crew": after.crew,
            "active": after.active,
        },
    )
    if not after.active:
        sessions.end_all(connection, before.id)
    return find(connection, name, within)


def set_password(
    connection: Connection, name: str, password_hash: str, within: Scope, but: str | None = None
) -> Person:
    """Give a person another password: a lock ends, and all sessions, but the one of the secret `but`.

    Raises:
        Missing: there is none of that name within that scope.
        Denied: who sets it could read, as that person, what was granted beyond that scope.
    """
    person = find(connection, name, within, lock=True)
    _check_grants(connection, person, within)
    connection.execute(query("access", "set_password"), {"id": person.id, "password_hash": password_hash})
    sessions.end_all(connection, person.id, but)
    return find(connection, name, within)


def unbind(connection: Connection, name: str, within: Scope) -> Person:
    """Take a person's password away, and the subject; the next single sign-on of that name binds anew.

    Raises:
        Missing: there is none of that name within that scope.
        Denied: as `set_password`.
    """
    person = find(connection, name, within, lock=True)
    _check_grants(connection, person, within)
    connection.execute(query("access", "unbind_person"), {"id": person.id})
    sessions.end_all(connection, person.id)
    return find(connection, name, within)


def grantable(connection: Connection, scope: Scope, within: Scope) -> None:
    """Whether who has the scope `within` may give `scope` to others.

    Raises:
        AccessError: there are no such regions or domains.
        Denied: it is more than `within`.
    """
    parameters = scope.parameters()
    unknown = [id for (id,) in connection.execute(query("access", "unknown_regions_and_domains"), parameters)]
    if unknown:
        names = ", ".join(unknown)
        raise AccessError(f"The catalogue has no {names}.", f"目录中没有 {names}。")
    if not within.covers(scope):
        raise Denied(
            "That is more than you may see yourself: give regions and domains within your own.",
            "超出了您自己的范围：只能授予您所辖的区划和领域。",
        )


def unusable(name: str) -> AccessError:
    """What is wrong with the name of a person or token."""
    return AccessError(
        f"{name} can't be a name: use up to 64 small letters, digits and . _ @ -, a letter or digit first.",
        f"{name} 不能用作名称：最多 64 个小写字母、数字和 . _ @ -，以字母或数字开头。",
    )


def listed(ids: Collection[str] | None) -> list[str] | None:
    """As they are stored: each once, in order."""
    return None if ids is None else sorted(set(ids))


def _other_chiefs(connection: Connection, id: int) -> int:
    row = connection.execute(query("access", "other_chiefs"), {"id": id}).fetchone()
    return int(row[0]) if row else 0


def _check_grants(connection: Connection, person: Person, within: Scope) -> None:
    parameters = {**within.parameters(), "id": person.id}
    if connection.execute(query("access", "granted_beyond"), parameters).fetchone() is not None:
        raise Denied(
            f"{person.name} was granted datasets beyond what you may see: ask an administrator who sees them.",
            f"{person.name} 获授的数据集超出了您的范围：请联系能查看它们的管理员。",
        )
