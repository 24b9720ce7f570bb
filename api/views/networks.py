"""The lines of networks as maps take them: those of the catalogue, and those that a simulation writes meanwhile."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog

from citybrain.access.model import Scope
from citybrain.catalogue import maps
from citybrain.catalogue.errors import Problem
from citybrain.catalogue.model import Catalogue, Lines

log = structlog.get_logger()

Stamp = tuple[tuple[str, int, int], ...]
"""Names of files, when they were written (ns), and their sizes."""


class _Feature(NamedTuple):
    region: str
    domain: str
    json: bytes


class Networks:
    """All lines, each made bytes once. The folder's files are read again where one has changed."""

    def __init__(self, catalogue: Catalogue, folder: Path) -> None:
        self._catalogue = catalogue
        self._folder = folder
        self._known = _features(catalogue.networks)
        self._stamp: Stamp = ()
        self._written: list[_Feature] = []

    def read(self, scope: Scope, regions: Collection[str] | None, domain: str | None) -> bytes:
        """The GeoJSON of those in scope, and in these regions and of this domain; None: of all. Reads files."""
        stamp = _stamp(self._folder)
        if stamp != self._stamp:
            problems: list[Problem] = []
            found = maps.networks(self._folder, self._catalogue.regions, self._catalogue.domains, problems)
            self._stamp, self._written = stamp, _features(found)
            if problems:
                log.warning("networks of a simulation left out", folder=str(self._folder), first=str(problems[0]))
        chosen = [
            feature.json
            for feature in (*self._known, *self._written)
            if scope.sees(feature.region, feature.domain)
            and (regions is None or feature.region in regions)
            and (domain is None or feature.domain == domain)
        ]
        return b'{"type":"FeatureCollection","features":[%s]}' % b",".join(chosen)


def _features(lines: Iterable[Lines]) -> list[_Feature]:
    return [
        _Feature(
            one.region,
            one.domain,
            msgspec.json.encode(
                {
                    "type": "Feature",
                    "properties": {"domain": one.domain, "region": one.region, "kind": one.kind},
                    "geometry": {"type": "MultiLineString", "coordinates": one.coordinates},
                }
            ),
        )
        for one in lines
    ]


def _stamp(folder: Path) -> Stamp:
    stats = [(path.name, path.stat()) for path in sorted(folder.glob("*.geojson"))]
    return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)
