"""The sites of a map as one document of columns. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from api.views.columns import planes, prefixed
from api.views.maps import MapSites, Positions

DEGREE = 100_000  # steps of a position in a degree: a step is about a metre

Row = tuple[str, str, str, str, float, float, str | None, str | None]
"""Id, region, domain, kind, degrees east and north, title in Chinese and in English."""


def document(rows: Sequence[Row], titles: bool) -> bytes:
    """`MapSites` as JSON."""
    ids, regions, domains, kinds, longitudes, latitudes, zh, en = zip(*rows, strict=True) if rows else ((),) * 8
    of_regions, of_domains, of_kinds = (sorted(set(column)) for column in (regions, domains, kinds))
    found = MapSites.model_construct(
        of=hashlib.md5(",".join(ids).encode(), usedforsecurity=False).hexdigest(),  # as the statement of states has it
        regions=of_regions,
        domains=of_domains,
        kinds=of_kinds,
        id=prefixed(ids),
        title_zh=list(zh) if titles else None,
        title_en=list(en) if titles else None,
        position=_positions(longitudes, latitudes),
        region=_places(regions, of_regions),
        domain=_places(domains, of_domains),
        kind=_places(kinds, of_kinds),
    )
    return msgspec.json.encode({**dict(found), "position": dict(found.position)})


def _positions(longitudes: Sequence[float], latitudes: Sequence[float]) -> Positions:
    east, north = _steps(longitudes), _steps(latitudes)
    west, south = (int(axis.min()) if len(axis) else 0 for axis in (east, north))
    return Positions(west=west / DEGREE, south=south / DEGREE, east=planes(east - west), north=planes(north - south))


def _steps(degrees: Sequence[float]) -> NDArray[np.int64]:
    return np.rint(np.asarray(degrees, dtype=np.float64) * DEGREE).astype(np.int64)


def _places(column: Sequence[Any], of: list[Any]) -> list[int]:
    place = {value: number for number, value in enumerate(of)}
    return [place[value] for value in column]
