"""Which subjects of a rule lie within a distance of each other."""

from __future__ import annotations

from collections.abc import Iterable
from math import asin, cos, radians, sin, sqrt

from rules.engine.directory import Series
from rules.model import Rule

EARTH_M = 6_371_009  # metres; mean radius of the sphere that distances are reckoned on


class Neighbours:
    """The neighbours of a rule's subjects; a subject without a place has none."""

    def __init__(self, rule: Rule, judged: Iterable[Series]) -> None:
        self.within_m = rule.together.within_m if rule.together else 0.0
        self._places: dict[str, tuple[float, float]] = {}
        for series in judged:
            if series.place is not None:
                self._places.setdefault(series.subject(rule.subject), series.place)
        self._near: dict[str, tuple[str, ...]] = {}

    def of(self, subject: str) -> tuple[str, ...]:
        """The other subjects within the rule's distance, by name."""
        if subject not in self._near:
            here = self._places.get(subject)
            self._near[subject] = tuple(
                sorted(
                    other
                    for other, place in self._places.items()
                    if here is not None and other != subject and metres(here, place) <= self.within_m
                )
            )
        return self._near[subject]


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Great-circle distance of two places (latitude, longitude in degrees), by the haversine formula."""
    (lat1, lon1), (lat2, lon2) = one, other
    half = (
        sin(radians(lat2 - lat1) / 2) ** 2
        + cos(radians(lat1)) * cos(radians(lat2)) * sin(radians(lon2 - lon1) / 2) ** 2
    )
    return 2 * EARTH_M * asin(min(1.0, sqrt(half)))
