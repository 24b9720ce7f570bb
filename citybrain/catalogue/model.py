"""What the city has: regions, domains with their metrics, sites and devices."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from citybrain.catalogue.pages import Page

MetricKind = Literal["number", "boolean", "state", "flags"]
RegionLevel = Literal["province", "city", "county", "street", "grid"]
AttributeKind = Literal["text", "number", "boolean"]


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Region:
    """An administrative division (行政区划); `id` is its GB/T 2260 code where there is one."""

    id: str
    title: Text
    level: RegionLevel
    parent: str | None


@dataclass(frozen=True, slots=True)
class Metric:
    """What is measured, its unit and the limits of plausibility.

    A `state` is one of `states` (name -> code, stored as the code); `flags` is a sum of the codes of `states`
    (powers of two). `low`, `high` bound what is plausible, inclusive; `max_step` is the largest plausible
    change between consecutive readings; an equal value for `stuck_after` or longer is stuck. None: no check.
    """

    domain: str
    name: str
    title: Text
    kind: MetricKind = "number"
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    max_step: float | None = None
    stuck_after: timedelta | None = None
    interval: timedelta | None = None
    reports: Literal["interval", "change"] = "interval"
    revises: bool = False
    derived: bool = False
    states: dict[str, int] = field(default_factory=dict)
    state_titles: dict[str, Text] = field(default_factory=dict)
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Derivation:
    """Readings computed from readings: `function` names a module of `citybrain.derived`."""

    domain: str
    function: str
    inputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SiteAttribute:
    """What else is known of sites; `unit` is that of a number, None where it has none."""

    title: Text
    kind: AttributeKind = "text"
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Domain:
    """A field of the city's operations, one folder in `domains/`; `owner` is the department whose data it is."""

    id: str
    title: Text
    metrics: dict[str, Metric]
    derivations: tuple[Derivation, ...] = ()
    site_kinds: dict[str, Text] = field(default_factory=dict)
    site_attributes: dict[str, SiteAttribute] = field(default_factory=dict)
    owner: Text | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """A place with things on it; `longitude` and `latitude` in degrees, WGS84.

    Each of `attributes` is one of its domain's `site_attributes`, and of that kind.
    """

    id: str
    title: Text
    region: str
    domain: str
    kind: str
    longitude: float
    latitude: float
    attributes: dict[str, str | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Device:
    """What has credentials and publishes; `name` is the device part of its topic."""

    name: str
    region: str
    domain: str
    site: str
    gateway: str | None = None


@dataclass(frozen=True, slots=True)
class Outlines:
    """Outlines of regions, from one file; a map that shows them says where they are from.

    Attributes:
        source: Who drew them, from what.
        licence: Under which they may be used.
        approval: The number (审图号) under which the map was approved; None: it was not.
        shapes: By region, polygons as in a MultiPolygon of GeoJSON; degrees, WGS84.
    """

    source: Text
    licence: str
    approval: str | None
    shapes: dict[str, list[list[list[list[float]]]]]


@dataclass(frozen=True, slots=True)
class Lines:
    """Pipes, streets or whatever else of a domain runs along lines in a region.

    `coordinates` are those of a MultiLineString of GeoJSON; degrees, WGS84.
    """

    domain: str
    region: str
    kind: str
    coordinates: list[list[list[float]]]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All of it, checked: every reference leads to something that is here."""

    regions: dict[str, Region]
    domains: dict[str, Domain]
    sites: dict[str, Site]
    devices: dict[tuple[str, str, str], Device]  # by (region, domain, name)
    outlines: list[Outlines] = field(default_factory=list)
    networks: list[Lines] = field(default_factory=list)
    pages: dict[str, Page] = field(default_factory=dict)  # by domain; each has one

    def below(self, region: str) -> list[str]:
        """The ids of `region` and of every region under it, parents first."""
        found = [region]
        for candidate in found:
            found += [r.id for r in self.regions.values() if r.parent == candidate]
        return found
