"""The record of what is on its way: announcements get their deliveries, deliveries are taken, tried and recorded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from psycopg.rows import class_row, dict_row

from citybrain.store.connection import Connection
from citybrain.store.sql import query
from rules.notification import cap
from rules.notification.announcement import Announcement, Limit
from rules.notification.routes import MQTT, Route, due, match

AT_ONCE = 500  # announcements whose routes are chosen in one transaction
LEASE = timedelta(seconds=40)  # until what somebody took is taken by somebody else; longer than any attempt
FIRST_PAUSE_S, LONGEST_PAUSE_S = 5, 300  # seconds between attempts; doubled each time (platform default, S)
PATIENCE = timedelta(hours=6)  # after so long an announcement is news no more (platform default, S)


class Outcome(NamedTuple):
    """How one attempt ended; `error` None: it was taken."""

    announcement: int
    route: str
    error: str | None


@dataclass(frozen=True, slots=True)
class _New:
    id: int
    severity: int
    domain: str
    path: list[str]  # its region and all around it


def dispatch(connection: Connection, routes: Sequence[Route], now: datetime, zone: ZoneInfo) -> int:
    """Choose the routes of new announcements, each once; how many announcements there were."""
    with connection.transaction(), connection.cursor(row_factory=class_row(_New)) as cursor:
        found = cursor.execute(query("notification", "undispatched"), {"limit": AT_ONCE}).fetchall()
        if not found:
            return 0
        rows: list[tuple[int, str, datetime]] = []
        for new in found:
            rows.append((new.id, MQTT, now))
            rows += [(new.id, route.name, due(route, now)) for route in match(routes, new, new.path, now, zone)]
        announcement_ids, names, times = map(list, zip(*rows, strict=True))
        cursor.execute(
            query("notification", "dispatch"),
            {
                "dispatched": [new.id for new in found],
                "announcement": announcement_ids,
                "route": names,
                "due": times,
                "now": now,
            },
        )
        return len(found)


def take(connection: Connection, room: Mapping[str, int], now: datetime) -> dict[str, list[Announcement]]:
    """Take what is due, by route; `room` says how much of each route at most. It is ours for as long as `LEASE`."""
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        taken = cursor.execute(
            query("notification", "take"),
            {"route": list(room), "room": list(room.values()), "now": now, "lease": LEASE},
        ).fetchall()
        if not taken:
            return {}
        ids = list({row["announcement_id"] for row in taken})
        rows = cursor.execute(query("notification", "announcements"), {"ids": ids, "kinds": list(cap.KINDS)}).fetchall()
    announcements = {
        row["id"]: Announcement(
            **{**row, "limits": [Limit(name=name, **limit) for name, limit in row["limits"].items()]}
        )
        for row in rows
    }
    parcels: dict[str, list[Announcement]] = defaultdict(list)
    for row in sorted(taken, key=lambda row: int(row["announcement_id"])):
        parcels[row["route"]].append(announcements[row["announcement_id"]])
    return parcels


def record(connection: Connection, outcomes: Iterable[Outcome], now: datetime) -> None:
    """Write down how attempts ended, of one and the same the last; what failed is due again after a pause."""
    last = {outcome[:2]: outcome for outcome in outcomes}
    announcement_ids, names, errors = map(list, zip(*last.values(), strict=True))
    connection.execute(
        query("notification", "record"),
        {
            "announcement": announcement_ids,
            "route": names,
            "error": errors,
            "now": now,
            "first": FIRST_PAUSE_S,
            "longest": LONGEST_PAUSE_S,
        },
    )


def give_up(connection: Connection, now: datetime) -> list[str]:
    """Give up what has waited for too long; the route of each."""
    rows = connection.execute(query("notification", "give_up"), {"now": now, "patience": PATIENCE}).fetchall()
    return [route for (route,) in rows]
