"""Announcing: each second, what people are to be told of alerts becomes rows that the notifier delivers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from citybrain.catalogue.model import Text
from citybrain.store.connection import Connection
from citybrain.store.sql import query
from rules.alerts.decision import (
    DIGEST,
    FLOOD_SPAN,
    Context,
    Decision,
    Inhibitor,
    decide,
    inhibitions,
    is_flood,
)
from rules.alerts.model import Alert, AnnouncementKind, Event
from rules.alerts.record import AT_ONCE, add_events, as_json, find, lock, save
from rules.alerts.wording import digest, single
from rules.model import Rule

_HOLDS = ("hold", "flood")  # waiting that ends within moments: it makes no event


class Place(NamedTuple):
    """What an alert hangs on; `title_zh` and `title_en` are those of a listed site."""

    alert_id: int
    device: str | None
    gateway: str | None
    site: str | None
    region: str | None
    attributes: Mapping[str, Any]
    title_zh: str | None
    title_en: str | None

    def same(self, what: str) -> Any:
        """What must be equal where a rule says `same: what`; None: it hangs on none."""
        if what in ("device", "gateway", "site", "region"):
            return getattr(self, what)
        return self.attributes.get(what.removeprefix("site_"))


@dataclass(frozen=True, slots=True)
class Announcement:
    """One thing to tell: of one alert, or, in a flood, of several."""

    kind: AnnouncementKind
    alerts: tuple[Alert, ...]
    text: Text


def announce(connection: Connection, rules: Mapping[str, Rule], now: datetime) -> int:
    """Announce what is due; how many announcements that made.

    Called once a second by the one runner. It looks at the difference between an alert and what was told of it, so
    that being called late, twice or after a crash tells nothing twice and forgets nothing.

    Args:
        connection: of a writer, outside a transaction.
        rules: those in force, which say who inhibits whom.
        now: the server's time.
    """
    made = 0
    row = connection.execute(query("alerts", "is_news"), {"now": now}).fetchone()
    is_more = bool(row and row[0])
    while is_more:
        looked_at, told = _announce_some(connection, rules, now)
        made += told
        is_more = looked_at == AT_ONCE
    return made


def _announce_some(connection: Connection, rules: Mapping[str, Rule], now: datetime) -> tuple[int, int]:
    """Decide about AT_ONCE alerts at most, the most severe first; how many were decided about, and announced."""
    with connection.transaction():
        lock(connection)
        news = find(connection, "news", now=now, limit=AT_ONCE)
        places = _places(connection, [alert.id for alert in news])
        contexts = _contexts(connection, rules, news, places, now)
        decisions = {alert.id: decide(alert, contexts.get(alert.id, Context()), now) for alert in news}
        due = [alert for alert in news if decisions[alert.id].tell]
        announcements = _singles(due, decisions, places)
        flooded = _floods(connection, due, now)
        if flooded:
            announcements, waiting = _fold(connection, announcements, flooded, now)
            decisions |= waiting
        _tell(connection, announcements, now)
        _withhold(connection, [alert for alert in news if not decisions[alert.id].tell], decisions, now)
    return len(news), len(announcements)


def _singles(
    due: Iterable[Alert], decisions: Mapping[int, Decision], places: Mapping[int, Place]
) -> list[Announcement]:
    made = []
    for alert in due:
        kind = decisions[alert.id].tell
        assert kind is not None  # noqa: S101  that is what being due means
        place = places[alert.id]
        called = Text(place.title_zh or alert.subject, place.title_en or alert.subject)
        title = Text(alert.title_zh, alert.title_en)
        made.append(Announcement(kind, (alert,), single(kind, alert.severity, title, called, alert.missed_step)))
    return made


def _floods(connection: Connection, due: Sequence[Alert], now: datetime) -> set[str]:
    """The regions that are flooded from now on."""
    counts: defaultdict[str, int] = defaultdict(int)
    for region, count in connection.execute(query("alerts", "recently_told"), {"since": now - FLOOD_SPAN}):
        counts[region] += count
    for alert in due:
        counts[alert.region_id or ""] += 1
    before = {region for (region,) in connection.execute(query("alerts", "floods"))}
    after = {region for region in before | counts.keys() if is_flood(region in before, counts[region])}
    for name, regions in (("begin_flood", after - before), ("end_flood", before - after)):
        for region in sorted(regions):
            connection.execute(query("alerts", name), {"region": region, "now": now})
    return after


def _fold(
    connection: Connection, announcements: Iterable[Announcement], flooded: set[str], now: datetime
) -> tuple[list[Announcement], dict[int, Decision]]:
    """Fold what is not red in flooded regions into a digest a minute, region and domain.

    Returns:
        What is announced now, and decisions about what waits for the next digest.
    """
    found = connection.execute(query("alerts", "newest_digests"), {"since": now - DIGEST, "now": now})
    newest = {(region, domain): at for region, domain, at in found}
    made, waiting = [], {}
    groups: defaultdict[tuple[str, str], list[Alert]] = defaultdict(list)
    for announcement in announcements:
        alert = announcement.alerts[0]
        if alert.severity == 1 or (alert.region_id or "") not in flooded:
            made.append(announcement)
        else:
            groups[alert.region_id or "", alert.domain_id].append(alert)
    for group, alerts in groups.items():
        if group in newest:
            waiting.update({alert.id: Decision(why="flood", again=newest[group] + DIGEST) for alert in alerts})
        else:
            made.append(Announcement("flood", tuple(alerts), digest(alerts)))
    return made, waiting


def _tell(connection: Connection, announcements: Sequence[Announcement], now: datetime) -> None:
    if not announcements:
        return
    alerts = [alert for announcement in announcements for alert in announcement.alerts]
    told_of: dict[int, int] = dict(
        connection.execute(query("alerts", "newest_events"), {"ids": [alert.id for alert in alerts]})
    )
    rows = [_row(announcement, told_of, now) for announcement in announcements]
    numbers = [id for (id,) in connection.execute(query("alerts", "announce"), {"rows": as_json(rows)})]
    save(
        connection,
        [
            replace(
                alert,
                told_severity=alert.severity if alert.raised else None,
                told_step=alert.missed_step,
                told_at=now,
                look_at=None,
                withheld=None,
            )
            for alert in alerts
        ],
    )
    add_events(
        connection,
        [
            Event(alert.id, now, "announced", severity=alert.severity, announcement_id=number)
            for announcement, number in zip(announcements, numbers, strict=True)
            for alert in announcement.alerts
        ],
    )


def _row(announcement: Announcement, told_of: Mapping[int, int], now: datetime) -> dict[str, Any]:
    first = announcement.alerts[0]
    alone = announcement.kind != "flood"
    levels = [alert.attention if announcement.kind == "deadline" else alert.severity for alert in announcement.alerts]
    return {
        "alert_id": first.id if alone else None,
        "event_id": told_of.get(first.id) if alone else None,
        "kind": announcement.kind,
        "severity": min(levels),
        "region_id": first.region_id,
        "domain_id": first.domain_id,
        "at": now,
        "text_zh": announcement.text.zh,
        "text_en": announcement.text.en,
    }


def _withhold(
    connection: Connection, alerts: Iterable[Alert], decisions: Mapping[int, Decision], now: datetime
) -> None:
    """Say of each alert why nobody is told, and when it is looked at again."""
    changed, events = [], []
    for alert in alerts:
        decision = decisions[alert.id]
        # A clear that is old news is told to nobody, and what was told before is over.
        over = not alert.raised and decision.again is None
        told = None if over else alert.told_severity
        changed.append(replace(alert, look_at=decision.again, withheld=decision.reason, told_severity=told))
        if decision.why not in (None, *_HOLDS) and decision.reason != alert.withheld:
            events.append(Event(alert.id, now, "withheld", severity=alert.severity, reason=decision.reason))
    save(connection, changed)
    add_events(connection, events)


def _places(connection: Connection, ids: Sequence[int]) -> dict[int, Place]:
    rows = connection.execute(query("alerts", "places"), {"ids": list(ids)})
    return {place.alert_id: place for place in map(Place._make, rows)}


def _contexts(
    connection: Connection, rules: Mapping[str, Rule], news: Sequence[Alert], places: Mapping[int, Place], now: datetime
) -> dict[int, Context]:
    """What decides about each alert besides itself; one that nothing touches is left out."""
    silences = {
        id: (shelved, maintained)
        for id, shelved, maintained in connection.execute(
            query("alerts", "silences"), {"ids": [alert.id for alert in news], "now": now}
        )
    }
    relevant = {rule: inhibitions(rules, rule) for rule in {alert.rule for alert in news}}
    by_place = _inhibitors(connection, {name: i for found in relevant.values() for name, i in found.items()}, now)
    contexts = {}
    for alert in news:
        shelved, maintained = silences.get(alert.id, (None, None))
        found = relevant[alert.rule]
        if shelved or maintained or found:
            place = places[alert.id]
            contexts[alert.id] = Context(
                shelved_until=shelved,
                maintained_until=maintained,
                hold_us=max((inhibition.hold_us for inhibition in found.values()), default=0),
                inhibitors=[
                    inhibitor
                    for name, inhibition in found.items()
                    for inhibitor in by_place.get((name, place.same(inhibition.same)), ())
                ],
            )
    return contexts


def _inhibitors(
    connection: Connection, inhibiting: Mapping[str, Any], now: datetime
) -> dict[tuple[str, Any], list[Inhibitor]]:
    """Alerts of rules that inhibit, by rule and what they hang on."""
    if not inhibiting:
        return {}
    longest = timedelta(microseconds=max(inhibition.release_us for inhibition in inhibiting.values()))
    parameters = {"rules": list(inhibiting), "since": now - longest}
    rows = connection.execute(query("alerts", "inhibitors"), parameters).fetchall()
    places = _places(connection, [id for id, _, _ in rows])
    by_place: defaultdict[tuple[str, Any], list[Inhibitor]] = defaultdict(list)
    for id, rule, ended_at in rows:
        inhibition = inhibiting[rule]
        on = places[id].same(inhibition.same)
        if on is not None:
            by_place[rule, on].append(Inhibitor(id, inhibition, ended_at))
    return by_place
