"""What a listener wants and may see. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

from citybrain.access.model import Scope

Kind = Literal["alert", "latest", "health", "presence"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Place(NamedTuple):
    """Where something is and what it is about; None: nowhere, or about nothing of the kind."""

    region: str | None
    domain: str
    metric: str | None
    site: str | None


@dataclass(frozen=True, slots=True)
class Selection:
    """What a listener wants: some kinds of events, of these regions and so on; None: of all."""

    kinds: frozenset[Kind]
    regions: frozenset[str] | None = None
    domains: frozenset[str] | None = None
    metrics: frozenset[str] | None = None
    sites: frozenset[str] | None = None

    def wants(self, place: Place) -> bool:
        """Whether something there is wanted."""
        return (
            (self.regions is None or place.region in self.regions)
            and (self.domains is None or place.domain in self.domains)
            and (self.metrics is None or place.metric in self.metrics)
            and (self.sites is None or place.site in self.sites)
        )

    def parameters(self) -> dict[str, Any]:
        """What statements take: arrays, or null for all."""
        return {
            f"wanted_{name}": None if wanted is None else sorted(wanted)
            for name, wanted in {
                "regions": self.regions,
                "domains": self.domains,
                "metrics": self.metrics,
                "sites": self.sites,
            }.items()
        }


class Audience(NamedTuple):
    """Listeners who want the same and may see the same: what is told is chosen once for all of them."""

    selection: Selection
    scope: Scope

    def hears_alert(self, place: Place) -> bool:
        """Whether they are told of an alert there."""
        return "alert" in self.selection.kinds and self._reaches(place)

    def hears_presence(self, place: Place) -> bool:
        """Whether they are told who looks at an alert there."""
        return "presence" in self.selection.kinds and self._reaches(place)

    def _reaches(self, place: Place) -> bool:
        return self.scope.sees(place.region, place.domain) and self.selection.wants(place)

    def hears_value(self, place: Place) -> bool:
        """Whether they are told of a value there, which may be of a dataset that was granted to them."""
        return (
            place.region is not None
            and place.metric is not None
            and self.scope.sees_series(place.region, place.domain, place.metric)
            and self.selection.wants(place)
        )
