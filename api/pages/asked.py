"""What is asked of a page: by whom, of which domain, where, and at which instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from citybrain.access.model import Scope
from citybrain.catalogue.model import Catalogue
from citybrain.store.pools import Reader


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that panels answer; `within` None: all regions of the scope."""

    reader: Reader
    catalogue: Catalogue
    scope: Scope
    within: list[str] | None
    now: datetime
    zone: ZoneInfo

    def parameters(self) -> dict[str, Any]:
        """What statements take: the scope, the regions that are asked for, and the instant."""
        return {**self.scope.parameters(), "within": self.within, "now": self.now}

    @property
    def day(self) -> date:
        """The city's day."""
        return self.now.astimezone(self.zone).date()
