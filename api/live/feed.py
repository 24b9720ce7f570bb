"""What streams tell, as it is read from the database, and as JSON."""

from __future__ import annotations

from collections.abc import Collection, Set
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from psycopg.rows import dict_row

from api.live import frames
from api.live.selection import Audience, Place
from citybrain.quality import Flag
from citybrain.store.pools import Reader
from citybrain.store.sql import query

Version = tuple[int, str]
"""A series, and the transaction that wrote its newest value."""

_json = msgspec.json.Encoder()


class Words(msgspec.Struct, frozen=True):
    """A text in both languages."""

    zh: str
    en: str


class Alert(msgspec.Struct, frozen=True):
    """An alert as it stands when its event is told."""

    id: int
    rule: str
    subject: str
    title: Words
    place: Words
    region: str | None
    region_title: Words | None
    domain: str
    site: str | None
    device: str | None
    metric: str | None
    severity: int
    attention: int
    condition: str
    handling: str
    open: bool
    revision: int
    crew: str | None
    crew_title: Words | None
    raised_at: datetime
    cleared_at: datetime | None
    changed_at: datetime
    due_step: str | None
    due_at: datetime | None


class Event(msgspec.Struct, frozen=True):
    """What happened to an alert."""

    id: int
    kind: str
    at: datetime
    event_time: datetime | None
    past: bool
    severity: int | None
    handling: str | None
    actor: str | None
    actor_title: str | None
    note: str | None
    alert: Alert

    @property
    def place(self) -> Place:
        """Where it is and what it is about."""
        return Place(self.alert.region, self.alert.domain, self.alert.metric, self.alert.site)

    def frame(self) -> bytes:
        """It as clients get it."""
        return frames.event("alert", _json.encode(self), self.id)


class Value(msgspec.Struct, frozen=True):
    """The newest reading of a series."""

    series: int
    device: str
    region: str
    domain: str
    site: str | None
    metric: str
    unit: str | None
    time: datetime
    value: float
    good: bool
    quality: list[str]

    @property
    def place(self) -> Place:
        """Where it is and what it is about."""
        return Place(self.region, self.domain, self.metric, self.site)

    def document(self) -> bytes:
        """It as JSON."""
        return _json.encode(self)


def latest(documents: Collection[bytes]) -> bytes:
    """Values, each as JSON, as clients get them together."""
    return frames.event("latest", b'{"values":[%s]}' % b",".join(documents))


async def newest_event(reader: Reader) -> int:
    """The number of the newest event."""
    return int(await _one(reader, "newest_event"))


async def events(reader: Reader, after: int, until: int, limit: int) -> list[Event]:
    """At most `limit` events, after `after` and up to `until`. Some numbers are of rules on trial, or of nothing."""
    rows = await _rows(reader, "events", {"after": after, "until": until, "limit": limit})
    return [_event(row) for row in rows]


async def regions_below(reader: Reader, regions: Collection[str]) -> frozenset[str]:
    """These regions with all below them; those that are none are left out."""
    return frozenset(row["id"] for row in await _rows(reader, "regions_below", {"regions": list(regions)}))


async def moment(reader: Reader) -> str:
    """The first transaction that may still write something, or may have written it unseen."""
    return str(await _one(reader, "moment"))


async def changes(reader: Reader, since: str, seen: Set[Version]) -> tuple[list[Value], set[Version]]:
    """Values that were written by the transaction `since` or a later one, but for those `seen`; and all versions."""
    values, versions = [], set()
    for row in await _rows(reader, "changes", {"since": since}):
        version = row["series"], row.pop("version")
        versions.add(version)
        if version not in seen:
            values.append(_value(row))
    return values, versions


async def values(reader: Reader, audience: Audience, after: int, limit: int) -> list[Value]:
    """At most `limit` values that stand now, of the series above `after`."""
    parameters = {**audience.selection.parameters(), **audience.scope.parameters(), "after": after, "limit": limit}
    return [_value(row) for row in await _rows(reader, "values", parameters)]


async def _one(reader: Reader, name: str) -> Any:
    row = await (await reader.execute(query("api_live", name))).fetchone()
    assert row is not None  # noqa: S101  a select without a table, or of an aggregate, has one row
    return row[0]


async def _rows(reader: Reader, name: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    async with reader.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query("api_live", name), parameters)
        return await cursor.fetchall()


def _event(row: dict[str, Any]) -> Event:
    return Event(
        id=row["id"],
        kind=row["kind"],
        at=row["at"],
        event_time=row["event_time"],
        past=row["past"],
        severity=row["event_severity"],
        handling=row["event_handling"],
        actor=row["actor"],
        actor_title=row["actor_title"],
        note=row["note"],
        alert=Alert(
            id=row["alert_id"],
            title=Words(row["title_zh"], row["title_en"]),
            place=Words(row["place_zh"], row["place_en"]),
            region_title=Words(row["region_zh"], row["region_en"]) if row["region_zh"] else None,
            crew_title=Words(row["crew_zh"], row["crew_en"]) if row["crew_zh"] else None,
            **{name: row[name] for name in _SAME},
        ),
    )


_SAME = [name for name in Alert.__struct_fields__ if name not in ("id", "title", "place", "region_title", "crew_title")]


def _value(row: dict[str, Any]) -> Value:
    return Value(**{**row, "quality": _flags(row["quality"])})


@cache
def _flags(quality: int) -> list[str]:
    return [flag.name.lower() for flag in Flag(quality) if flag.name]
