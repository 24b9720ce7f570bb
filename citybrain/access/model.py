"""Roles, scopes and principals. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from citybrain.errors import Correctable

Role = Literal["viewer", "operator", "engineer", "administrator"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Each may do all that those before it may."""


class AccessError(Correctable):
    """Something about people, tokens or grants that can't be done; the text says why and what can be."""


class Denied(AccessError):
    """Who asks is known, and may not do this."""


class Missing(AccessError):
    """There is nothing of that name, or nothing that the one who asks may see."""


class Clash(AccessError):
    """It can't be beside what is there: the name is taken, or nobody would be left in charge."""


@dataclass(frozen=True, slots=True)
class Share:
    """A dataset that was granted: one metric of a domain in `regions`, those below included; None: everywhere."""

    domain: str
    metric: str
    regions: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Scope:
    """What somebody may see: within `regions` (those below included) and `domains`; None: all of them.

    `shares` are series beyond that. What belongs to no region is seen by those only who see all regions.
    """

    regions: frozenset[str] | None = None
    domains: frozenset[str] | None = None
    shares: frozenset[Share] = frozenset()

    @property
    def is_everything(self) -> bool:
        """Whether nothing is beyond it."""
        return self.regions is None and self.domains is None

    def sees(self, region: str | None, domain: str | None) -> bool:
        """Whether what belongs to that region and domain is within; None: to none."""
        return (self.regions is None or region in self.regions) and (self.domains is None or domain in self.domains)

    def sees_series(self, region: str, domain: str, metric: str) -> bool:
        """Whether readings of that metric there are within, or were granted."""
        return self.sees(region, domain) or any(
            share.domain == domain and share.metric == metric and (share.regions is None or region in share.regions)
            for share in self.shares
        )

    def covers(self, other: Scope) -> bool:
        """Whether all that `other` sees, apart from shares, is within."""
        return _covers(self.regions, other.regions) and _covers(self.domains, other.domains)

    def touches(self, other: Scope) -> bool:
        """Whether there may be something, apart from shares, that both see."""
        return _meet(self.regions, other.regions) and _meet(self.domains, other.domains)

    def narrowed(self, regions: Iterable[str] | None, domains: Iterable[str] | None) -> Scope:
        """What of it, apart from shares, lies in those regions and domains; None: in any."""
        return Scope(_within(self.regions, regions), _within(self.domains, domains))

    def parameters(self) -> dict[str, Any]:
        """What statements take: arrays or null for all; those of shares run in parallel, region `*` is everywhere."""
        shared = self._shared()
        return {
            "regions": None if self.regions is None else sorted(self.regions),
            "domains": None if self.domains is None else sorted(self.domains),
            "shared_domains": [share.domain for share, _ in shared],
            "shared_metrics": [share.metric for share, _ in shared],
            "shared_regions": [region for _, region in shared],
        }

    def _shared(self) -> list[tuple[Share, str]]:
        """Each share with each of its regions; `*` for everywhere."""
        return [
            (share, region)
            for share in sorted(self.shares, key=lambda s: (s.domain, s.metric))
            for region in (["*"] if share.regions is None else sorted(share.regions))
        ]


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a person in a session, or a system with a token; known until `expires_at` at the latest."""

    kind: Literal["person", "token"]
    id: int
    name: str
    title: str
    role: Role
    crew: str | None
    scope: Scope
    expires_at: datetime

    @property
    def label(self) -> str:
        """What audit and events call it: a person by name, a token as `token:NAME`."""
        return self.name if self.kind == "person" else f"token:{self.name}"

    def may(self, role: Role) -> bool:
        """Whether it has that role, or one above."""
        return ROLES.index(self.role) >= ROLES.index(role)


def _covers(outer: frozenset[str] | None, inner: frozenset[str] | None) -> bool:
    return outer is None or (inner is not None and inner <= outer)


def _meet(one: frozenset[str] | None, other: frozenset[str] | None) -> bool:
    return one is None or other is None or not one.isdisjoint(other)


def _within(seen: frozenset[str] | None, wanted: Iterable[str] | None) -> frozenset[str] | None:
    if wanted is None:
        return seen
    return frozenset(wanted) if seen is None else seen & frozenset(wanted)
