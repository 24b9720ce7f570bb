"""Sketches of regions for a map that has no outlines of its own: `python -m deploy.outlines` writes them.

Boundaries with a licence and a number of approval (审图号) are to be had from the map services of the state; what
circulates without is no basis for a public product. So what ships is drawn here and says that it is a sketch: a rounded
box as wide and high as the city, divided by which county town is nearest.
"""

from __future__ import annotations

import json
from math import copysign, cos, pi, radians, sin

from citybrain.settings import PROJECT

FILE = PROJECT / "regions" / "sketch.geojson"

Place = tuple[float, float]  # degrees east and north

# By city its extent (west, south, east, north) and its county towns, to a few kilometres; from memory of maps
# (confidence C), which is good enough for a sketch. Those without an id only divide.
CITIES: dict[str, tuple[tuple[float, float, float, float], list[tuple[str | None, Place]]]] = {
    "150800": (
        (105.2, 40.2, 109.9, 42.5),
        [
            ("150802", (107.40, 40.76)),
            ("150821", (108.27, 41.09)),
            ("150822", (107.01, 40.33)),
            ("150823", (108.65, 40.73)),
            ("150824", (108.52, 41.57)),
            ("150825", (107.08, 41.09)),
            ("150826", (107.15, 40.89)),
        ],
    ),
    "150100": (
        (110.75, 39.6, 112.2, 41.4),
        [
            ("150102", (111.67, 40.86)),  # 新城区
            (None, (111.62, 40.81)),  # 回民区
            (None, (111.66, 40.76)),  # 玉泉区
            (None, (111.70, 40.79)),  # 赛罕区
            (None, (111.15, 40.73)),  # 土默特左旗
            (None, (111.19, 40.28)),  # 托克托县
            (None, (111.82, 40.38)),  # 和林格尔县
            (None, (111.67, 39.91)),  # 清水河县
            (None, (111.45, 41.10)),  # 武川县
        ],
    ),
}

CORNERS = 48  # of the box
ROUNDNESS = 3.5  # 2 is an ellipse, more comes nearer to a rectangle
DIGITS = 3  # decimals of a degree: 100 m


def box(west: float, south: float, east: float, north: float) -> list[Place]:
    """A box with round corners (a superellipse), counter-clockwise."""

    def bent(share: float) -> float:
        return copysign(abs(share) ** (2 / ROUNDNESS), share)

    angles = [2 * pi * corner / CORNERS for corner in range(CORNERS)]
    middle, reach = ((west + east) / 2, (south + north) / 2), ((east - west) / 2, (north - south) / 2)
    return [(middle[0] + reach[0] * bent(cos(angle)), middle[1] + reach[1] * bent(sin(angle))) for angle in angles]


def nearest(area: list[Place], town: Place, others: list[Place], latitude: float) -> list[Place]:
    """The part of a convex area that is nearer to one town than to any other (Sutherland and Hodgman's clipping).

    Distances are those at one latitude, so that neighbours have the same border.
    """
    narrow = cos(radians(latitude)) ** 2  # a degree of longitude is shorter than one of latitude
    for other in others:
        east, north = narrow * (other[0] - town[0]), other[1] - town[1]
        middle = east * (other[0] + town[0]) / 2 + north * (other[1] + town[1]) / 2
        beyond = [east * x + north * y - middle for x, y in area]
        kept: list[Place] = []
        for corner, (here, there) in enumerate(zip(beyond, beyond[1:] + beyond[:1], strict=True)):
            (x, y), (u, v) = area[corner], area[(corner + 1) % len(area)]
            if here <= 0:
                kept.append((x, y))
            if (here <= 0) != (there <= 0):
                share = here / (here - there)
                kept.append((x + share * (u - x), y + share * (v - y)))
        area = kept
    return area


def feature(region: str, area: list[Place]) -> dict[str, object]:
    """A region as GeoJSON."""
    ring = [[round(x, DIGITS), round(y, DIGITS)] for x, y in [*area, area[0]]]
    return {"type": "Feature", "properties": {"id": region}, "geometry": {"type": "Polygon", "coordinates": [ring]}}


def sketch() -> dict[str, object]:
    """The file: cities and their counties."""
    features = []
    for city, (extent, towns) in CITIES.items():
        area = box(*extent)
        features.append(feature(city, area))
        for region, town in towns:
            others = [place for _, place in towns if place != town]
            if region is not None:
                features.append(feature(region, nearest(area, town, others, (extent[1] + extent[3]) / 2)))
    return {
        "type": "FeatureCollection",
        "source": {
            "zh": "示意图，不作为划界依据（按旗县区政府驻地划分，非实际边界）",
            "en": "A sketch, not a basis for boundaries: divided by the nearest county town",
        },
        "licence": "Apache-2.0",
        "approval": None,
        "features": features,
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(sketch(), ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8")
