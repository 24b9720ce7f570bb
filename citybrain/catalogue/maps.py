"""Files that only maps need: outlines of regions (`regions/*.geojson`) and lines of networks (`networks/*.geojson`).

Both are GeoJSON (RFC 7946), so that any GIS writes them; what is asked for beyond that is named at the structs here.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import numpy as np
from msgspec import Meta, Struct

from citybrain.catalogue import gcj02
from citybrain.catalogue.errors import Problem
from citybrain.catalogue.messages import hint
from citybrain.catalogue.model import Lines, Outlines, Text

LARGEST = 8 * 1024 * 1024  # bytes of a file: a browser draws about 100,000 places of lines fluently
CLOSED = 4  # places of a ring at least, of which the last is the first (RFC 7946, 3.1.6)
DIGITS = 5  # decimals of a degree that are kept: a metre

Words = Annotated[str, Meta(min_length=1)]
Place = Annotated[list[float], Meta(min_length=2, max_length=3)]  # degrees east and north; a height is left out
Ring = list[Place]
Datum = Literal["wgs84", "gcj02"]

_Found = TypeVar("_Found", "_OutlinesFile", "_NetworksFile")


class _Polygon(Struct, tag_field="type", tag="Polygon"):
    coordinates: list[Ring]

    @property
    def polygons(self) -> list[list[Ring]]:
        return [self.coordinates]


class _MultiPolygon(Struct, tag_field="type", tag="MultiPolygon"):
    coordinates: list[list[Ring]]

    @property
    def polygons(self) -> list[list[Ring]]:
        return self.coordinates


class _LineString(Struct, tag_field="type", tag="LineString"):
    coordinates: Ring

    @property
    def lines(self) -> list[Ring]:
        return [self.coordinates]


class _MultiLineString(Struct, tag_field="type", tag="MultiLineString"):
    coordinates: list[Ring]

    @property
    def lines(self) -> list[Ring]:
        return self.coordinates


class _Titled(Struct, forbid_unknown_fields=True):
    zh: Words
    en: Words


class _RegionNamed(Struct):
    id: Words


class _RegionShape(Struct, tag_field="type", tag="Feature"):
    properties: _RegionNamed
    geometry: _Polygon | _MultiPolygon


class _OutlinesFile(Struct, tag_field="type", tag="FeatureCollection"):
    features: list[_RegionShape]
    source: _Titled
    licence: Words
    approval: Words | None
    """The number of approval (审图号) under which the map was published; null: none, and the map says so."""
    datum: Datum = "wgs84"


class _LinesNamed(Struct):
    region: Words
    domain: Words
    kind: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,62}$")]


class _NetworkLines(Struct, tag_field="type", tag="Feature"):
    properties: _LinesNamed
    geometry: _LineString | _MultiLineString


class _NetworksFile(Struct, tag_field="type", tag="FeatureCollection"):
    features: list[_NetworkLines]
    datum: Datum = "wgs84"


def outlines(root: Path, regions: Collection[str], problems: list[Problem]) -> list[Outlines]:
    """The outlines in `root`/regions, a region at most once; what is wrong is added to `problems`."""
    found: list[Outlines] = []
    homes: dict[str, str] = {}
    for name, file in _files(root / "regions", _OutlinesFile, problems):
        shapes = {}
        for number, feature in enumerate(file.features):
            region, polygons = feature.properties.id, feature.geometry.polygons
            twice = f"the region's outline is in {homes[region]} already" if region in homes else None
            rings = [ring for polygon in polygons for ring in polygon]
            wrong = {
                "properties.id": _unknown("region", region, regions) or twice,
                "geometry": _misplaced(rings) or _unclosed(rings),
            }
            if not _reported(name, number, wrong, problems):
                homes[region] = name
                shapes[region] = [[_wgs84(ring, file.datum) for ring in polygon] for polygon in polygons]
        found.append(Outlines(Text(file.source.zh, file.source.en), file.licence, file.approval, shapes))
    return found


def networks(folder: Path, regions: Collection[str], domains: Collection[str], problems: list[Problem]) -> list[Lines]:
    """The lines in the files of `folder`, those of a file that are alike put together; likewise."""
    found: list[Lines] = []
    for name, file in _files(folder, _NetworksFile, problems):
        alike: dict[tuple[str, str, str], list[Ring]] = {}
        for number, feature in enumerate(file.features):
            named, lines = feature.properties, feature.geometry.lines
            wrong = {
                "properties.region": _unknown("region", named.region, regions),
                "properties.domain": _unknown("domain", named.domain, domains),
                "geometry": _misplaced(lines),
            }
            if not _reported(name, number, wrong, problems):
                there = alike.setdefault((named.domain, named.region, named.kind), [])
                there += [_wgs84(line, file.datum) for line in lines]
        found += [Lines(*key, coordinates) for key, coordinates in alike.items()]
    return found


def _files(folder: Path, kind: type[_Found], problems: list[Problem]) -> Iterator[tuple[str, _Found]]:
    """The files of a folder that are as they should be, by their names."""
    for path in sorted(folder.glob("*.geojson")):
        name = f"{folder.name}/{path.name}"
        try:
            if path.stat().st_size > LARGEST:
                problems.append(
                    Problem(name, 1, 1, "", f"the file has more than {LARGEST:,} bytes; simplify its lines")
                )
                continue
            yield name, msgspec.convert(_read(path), kind)
        except json.JSONDecodeError as error:
            problems.append(Problem(name, error.lineno, error.colno, "", f"not valid JSON: {error.msg}"))
        except OSError as error:
            problems.append(Problem(name, 1, 1, "", f"the file can't be read: {error.strerror}"))
        except UnicodeDecodeError:
            problems.append(Problem(name, 1, 1, "", "the file is not UTF-8; save it as UTF-8"))
        except RecursionError:
            problems.append(Problem(name, 1, 1, "", "nested too deeply to be GeoJSON"))
        except msgspec.ValidationError as error:
            message, _, way = str(error).partition(" - at `$")
            field = way.rstrip("`").replace("[", ".").replace("]", "").removeprefix(".")
            problems.append(Problem(name, 1, 1, field, message[0].lower() + message[1:]))


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8-sig"))


def _reported(file: str, feature: int, wrong: dict[str, str | None], problems: list[Problem]) -> bool:
    """Add what is wrong with a feature, by its part; whether anything is."""
    problems += [Problem(file, 1, 1, f"features.{feature}.{part}", text) for part, text in wrong.items() if text]
    return any(wrong.values())


def _unknown(what: str, name: str, known: Collection[str]) -> str | None:
    return None if name in known else f"unknown {what} {name}{hint(name, known)}"


def _misplaced(lines: list[Ring]) -> str | None:
    if not lines or any(len(line) < 2 for line in lines):
        return "expected lines of two places or more"
    if any(not (-180 <= place[0] <= 180 and -90 <= place[1] <= 90) for line in lines for place in line):
        return "expected longitudes from -180 to 180 and latitudes from -90 to 90, in degrees and in this order"
    return None


def _unclosed(rings: list[Ring]) -> str | None:
    if any(len(ring) < CLOSED or ring[0] != ring[-1] for ring in rings):
        return f"expected rings of {CLOSED} places or more, the last of which is the first"
    return None


def _wgs84(line: Ring, datum: Datum) -> Ring:
    places = np.array([place[:2] for place in line])
    found: Ring = np.round(places if datum == "wgs84" else gcj02.to_wgs84(places), DIGITS).tolist()
    return found
