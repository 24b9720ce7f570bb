"""Routes: to whom an announcement goes, by region, domain, severity and time of day."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

Language = Literal["zh", "en"]
Kind = Literal["apprise", "webhook"]
Format = Literal["cloudevents", "cap"]

MQTT = "mqtt"  # the built-in route: every announcement goes there
DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Route:
    """What goes to one channel; None lets everything through.

    `regions` include all below them. `hours` are minutes of the city's day, the end exclusive; where the end is not
    after the start they cross midnight. `days` (0 Monday) are those on which the hours begin. `url_from` says where
    the channel's address stands: `env:NAME` or `file:/path`. With `digest`, one message carries what came in so long.
    A webhook has a secret, which stands where `secret_from` says, and a `format`.
    """

    name: str
    url_from: str
    language: Language = "zh"
    regions: frozenset[str] | None = None
    domains: frozenset[str] | None = None
    severities: frozenset[int] | None = None
    hours: tuple[int, int] = (0, DAY_MINUTES)
    days: frozenset[int] | None = None
    digest: timedelta | None = None
    kind: Kind = "apprise"
    secret_from: str | None = None
    format: Format = "cloudevents"

    def open_at(self, now: datetime, zone: ZoneInfo) -> bool:
        """Whether `now` lies in the hours and days."""
        local = now.astimezone(zone)
        minute = local.hour * 60 + local.minute
        start, end = self.hours
        after_midnight = end <= start and minute < end
        begun = (local.weekday() - 1) % 7 if after_midnight else local.weekday()
        if self.days is not None and begun not in self.days:
            return False
        return after_midnight or (start <= minute and (minute < end or end <= start))


class Routable(Protocol):
    """What routes look at in an announcement."""

    @property
    def domain(self) -> str:
        """Domain of the alert's rule."""

    @property
    def severity(self) -> int:
        """1 red, 2 orange, 3 yellow, 4 blue."""


def match(
    routes: Iterable[Route], announcement: Routable, region_path: Collection[str], now: datetime, zone: ZoneInfo
) -> list[Route]:
    """The routes that an announcement takes, each of them once.

    Args:
        routes: All there are.
        announcement: What is announced.
        region_path: The region it belongs to and all around that one.
        now: When it is put on its way; hours are judged by it.
        zone: The city's zone.
    """
    return [
        route
        for route in routes
        if (route.regions is None or not route.regions.isdisjoint(region_path))
        and (route.domains is None or announcement.domain in route.domains)
        and (route.severities is None or announcement.severity in route.severities)
        and route.open_at(now, zone)
    ]


def due(route: Route, now: datetime) -> datetime:
    """When an announcement that is put on its way at `now` is to leave: at once, or with the next digest."""
    if route.digest is None:
        return now
    into = timedelta(seconds=now.timestamp() % route.digest.total_seconds())
    return now - into + route.digest
