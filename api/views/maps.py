"""The documents that maps are made of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from api.views.documents import Words

Of = Annotated[
    str,
    Field(
        description="Digest of the sites' ids: two documents of the same sites, in the same order, have the same.",
        examples=["0cc175b9c0f1b6a831c399e269772661"],
    ),
]
Numbers = list[int]


BITS = (
    "Bits 0 to 2: severity, 1 red to 4 blue, 0: no open alert. 8: nobody has judged it. 16: its condition no longer "
    "holds. 32: the site is stale, each of its series silent for two of its intervals. 64: it has devices, and never "
    "had a reading. 128: the alert is shelved or in maintenance."
)


Plane = Annotated[
    str,
    Field(
        description="Base64 of three bytes for each site, unsigned: first the lowest byte of each, then the middle "
        "ones, then the highest. In hundred-thousandths of a degree, about a metre.",
        examples=["AAAA"],
    ),
]


class Positions(BaseModel):
    """Where sites lie, WGS84: the south-western corner of all, and how far from it each is."""

    west: float = Field(description="Degrees.", examples=[107.417])
    south: float = Field(examples=[40.757])
    east: Plane
    north: Plane


class MapSites(BaseModel):
    """Sites in the order of their ids, as columns."""

    of: Of
    regions: list[str] = Field(examples=[["150802"]])
    domains: list[str] = Field(examples=[["water"]])
    kinds: list[str] = Field(examples=[["pump_house"]])
    id: str = Field(
        description="Ids, one a line. A line begins with one digit of base 36, the number of characters that it has in "
        "common with the id before; the rest follows: pump-7 and pump-8 are `0pump-7` and `58`.",
        examples=["0pump-7"],
    )
    title_zh: list[str] | None = Field(description="null: not asked for.", examples=[["七号泵房"]])
    title_en: list[str] | None = Field(examples=[["Pump house 7"]])
    position: Positions
    region: Numbers = Field(description="Place in `regions`, from 0; likewise the two that follow.", examples=[[0]])
    domain: Numbers = Field(examples=[[0]])
    kind: Numbers = Field(examples=[[0]])


class OpenAlerts(BaseModel):
    """The open alerts that colour sites, as columns, by id."""

    id: Numbers = Field(examples=[[4711]])
    site: Numbers = Field(description="Place of its site among the sites, from 0.", examples=[[0]])
    state: Numbers = Field(description="A byte, as of a site, without bits 32 and 64.", examples=[[9]])


class MapStates(BaseModel):
    """How each site is. The stream goes on from `event`: open it with `last_event_id`."""

    of: Of
    event: int = Field(description="The newest event of an alert that is in this.", examples=[4711])
    states: str = Field(
        description=f"A byte for each site, base64; that of its worst open alert, silenced ones last. {BITS}",
        examples=["CQ=="],
    )
    alerts: OpenAlerts


Position = Annotated[list[float], Field(description="Degrees east and north, WGS84.", examples=[[107.4, 40.7]])]


class Polygons(BaseModel):
    """A geometry of GeoJSON."""

    type: Literal["MultiPolygon"]
    coordinates: list[list[list[Position]]]


class LineStrings(BaseModel):
    """A geometry of GeoJSON."""

    type: Literal["MultiLineString"]
    coordinates: list[list[Position]]


class OutlineProperties(BaseModel):
    """Which region, and which of `sources` it is from, from 0."""

    id: str = Field(examples=["150802"])
    source: int


class Outline(BaseModel):
    """A region's outline."""

    type: Literal["Feature"]
    properties: OutlineProperties
    geometry: Polygons


class OutlineSource(BaseModel):
    """Where outlines are from; without `approval` a map says that it is a sketch (示意图，不作为划界依据)."""

    source: Words
    licence: str
    approval: str | None = Field(description="The number of approval (审图号).")


class OutlineCollection(BaseModel):
    """GeoJSON (RFC 7946). A region without an outline is not in it."""

    type: Literal["FeatureCollection"]
    features: list[Outline]
    sources: list[OutlineSource]


class LinesProperties(BaseModel):
    """What the lines are."""

    domain: str = Field(examples=["water"])
    region: str = Field(examples=["150802"])
    kind: str = Field(examples=["pipe"])


class NetworkLines(BaseModel):
    """Lines of one kind."""

    type: Literal["Feature"]
    properties: LinesProperties
    geometry: LineStrings


class NetworkCollection(BaseModel):
    """GeoJSON (RFC 7946)."""

    type: Literal["FeatureCollection"]
    features: list[NetworkLines]


class MapOptions(BaseModel):
    """What a map begins with."""

    tiles: str | None = Field(
        description="Address of tiles, with {z}, {x} and {y}; null: there are none.",
        examples=["https://tiles.example.org/{z}/{x}/{y}.png"],
    )
    crs: Literal["wgs84", "gcj02"] = Field(description="Coordinates of the tiles; all of ours are WGS84.")
    extent: list[float] | None = Field(
        description="West, south, east and north of the caller's sites, in degrees; null: there are none.",
        examples=[[105.2, 40.2, 109.9, 42.5]],
    )
    centre: list[float] | None = Field(description="Its middle.", examples=[[107.55, 41.35]])
