"""The overview: each domain's card, open alerts by severity and age, the flood, and the platform itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from api.health import Readiness
from api.pages import figures, trends
from api.pages.asked import Asked
from api.pages.cards import Card, CardFigure, DeviceStates, Flood, Overview, Platform, SeverityCount, WorstAlert
from api.pages.figures import Wanted
from api.pages.structure import describe_figure
from api.views import titles
from api.views.documents import Account, Words
from api.views.rows import rows, tuples
from citybrain.catalogue.model import Catalogue

SEVERITIES, AGES = 4, 5
HOUR = timedelta(hours=1)


class _Counted(NamedTuple):
    domain: str
    severity: int
    age: int
    open: int
    raised: int
    unjudged: int
    overdue: int


class _Worst(NamedTuple):
    id: int
    domain: str
    severity: int
    title_zh: str
    title_en: str
    place_zh: str
    place_en: str
    raised_at: datetime


class _Devices(NamedTuple):
    domain: str
    total: int
    online: int
    heard: int
    silent: int
    unheard: int
    since: datetime | None


class _Ledger(NamedTuple):
    since: datetime
    received: int
    stored: int
    duplicate: int
    quarantined: int
    unbalanced: int
    recent: int


class Standing(NamedTuple):
    """What changes at once: open alerts, when the last was closed, and the flood."""

    now: datetime
    counted: list[_Counted]
    worst: dict[str, _Worst]
    closed_at: datetime | None
    flood: Flood


class Condition(NamedTuple):
    """How devices and the platform fare."""

    devices: dict[str, _Devices]
    rate: float
    ledger: Account
    quarantine: int | None


Cards = Mapping[str, list[CardFigure]]
"""By domain its vital sign, and what stands beside it."""


async def standing(asked: Asked) -> Standing:
    """Open alerts."""
    names = asked.parameters()
    ((closed_at,),) = await tuples(asked.reader, "api_overview", "closed", **names)
    ((rate, since),) = await tuples(asked.reader, "api_overview", "flood", **names)
    return Standing(
        now=asked.now,
        counted=await rows(asked.reader, _Counted, "api_overview", "alerts", **names),
        worst={row.domain: row for row in await rows(asked.reader, _Worst, "api_overview", "worst", **names)},
        closed_at=closed_at,
        flood=Flood(rate=rate, since=since),
    )


async def cards(asked: Asked) -> Cards:
    """The figures of all domains in scope."""
    seen = asked.scope.domains
    domains = [domain for domain in asked.catalogue.domains.values() if seen is None or domain.id in seen]
    pages = [(domain, asked.catalogue.pages[domain.id].vital) for domain in domains]
    wanted = [Wanted(domain, figure) for domain, vital in pages for figure in (vital, *vital.beside)]
    known = await figures.limits(asked, [domain.id for domain in domains])
    numbers = await figures.read(asked, wanted, known)
    found: dict[str, list[CardFigure]] = {domain.id: [] for domain in domains}
    for one, number in zip(wanted, numbers, strict=True):
        told = describe_figure(one.domain, one.figure, known[one.domain.id])
        unit = "%" if one.figure.keeps else one.metric.unit
        found[one.domain.id].append(CardFigure(**told.model_dump(), unit=unit, number=number))
    return found


async def condition(asked: Asked) -> Condition:
    """Devices, the ledger and quarantine."""
    names, hour = asked.parameters(), trends.present(asked.now)
    (ledger,) = await rows(asked.reader, _Ledger, "api_overview", "ledger", **names, hour=hour)
    waiting = await tuples(asked.reader, "api_overview", "quarantined") if asked.scope.is_everything else [(None,)]
    return Condition(
        devices={row.domain: row for row in await rows(asked.reader, _Devices, "api_overview", "devices", **names)},
        rate=ledger.recent / (asked.now - hour + HOUR).total_seconds(),
        ledger=Account(**{name: getattr(ledger, name) for name in Account.model_fields}),
        quarantine=waiting[0][0],
    )


def describe(
    alerts: Standing, figures: Cards, state: Condition, readiness: Readiness, catalogue: Catalogue
) -> Overview:
    """The document: the domains of the catalogue, then what else has alerts."""
    others = [id for id in dict.fromkeys(row.domain for row in alerts.counted) if id not in figures]
    return Overview(
        now=alerts.now,
        alerts=_by_severity(alerts.counted),
        ages=_by_age(alerts.counted),
        closed_at=alerts.closed_at,
        flood=alerts.flood,
        domains=[
            Card(
                domain=titles.domain(catalogue, id),
                alerts=_by_severity([row for row in alerts.counted if row.domain == id]),
                devices=_devices([state.devices[id]] if id in state.devices else []),
                vital=figures[id][0] if id in figures else None,
                beside=figures[id][1:] if id in figures else [],
                worst=_worst(alerts.worst[id]) if id in alerts.worst else None,
            )
            for id in [*figures, *others]
        ],
        platform=Platform(
            readiness=readiness,
            devices=_devices(list(state.devices.values())),
            rate=state.rate,
            ledger=state.ledger,
            quarantine=state.quarantine,
        ),
    )


def _by_severity(counted: Sequence[_Counted]) -> list[SeverityCount]:
    def total(severity: int, name: str) -> int:
        return sum(getattr(row, name) for row in counted if row.severity == severity)

    names = ("open", "raised", "unjudged", "overdue")
    return [
        SeverityCount(severity=severity, **{name: total(severity, name) for name in names})
        for severity in range(1, SEVERITIES + 1)
    ]


def _by_age(counted: Sequence[_Counted]) -> list[list[int]]:
    table = [[0] * AGES for _ in range(SEVERITIES)]
    for row in counted:
        table[row.severity - 1][row.age] += row.open
    return table


def _devices(found: Sequence[_Devices]) -> DeviceStates:
    names = ("total", "online", "heard", "silent", "unheard")
    return DeviceStates(
        **{name: sum(getattr(row, name) for row in found) for name in names},
        silent_since=min((row.since for row in found if row.since), default=None),
    )


def _worst(row: _Worst) -> WorstAlert:
    return WorstAlert(
        id=row.id,
        severity=row.severity,
        title=Words(zh=row.title_zh, en=row.title_en),
        place=Words(zh=row.place_zh, en=row.place_en),
        raised_at=row.raised_at,
    )
