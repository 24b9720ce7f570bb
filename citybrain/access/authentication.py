"""From the secret of a session or token to who asks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import TupleRow, dict_row

from citybrain.access.model import Principal, Scope, Share
from citybrain.access.secrets import TOKEN_PREFIX, digest
from citybrain.store.sql import query


async def principal(connection: AsyncConnection[TupleRow], secret: str, now: datetime) -> Principal | None:
    """Who holds `secret`; None: nobody, it is over, or it was revoked.

    It is known until the secret, or the first of the shares that were granted, expires.
    """
    name = "by_token" if secret.startswith(TOKEN_PREFIX) else "by_session"
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query("access", name), {"hash": digest(secret), "now": now})
        row = await cursor.fetchone()
    if row is None:
        return None
    if name == "by_token":
        today = {"hash": digest(secret), "today": now.date()}
        await connection.execute(query("access", "mark_token_used"), today)
    return _principal(row)


def _principal(row: dict[str, Any]) -> Principal:
    shares = row["shares"] or []
    untils = [datetime.fromisoformat(share["until"]) for share in shares]
    return Principal(
        kind=row["kind"],
        id=row["id"],
        name=row["name"],
        title=row["title"] or row["name"],
        role=row["role"],
        crew=row["crew"],
        scope=Scope(
            regions=None if row["regions"] is None else frozenset(row["regions"]),
            domains=None if row["domains"] is None else frozenset(row["domains"]),
            shares=frozenset(
                Share(s["domain"], s["metric"], None if s["regions"] is None else frozenset(s["regions"]))
                for s in shares
            ),
        ),
        expires_at=min([row["expires_at"], *untils]),
    )
