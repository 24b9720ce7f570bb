"""Grants of datasets (数据目录): somebody outside of a domain or region may read one metric there, until a day.

A dataset is a metric of a domain, such as `water.pressure`. Grants are never deleted: they end, or are revoked.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg.rows import class_row

from citybrain.access.model import AccessError, Clash, Denied, Missing, Scope
from citybrain.store.connection import Connection
from citybrain.store.sql import query

LONGEST = timedelta(days=366)  # that a grant may last; then somebody decides anew


@dataclass(frozen=True, slots=True)
class NewGrant:
    """A grant that shall be; either a person or a token, in a region with all below it; None: everywhere."""

    domain: str
    metric: str
    region: str | None
    person: str | None
    token: str | None
    reason: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant, with the names of who has it and who gave and took it."""

    id: int
    domain: str
    metric: str
    region: str | None
    person: str | None
    token: str | None
    reason: str
    granted_at: datetime
    granted_by: str
    expires_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None

    def lasts(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.revoked_at is None and self.expires_at > now


@dataclass(frozen=True, slots=True)
class Filter:
    """Which grants are asked for; None: whatever it is."""

    domain: str | None = None
    metric: str | None = None
    in_force: bool | None = None


def grant(connection: Connection, new: NewGrant, within: Scope, by: str, now: datetime) -> Grant:
    """Grant a dataset.

    Raises:
        Missing: there is no such dataset.
        AccessError: there is no such person, token or region, or it would be over at once or last too long.
        Denied: it would be more than `within`.
    """
    if not now < new.expires_at <= now + LONGEST:
        raise AccessError(
            f"A grant ends in the future, after {LONGEST.days} days at most: choose another end.",
            f"授权须在未来到期，且最长 {LONGEST.days} 天：请更改到期时间。",
        )
    values = {
        "domain": new.domain,
        "metric": new.metric,
        "region": new.region,
        "person": new.person,
        "token": new.token,
        "now": now,
    }
    if connection.execute(query("datasets", "known"), values).fetchone() is None:
        raise Missing(f"There is no dataset {new.domain}.{new.metric}.", f"没有数据集 {new.domain}.{new.metric}。")
    person, token, region = connection.execute(query("datasets", "grantee"), values).fetchone() or (None, None, False)
    if not region or (new.region is not None and within.regions is not None and new.region not in within.regions):
        raise AccessError(f"There is no region {new.region}.", f"没有行政区划 {new.region}。")
    if not within.sees(new.region, new.domain):
        raise Denied(
            f"You may grant what lies within your own scope; {new.domain}.{new.metric} is more, or name a region.",
            f"只能授权本人范围内的数据；{new.domain}.{new.metric} 超出范围，或应指定行政区划。",
        )
    if (person is None) == (token is None):
        who, who_zh = (f"person {new.person}", "人员") if new.person else (f"token {new.token}", "令牌")
        raise AccessError(f"There is no {who} that may come in.", f"没有可登录的{who_zh} {new.person or new.token}。")
    row = connection.execute(
        query("datasets", "add"),
        {**values, "person": person, "token": token, "reason": new.reason, "by": by, "expires": new.expires_at},
    ).fetchone()
    assert row is not None  # noqa: S101  "returning" has a row
    return find(connection, row[0], within)


def revoke(connection: Connection, number: int, within: Scope, by: str, now: datetime, of: Filter = Filter()) -> Grant:
    """End a grant, at once.

    Raises:
        Missing: there is none of that number within that scope, and of that dataset.
        Clash: it is over already.
    """
    find(connection, number, within, of)
    if not connection.execute(query("datasets", "revoke"), {"id": number, "by": by, "now": now}).rowcount:
        raise Clash(f"Grant {number} is over already.", f"授权 {number} 已失效。")
    return find(connection, number, within)


def find(connection: Connection, number: int, within: Scope, of: Filter = Filter()) -> Grant:
    """A grant by its number.

    Raises:
        Missing: there is none of that number within that scope, and of that dataset.
    """
    found = page(connection, within, of, None, 1, id=number)
    if not found:
        raise Missing(f"There is no grant {number}.", f"没有授权 {number}。")
    return found[0]


def page(
    connection: Connection,
    within: Scope,
    wanted: Filter,
    now: datetime | None,
    most: int,
    *,
    after: int = 0,
    id: int | None = None,
) -> list[Grant]:
    """Grants within a scope by number; `now` decides what is in force, where that is asked for."""
    parameters = {
        **within.parameters(),
        "domain": wanted.domain,
        "metric": wanted.metric,
        "in_force": wanted.in_force,
        "now": now,
        "after": after,
        "id": id,
        "most": most,
    }
    with connection.cursor(row_factory=class_row(Grant)) as cursor:
        return cursor.execute(query("datasets", "grants"), parameters).fetchall()
