"""The series that rules judge, with what conditions and alerts need to know of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rules.model import SubjectKind


@dataclass(frozen=True, slots=True)
class Series:
    """One metric of one device. `attributes` holds region, device_kind, site_kind and site_<attribute>.

    `region`, `domain` and `device` are those of its topic, `site` is None for an unlisted device. `place` is latitude
    and longitude in degrees. `interval_us` is the expected interval, infinite where none is. `name` is what a scheduled
    rule calls it, whose subjects count as series.
    """

    id: int
    metric: str
    domain: str
    region: str
    device: str
    site: str | None = None
    gateway: str | None = None
    place: tuple[float, float] | None = None
    interval_us: float = float("inf")
    reports_change: bool = False
    attributes: Mapping[str, str | float | bool] = field(default_factory=dict)
    name: str | None = None

    def subject(self, kind: SubjectKind) -> str:
        """The name of the subject of that kind that the series belongs to.

        A device that hangs on no gateway is its own; one that stands at no listed site is a site of its own.
        """
        if self.name is not None:
            return self.name
        device = f"{self.region}/{self.domain}/{self.device}"
        if kind == "region":
            return self.region
        if kind == "site":
            return self.site or device
        if kind == "gateway":
            return f"{self.region}/{self.domain}/{self.gateway}" if self.gateway else device
        return device if kind == "device" else f"{device}/{self.metric}"
