"""Tokens of systems: told once, kept as a digest, each with a role, a scope and an end."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from psycopg import errors
from psycopg.rows import class_row

from citybrain.access.model import AccessError, Clash, Missing, Role, Scope
from citybrain.access.people import grantable, listed, scope_of, unusable
from citybrain.access.secrets import digest, token_secret
from citybrain.store.connection import Connection
from citybrain.store.sql import query

LASTS = timedelta(days=365)  # a token that is given no end
LONGEST = timedelta(days=3 * 365)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that shall be made; `regions` and `domains` None: all."""

    name: str
    role: Role
    expires_at: datetime
    regions: Collection[str] | None = None
    domains: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A row of the table `token`, without its digest."""

    id: int
    name: str
    role: Role
    regions: list[str] | None
    domains: list[str] | None
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None
    used_on: date | None

    @property
    def scope(self) -> Scope:
        """Within what it may see and act; regions as they were given, without those below."""
        return scope_of(self.regions, self.domains)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which tokens are asked for; None: whatever it is."""

    created_by: str | None = None
    valid: bool | None = None


def add(connection: Connection, token: NewToken, by: str, now: datetime, within: Scope | None = None) -> str:
    """Make a token; its secret, which is nowhere else.

    Args:
        connection: in which it is made.
        token: that shall be.
        by: who makes it.
        now: the moment.
        within: what who makes it may see himself; None: everything.

    Raises:
        AccessError: the name can't be used, it would be over at once or last too long, or there are no such regions or
            domains.
        Clash: the name is taken.
        Denied: it would be more than `within`.
    """
    if token.expires_at <= now:
        raise AccessError(
            "The token would be over at once: give it a later end.", "令牌一生成就已过期：请设置更晚的到期时间。"
        )
    if token.expires_at > now + LONGEST:
        raise AccessError(
            f"A token lasts {LONGEST.days} days at most: give it an earlier end.",
            f"令牌最长有效 {LONGEST.days} 天：请设置更早的到期时间。",
        )
    grantable(connection, scope_of(token.regions, token.domains), within or Scope())
    secret = token_secret()
    try:
        with connection.transaction():
            connection.execute(
                query("access", "add_token"),
                {
                    "name": token.name,
                    "hash": digest(secret),
                    "role": token.role,
                    "regions": listed(token.regions),
                    "domains": listed(token.domains),
                    "by": by,
                    "now": now,
                    "expires": token.expires_at,
                },
            )
    except errors.UniqueViolation:
        raise Clash(
            f"There is a token {token.name} already: choose another name.",
            f"令牌 {token.name} 已存在：请换一个名称。",
        ) from None
    except errors.CheckViolation:
        raise unusable(token.name) from None
    return secret


def find(connection: Connection, which: int | str, within: Scope) -> Token:
    """The token of that number or name.

    Raises:
        Missing: there is none within that scope.
    """
    block, parameters = ("token", {"id": which}) if isinstance(which, int) else ("token_by_name", {"name": which})
    with connection.cursor(row_factory=class_row(Token)) as cursor:
        token = cursor.execute(query("access", block), parameters).fetchone()
    if token is None or not within.covers(token.scope):
        raise Missing(f"There is no token {which}.", f"没有令牌 {which}。")
    return token


def page(
    connection: Connection, within: Scope, wanted: Filter, now: datetime, after: str | None, limit: int
) -> list[Token]:
    """Tokens within a scope by name, beginning after the name `after`; those that are over, too."""
    parameters: dict[str, Any] = {
        **within.parameters(),
        "created_by": wanted.created_by,
        "valid": wanted.valid,
        "now": now,
        "after": after,
        "limit": limit,
    }
    with connection.cursor(row_factory=class_row(Token)) as cursor:
        return cursor.execute(query("access", "tokens"), parameters).fetchall()


def revoke(connection: Connection, which: int | str, within: Scope, by: str, now: datetime) -> Token:
    """End a token now; one that was revoked stays as it is.

    Raises:
        Missing: there is none within that scope.
    """
    token = find(connection, which, within)
    connection.execute(query("access", "revoke_token"), {"id": token.id, "by": by, "now": now})
    return find(connection, token.id, within)
