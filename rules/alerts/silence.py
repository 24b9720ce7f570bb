"""Silence on purpose: shelves, by which an operator quiets alerts for a time, and maintenance windows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from psycopg import errors
from psycopg.rows import class_row

from citybrain.access.model import EVERYTHING, Scope
from citybrain.store.connection import Connection
from citybrain.store.sql import query
from rules.alerts.model import AlertError, Event, NoAlert, NotYours
from rules.alerts.record import add_events, find, lock

LONGEST_SHELF = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Window:
    """A time of maintenance. Each of the four that is given must fit; a region stands for all below it, too.

    `device` is region/domain/name.
    """

    start: datetime
    end: datetime
    region: str | None = None
    domain: str | None = None
    site: str | None = None
    device: str | None = None


def shelve(
    connection: Connection,
    rule: str,
    subject: str,
    until: datetime,
    reason: str,
    by: str,
    now: datetime,
    scope: Scope = EVERYTHING,
    longest: timedelta = LONGEST_SHELF,
) -> int:
    """Announce nothing of the alerts whose rule and subject match until then; the number of the shelf.

    What is still raised then is announced then. In both patterns `*` stands for anything; whatever they match, the
    shelf reaches alerts within `scope` only.

    Raises:
        AlertError: it is too long, over already, or without reason or name.
    """
    _check(reason, by)
    if not now < until <= now + longest:
        hours = longest / timedelta(hours=1)
        raise AlertError(
            f"Alerts are shelved for {hours:g} hours at most, and not into the past: shorten the time.",
            f"告警最多搁置 {hours:g} 小时，且不能到过去的时间：请缩短时间。",
        )
    reach = _reach(scope)
    with connection.transaction():
        lock(connection)
        given = {"rule": rule, "subject": subject, "until": until, "reason": reason, "by": by, "now": now}
        number = _number(connection, "shelve", {**given, **reach})
        _note(connection, {"rule": rule, "subject": subject, **reach}, Event(0, now, "shelved", actor=by, note=reason))
    return number


def unshelve(connection: Connection, number: int, by: str, now: datetime, scope: Scope = EVERYTHING) -> None:
    """End a shelf early.

    Raises:
        NoAlert: there is none of that number that is not over, or none that reaches into `scope`.
        NotYours: it reaches beyond `scope`.
    """
    with connection.transaction():
        lock(connection)
        row = connection.execute(query("alerts", "shelf"), {"id": number, "now": now}).fetchone()
        if row is None or not scope.touches(reached := Scope(_set(row[2]), _set(row[3]))):
            raise NoAlert(f"There is no shelf {number} that is not over.", f"没有编号为 {number} 的生效搁置。")
        if not scope.covers(reached):
            raise NotYours(
                f"Shelf {number} reaches beyond what you may see: who sees all of it may end it.",
                f"搁置 {number} 超出您的权限范围：须由可见其全部范围的人员结束。",
            )
        connection.execute(query("alerts", "unshelve"), {"id": number, "by": by, "now": now})
        noted = {"rule": row[0], "subject": row[1], **_reach(reached)}
        _note(connection, noted, Event(0, now, "unshelved", actor=by))
        connection.execute(query("alerts", "look_again"), {"now": now})


def within(connection: Connection, window: Window, scope: Scope) -> Window:
    """The window with the region and domain of its site or device, so that it reaches nothing outside of them.

    Raises:
        NoAlert: its region, domain, site or device is not there, or not within `scope`.
        NotYours: it names nothing that bounds it to `scope`.
    """
    places = _places(connection, window)
    for kind, name, place in places:
        if place is None or not scope.sees(*place):
            raise NoAlert(f"There is no {kind} {name}.", f"没有{_KIND_ZH[kind]} {name}。")
    for kind, given, seen in (("region", window.region, scope.regions), ("domain", window.domain, scope.domains)):
        if given is not None and seen is not None and given not in seen:
            raise NoAlert(f"There is no {kind} {given}.", f"没有{_KIND_ZH[kind]} {given}。")
    region, domain = _lies(window, places)
    if not scope.sees(region, domain):
        raise NotYours(
            "This window would reach beyond what you may see: name a region and a domain of yours.",
            "该维护窗口超出您的权限范围：请指明您管辖的区域和领域。",
        )
    return replace(window, region=region, domain=domain)


def open_window(connection: Connection, window: Window, reason: str, by: str, now: datetime) -> int:
    """Announce nothing of what lies in a maintenance window while it lasts; its number.

    Raises:
        AlertError: it names nothing or something unknown, ends before it begins or is over, or has no reason or name.
    """
    _check(reason, by)
    if not window.start < window.end or window.end <= now:
        raise AlertError(
            "A maintenance window ends after it begins, and in the future: correct its times.",
            "维护窗口的结束时间须晚于开始时间，且在将来：请更正时间。",
        )
    if not any((window.region, window.domain, window.site, window.device)):
        raise AlertError(
            "A maintenance window is for a region, a domain, a site or a device: name at least one.",
            "维护窗口须指明区域、领域、站点或设备中的至少一项。",
        )
    parameters = {
        "region": window.region,
        "domain": window.domain,
        "site": window.site,
        "device": window.device,
        "start": window.start,
        "end": window.end,
        "reason": reason,
        "by": by,
        "now": now,
    }
    try:
        with connection.transaction():
            return _number(connection, "open_window", parameters)
    except errors.ForeignKeyViolation:
        raise AlertError(
            f"There is no region {window.region} or no domain {window.domain}: correct it.",
            f"没有区域 {window.region} 或领域 {window.domain}：请更正。",
        ) from None


def close_window(connection: Connection, number: int, now: datetime, scope: Scope = EVERYTHING) -> None:
    """End a maintenance window early.

    Raises:
        NoAlert: there is none of that number that is not over, or none that lies within `scope`.
    """
    with connection.transaction():
        lock(connection)
        with connection.cursor(row_factory=class_row(Window)) as cursor:
            found = cursor.execute(query("alerts", "window"), {"id": number, "now": now}).fetchone()
        if found is None or not scope.sees(*_lies(found, _places(connection, found))):
            raise NoAlert(
                f"There is no maintenance window {number} that is not over and yours to end.",
                f"没有编号为 {number} 且可由您结束的生效维护窗口。",
            )
        connection.execute(query("alerts", "close_window"), {"id": number, "now": now})
        connection.execute(query("alerts", "look_again"), {"now": now})


_KIND_ZH = {"region": "区域", "domain": "领域", "site": "站点", "device": "设备"}


def _places(connection: Connection, window: Window) -> list[tuple[str, str, tuple[str, str] | None]]:
    """The site and the device that a window names, each with its region and domain; None: it is not there."""
    named = [(kind, name) for kind, name in (("site", window.site), ("device", window.device)) if name is not None]
    return [
        (kind, name, cast("tuple[str, str] | None", connection.execute(query("alerts", kind), {kind: name}).fetchone()))
        for kind, name in named
    ]


def _lies(window: Window, places: Iterable[tuple[str, str, tuple[str, str] | None]]) -> tuple[str | None, str | None]:
    """The region and the domain that a window is bounded to; None: to none."""
    region, domain = window.region, window.domain
    for _, _, place in places:
        if place is not None:
            region, domain = region or place[0], domain or place[1]
    return region, domain


def _check(reason: str, by: str) -> None:
    if not reason.strip() or not by.strip():
        raise AlertError(
            "Say why, and who you are: silence without a reason or a name is not kept.",
            "请说明原因和操作人：没有原因或操作人的静默不予保存。",
        )


def _reach(scope: Scope) -> dict[str, list[str] | None]:
    """How far a shelf reaches, as statements take it."""
    return {
        "regions": None if scope.regions is None else sorted(scope.regions),
        "domains": None if scope.domains is None else sorted(scope.domains),
    }


def _set(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def _note(connection: Connection, matching: dict[str, Any], event: Event) -> None:
    """Give each open alert that a shelf is about its copy of `event`."""
    alerts = find(connection, "matching", **matching)
    add_events(connection, [replace(event, alert_id=alert.id, severity=alert.severity) for alert in alerts])


def _number(connection: Connection, name: str, parameters: dict[str, Any]) -> int:
    row = connection.execute(query("alerts", name), parameters).fetchone()
    assert row is not None  # noqa: S101  an insert that returns has a row
    return int(row[0])
