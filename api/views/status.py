"""What the first page shows: read once, then put into words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel

from api.health import Readiness
from api.views import alerts
from api.views.documents import (
    Account,
    CollectorStatus,
    DeviceCounts,
    DomainStatus,
    Metric,
    Quarantined,
    SiteStatus,
    Status,
    Value,
    VitalSign,
    Words,
)
from citybrain.access.model import Scope
from citybrain.catalogue.model import Catalogue, Text
from citybrain.quality import Flag
from citybrain.store import boards
from citybrain.store.boards import DevicePoint, Extreme, Latest, Place, Point, Worst
from citybrain.store.pools import Reader

ALERTS = 20  # open alerts in the document, the first of all
PLACES = 50  # sites of one domain in the document; more than a page can show
OVERDUE_INTERVALS = 2  # a series without a reading for so many of its intervals is stale


D = TypeVar("D", bound=BaseModel)


class Vital(NamedTuple):
    """The metric that says most about a domain, and which end of it is the bad one."""

    metric: str
    worst: Worst


# In order of preference: the first that has readings is shown.
VITALS: dict[str, tuple[Vital, ...]] = {
    "water": (Vital("pressure", "low"), Vital("flow", "high")),
    "heating": (Vital("indoor_temp", "low"), Vital("supply_temp", "low")),
    "air": (Vital("aqi", "high"), Vital("pm25", "high")),
    "sentinel": (Vital("methane", "high"), Vital("ponding_depth", "high")),
}


class Sign(NamedTuple):
    """A domain's vital metric as read: the worst value, the worst of each hour, and each device's hours."""

    vital: Vital
    found: Extreme
    trend: list[Point]
    device_trends: list[DevicePoint]


class Snapshot(NamedTuple):
    """All rows that a status is made of."""

    now: datetime
    places: list[Place]
    latest: list[Latest]
    account: boards.Account
    devices: list[boards.Devices]
    newest: dict[str, datetime | None]
    quarantine: list[boards.Waiting] | None  # None: beyond the scope
    collectors: list[boards.Collector] | None
    signs: dict[str, Sign]
    alerts: list[boards.OpenAlert]
    alert_counts: list[boards.AlertCount]


async def read(reader: Reader, scope: Scope) -> Snapshot:
    """Everything a status needs.

    Raises:
        citybrain.store.pools.UNAVAILABLE: the database can't be read.
    """
    places = await boards.places(reader, scope, PLACES)
    signs = {}
    for domain, of_domain in groupby(places, attrgetter("domain")):
        sign = await _sign(reader, scope, domain, _devices(of_domain))
        if sign is not None:
            signs[domain] = sign
    return Snapshot(
        now=await boards.now(reader),
        places=places,
        latest=await boards.latest(reader, _devices(places)),
        account=await boards.ledger(reader, scope),
        devices=await boards.devices(reader, scope),
        newest={row.domain: row.time for row in await boards.newest(reader, scope)},
        quarantine=await boards.quarantine(reader) if scope.is_everything else None,
        collectors=await boards.collectors(reader) if scope.is_everything else None,
        signs=signs,
        alerts=await boards.open_alerts(reader, scope, ALERTS),
        alert_counts=await boards.alert_counts(reader, scope),
    )


async def _sign(reader: Reader, scope: Scope, domain: str, devices: list[int]) -> Sign | None:
    for vital in VITALS.get(domain, ()):
        found = await boards.extreme(reader, scope, domain, vital.metric, vital.worst)
        if found is not None:
            trend = await boards.trend(reader, scope, domain, vital.metric, vital.worst)
            return Sign(vital, found, trend, await boards.trends(reader, devices, vital.metric))
    return None


def _devices(places: Iterable[Place]) -> list[int]:
    return [device for place in places for device in place.devices]


def describe(snapshot: Snapshot, readiness: Readiness, catalogue: Catalogue, time_zone: str) -> Status:
    """Put a snapshot into words; the catalogue has those that the database lacks."""
    return Status(
        now=snapshot.now,
        time_zone=time_zone,
        ready=readiness.ready,
        checks=readiness.checks,
        ledger=Account.model_validate(snapshot.account._asdict()),
        alerts=alerts.describe(snapshot.alerts, snapshot.alert_counts),
        domains=[_domain(id, snapshot, catalogue) for id in _domains(snapshot, catalogue)],
        metrics=_metrics(snapshot.latest, catalogue),
        sites=_sites(snapshot, catalogue),
        quarantine=_all(Quarantined, snapshot.quarantine),
        collectors=_all(CollectorStatus, snapshot.collectors),
    )


def _all(kind: type[D], rows: Sequence[Any] | None) -> list[D] | None:
    return None if rows is None else [kind.model_validate(row._asdict()) for row in rows]


def _domains(snapshot: Snapshot, catalogue: Catalogue) -> list[str]:
    """Those of the catalogue, then those that only the database has."""
    return list(dict.fromkeys([*catalogue.domains, *(place.domain for place in snapshot.places)]))


def _domain(id: str, snapshot: Snapshot, catalogue: Catalogue) -> DomainStatus:
    known = catalogue.domains.get(id)
    sign = snapshot.signs.get(id)
    return DomainStatus(
        id=id,
        title=_words(known.title if known else Text(id, id)),
        devices=device_counts([row for row in snapshot.devices if row.domain == id]),
        places=next((place.of for place in snapshot.places if place.domain == id), 0),
        newest=snapshot.newest.get(id),
        vital=_vital_sign(sign, snapshot.now) if sign else None,
    )


def _vital_sign(sign: Sign, now: datetime) -> VitalSign:
    found = sign.found
    age_s = (now - found.time).total_seconds()
    return VitalSign(
        metric=found.metric,
        title=Words(zh=found.title_zh, en=found.title_en),
        unit=found.unit,
        worst=sign.vital.worst,
        value=found.value,
        time=found.time,
        stale=found.interval_s is not None and age_s > OVERDUE_INTERVALS * found.interval_s,
        place=Words(zh=found.place_zh, en=found.place_en),
        trend=hourly(sign.trend, now),
    )


def hourly(points: Iterable[Point | DevicePoint], now: datetime) -> list[float | None]:
    """One value for each of the 24 hours that end with the one of `now`; None where there is no point."""
    values: list[float | None] = [None] * 24
    present = now.replace(minute=0, second=0, microsecond=0)
    for point in points:
        ago = round((present - point.hour).total_seconds() / 3600)
        if 0 <= ago < 24:
            values[23 - ago] = point.value
    return values


def _metrics(latest: list[Latest], catalogue: Catalogue) -> dict[str, dict[str, Metric]]:
    metrics: dict[str, dict[str, Metric]] = {}
    for row in latest:
        domain = catalogue.domains.get(row.domain)
        known = domain.metrics.get(row.metric) if domain else None
        titles = known.state_titles if known else {}
        metrics.setdefault(row.domain, {})[row.metric] = Metric(
            title=Words(zh=row.title_zh, en=row.title_en),
            kind=row.kind,
            unit=row.unit,
            interval_s=row.interval_s,
            derived=row.derived,
            states={name: _words(titles.get(name, Text(name, name))) for name in row.states},
        )
    return metrics


def _sites(snapshot: Snapshot, catalogue: Catalogue) -> list[SiteStatus]:
    latest = {id: list(rows) for id, rows in groupby(snapshot.latest, attrgetter("device_id"))}
    trends = {
        id: hourly(points, snapshot.now)
        for sign in snapshot.signs.values()
        for id, points in groupby(sign.device_trends, attrgetter("device_id"))
    }
    sites = []
    for place in snapshot.places:
        domain = catalogue.domains.get(place.domain)
        kind = domain.site_kinds.get(place.kind) if domain and place.kind else None
        rows = [row for device in place.devices for row in latest.get(device, [])]
        sites.append(
            SiteStatus(
                id=place.site,
                title=Words(zh=place.title_zh, en=place.title_en),
                kind=_words(kind) if kind else None,
                domain=place.domain,
                region=place.region,
                region_title=Words(zh=place.region_zh, en=place.region_en),
                verified=place.verified,
                # Of several devices that measure the same at one site, the newest value.
                values={row.metric: _value(row) for row in sorted(rows, key=attrgetter("time"))},
                trend=next((trends[device] for device in place.devices if device in trends), None),
            )
        )
    return sites


def _value(row: Latest) -> Value:
    return Value(
        device=row.device,
        value=row.value,
        states=states(row.kind, row.states, row.value),
        time=row.time,
        good=row.good,
        quality=[flag.name.lower() for flag in Flag(row.quality) if flag.name],
    )


def states(kind: str, codes: dict[str, int], value: float) -> list[str]:
    """The names that a value stands for: of a state its one, of flags all that are set, else none."""
    if kind == "state":
        return [name for name, code in codes.items() if code == value]
    if kind == "flags":
        return [name for name, code in codes.items() if int(value) & code]
    return []


def device_counts(rows: list[boards.Devices]) -> DeviceCounts:
    """How many devices there are in all of these."""

    def of(state: str) -> int:
        return sum(row.devices for row in rows if row.state == state)

    return DeviceCounts(
        total=sum(row.devices for row in rows),
        unverified=sum(row.devices for row in rows if not row.verified),
        online=of("online"),
        offline=of("offline"),
        unknown=of("unknown"),
    )


def _words(text: Text) -> Words:
    return Words(zh=text.zh, en=text.en)
