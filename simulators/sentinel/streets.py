"""Streets with pipes and wells beneath, as a part of a city."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from citybrain.catalogue import messages, schema
from simulators.model import Block, Context, Polyline, SimulationError, Values
from simulators.sentinel import grid, names, spots
from simulators.sentinel.covers import Covers
from simulators.sentinel.drainage import Drainage
from simulators.sentinel.gas import Gas
from simulators.sentinel.grid import Street
from simulators.sentinel.ground import Ground
from simulators.sentinel.heatpipe import HeatWells
from simulators.sentinel.hydraulics import Sewers, pipe_for
from simulators.sentinel.layout import layout
from simulators.sentinel.places import Places
from simulators.sentinel.rain import Gauges
from simulators.sentinel.source import Sentinels
from simulators.sentinel.spots import Spot
from simulators.sentinel.upkeep import Upkeep

# Sewers are laid for an intensity of rain, in mm/h, those of low points often for less than their catchment gives.
LAID_FOR = {"sewer": (18.0, 28.0), "ponding": (13.0, 20.0)}  # platform assumption


class Streets(Block):
    """Streets, and how many things there are on each."""

    region: schema.Id
    """Region of its sites and devices."""
    name: str = Field(pattern=r"^[a-z][a-z0-9]{0,15}$")
    """Short and unique in the city; part of its sites' ids, so that `linhe` gives `sim-sentinel-linhe-...`."""
    title: schema.Title
    """The district's name in both languages."""
    longitude: float = Field(ge=-180, le=180)
    """Of its middle, degrees east, WGS84."""
    latitude: float = Field(ge=-80, le=80)
    """Of its middle, degrees north, WGS84."""
    span: float = Field(4000.0, ge=200, le=20_000)
    """Length of each street, and side of the square that they fill, in metres."""
    streets: int = Field(20, ge=1, le=500)
    """Streets; every other one crosses."""
    schools: int = Field(2, ge=0, le=20)
    """Of the streets, those with a school at their middle: the first ones."""
    gas_wells: int = Field(10, ge=0, le=200)
    """On each street, with methane."""
    nearby_wells: int = Field(5, ge=0, le=200)
    """On each street, of telecom cables next to gas wells, with methane, one of every other street with more gases."""
    sewer_wells: int = Field(3, ge=0, le=200)
    """On each street, with the sewer's level, one of every other street with gases."""
    heat_wells: int = Field(3, ge=0, le=200)
    """On each street, with temperature and water."""
    water_wells: int = Field(27, ge=0, le=500)
    """On each street, of water pipes; only their covers report."""
    drain_wells: int = Field(19, ge=0, le=500)
    """On each street, of rain sewers; only their covers report."""
    ponding_points: int = Field(2, ge=0, le=50)
    """On each street, low points with the depth of water on the road."""
    rain_gauges: int = Field(4, ge=0, le=100)
    """In the district."""
    galleries: int = Field(1, ge=0, le=20)
    """Gas cabins of utility galleries in the district."""

    def build(self, context: Context) -> Sentinels:
        """The source, with more quarters of streets where the city is scaled up.

        Raises:
            SimulationError: there is no such region.
        """
        if self.region not in context.catalogue.regions:
            hint = messages.hint(self.region, context.catalogue.regions)
            raise SimulationError(f"sentinel {self.name}: there is no region {self.region!r}{hint}.")
        streets = grid.streets(
            context.scaled(self.streets),
            self.streets,
            min(self.schools, self.streets),
            name=self.name,
            longitude=self.longitude,
            latitude=self.latitude,
            span=self.span,
            seed=context.seed,
        )
        found = [
            spot for number, street in enumerate(streets) for spot in spots.on_street(street, number, self._counts)
        ]
        found += self._of_district(context, streets)
        taught = [street for street in streets if street.school]
        schools = {f"{self.name}-school-{number}": street for number, street in enumerate(taught, 1)}
        places = spots.places_of(found, context.seed, schools)
        measured, rows = spots.measured(found)
        ground = Ground(context.weather)
        upkeep = Upkeep(ground, rows)
        levels, low = measured["sewer_level"].sites, measured["ponding_depth"].sites
        sewers = laid(places, np.concatenate([levels, low]))
        heights = zip(levels, sewers.cover.tolist(), sewers.diameter.tolist(), strict=False)  # low points have none
        attributes = {places.ids[i]: {"depth_to_cover": cover, "pipe_diameter": pipe} for i, cover, pipe in heights}
        covers = Covers(places, measured["cover_open"], measured["cover_tilt"])
        gases, waters = ("methane", "oxygen", "h2s"), ("sewer_level", "sewer_flow", "ponding_depth")
        parts = (
            Gas(places, *(measured[m] for m in gases), covers=covers, weather=context.weather, ground=ground),
            Drainage(places, *(measured[m] for m in waters), sewers=sewers, weather=context.weather),
            HeatWells(places, ground, measured["well_temperature"], measured["water_present"]),
            covers,
            Gauges(places, measured["rain"], context.weather),
            upkeep,
        )
        made = layout(self.region, found, attributes, upkeep, places.chance("battery").tolist())
        lines = [Polyline("street", street.ends) for street in streets]
        return Sentinels(made, places, parts, weather=context.weather, points=upkeep.rows_end, lines=lines)

    @property
    def _counts(self) -> dict[str, int]:
        return {
            "gas": self.gas_wells,
            "telecom": self.nearby_wells,
            "sewer": self.sewer_wells,
            "heat": self.heat_wells,
            "water": self.water_wells,
            "drain": self.drain_wells,
            "ponding": self.ponding_points,
        }

    def _of_district(self, context: Context, streets: Sequence[Street]) -> Iterator[Spot]:
        """Rain gauges and galleries, each at some street but of none."""
        for thing, number in (("rain", self.rain_gauges), ("gallery", self.galleries)):
            for index in range(context.scaled(number) if number else 0):
                quarter, place = divmod(index, number)
                street = streets[(quarter * self.streets + place * self.streets // number) % len(streets)]
                along = (street.chance(index + 1, thing)[index] - 0.5) * street.length
                longitude, latitude = street.place(along, spots.DISTRICT_ASIDE[thing])
                title = names.thing(self.title.text(), thing, index + 1)
                id_ = f"sim-sentinel-{self.name}-{thing}-{index + 1}"
                yield Spot(id_, thing, title, None, 0.0, longitude, latitude, spots.MEASURES[thing])


def laid(places: Places, nodes: NDArray[np.int64]) -> Sewers:
    """The sewers of these sites; those of low points are laid for less."""
    ponding = places.kinds[nodes] == "ponding_point"

    def between(name: str, least: float, most: float) -> Values:
        return np.asarray(least + (most - least) * places.chance(name)[nodes])

    area, runoff, slope = between("area", 0.8, 3.0), between("runoff", 0.6, 0.8), between("slope", 0.002, 0.005)
    rain = np.where(ponding, between("laid for", *LAID_FOR["ponding"]), between("laid for", *LAID_FOR["sewer"]))
    diameter = pipe_for(runoff * rain * area / 360, slope)
    return Sewers(
        area=area,
        runoff=runoff,
        concentration=between("concentration", 8 * 60, 15 * 60),
        diameter=diameter,
        slope=slope,
        cover=np.round(diameter + between("cover", 1.2, 2.5), 1),
        chamber=between("chamber", 20, 40),
        sides=np.where(ponding, between("sides", 0.015, 0.03), 0.0),
        dry=between("dry", 0.05, 0.12),
    )
