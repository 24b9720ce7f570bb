"""What stands where on streets, and what it measures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from citybrain.catalogue.model import Text
from simulators import chance
from simulators.model import Sensor
from simulators.sentinel import names
from simulators.sentinel.grid import Street
from simulators.sentinel.places import Measured, Place, Places

KINDS = {
    "gas": "gas_well",
    "telecom": "nearby_well",
    "sewer": "sewer_well",
    "drain": "sewer_well",
    "heat": "heat_well",
    "water": "water_well",
    "ponding": "ponding_point",
    "rain": "rain_gauge",
    "gallery": "gallery",
    "gateway": "gateway",
}
"""The domain's kind of each thing."""

LANES = {"gas": -6.0, "telecom": -9.0, "sewer": 0.0, "drain": 3.0, "heat": 6.0, "water": 8.0, "ponding": 2.0}
"""Metres to the left of a street's axis."""

MEASURES = {
    "gas": ("methane",),
    "telecom": ("methane",),
    "sewer": ("sewer_level",),
    "heat": ("well_temperature", "water_present"),
    "ponding": ("ponding_depth",),
    "rain": ("rain",),
    "gallery": ("methane", "oxygen"),
}
"""What each thing measures besides its cover, battery and signal."""
ANALYSED = {"telecom": ("oxygen", "h2s"), "sewer": ("methane", "oxygen", "h2s")}
"""What is measured besides in the one well of a street in which people work most often."""

INSTRUMENTS: dict[str, partial[Sensor]] = {
    "methane": partial(Sensor, noise=0.2, resolution=0.1, urgent=5.0, least=0.0, most=2000.0),
    "oxygen": partial(Sensor, noise=0.04, resolution=0.1, least=0.0, most=30.0),
    "h2s": partial(Sensor, noise=0.1, resolution=0.1, least=0.0, most=1500.0),
    "well_temperature": partial(Sensor, noise=0.1, resolution=0.1, least=-40.0, most=120.0),
    "water_present": partial(Sensor, reads="held"),
    "sewer_level": partial(Sensor, noise=0.004, resolution=0.001, least=0.0, most=10.0),
    "sewer_flow": partial(Sensor, noise=2.0, resolution=0.1),
    "ponding_depth": partial(Sensor, noise=0.1, resolution=0.1, least=0.0, most=200.0),
    "rain": partial(Sensor, resolution=0.1, reads="increase", least=0.0),
    "cover_open": partial(Sensor, reads="held"),
    "cover_tilt": partial(Sensor, noise=0.1, resolution=0.1, reads="held", urgent=5.0, least=0.0, most=180.0),
    "battery": partial(Sensor, noise=0.3, resolution=1.0, least=0.0, most=100.0),
    "signal": partial(Sensor, noise=1.5, resolution=1.0, least=-140.0, most=0.0),
}
"""How good the sensors are: platform assumptions."""

NEXT_TO = (5.0, 15.0)  # m, from a gas well to the telecom well next to it
TILT_SHARE = 0.25  # of the plain wells, with a sensor of tilt besides the contact
FLOW_SHARE = 0.35  # of the streets, with a flow meter in their first sewer
DISTRICT_ASIDE = {"rain": 25.0, "gallery": -14.0}  # m, from a street's axis


@dataclass(frozen=True, slots=True)
class Spot:
    """A site to be, with the street it is at (None: it is the district's) and what it measures."""

    id: str
    thing: str
    title: Text
    street: Street | None
    along: float
    longitude: float
    latitude: float
    metrics: tuple[str, ...]


def on_street(street: Street, number: int, counts: dict[str, int]) -> Iterator[Spot]:
    """The wells and low points of the street of this number."""
    gas = street.spread(counts["gas"], "gas")
    middle = int(np.abs(gas).argmin()) if len(gas) else -1
    for thing, count in counts.items():
        tilts, alongs = street.chance(count, f"{thing} tilt"), street.spread(count, thing)
        if thing == "telecom" and len(gas):
            beside = NEXT_TO[0] + (NEXT_TO[1] - NEXT_TO[0]) * street.chance(count, "beside")
            alongs = gas[(middle + np.arange(count) * max(1, len(gas) // count)) % len(gas)] + beside
        for index, along in enumerate(alongs.tolist()):
            metrics = list(MEASURES.get(thing, ()))
            if not index:
                if thing == ("telecom", "sewer")[number // 2 % 2]:
                    metrics += ANALYSED[thing]
                if thing == "sewer" and street.chance(1, "flow")[0] < FLOW_SHARE:
                    metrics.append("sewer_flow")
            if thing != "ponding":
                metrics.append("cover_open")
                if thing not in ("water", "drain") or tilts[index] < TILT_SHARE:
                    metrics.append("cover_tilt")
            near = street.school if thing == "gas" and index == middle else None
            title = names.thing(street.title, thing, index + 1, near)
            id_ = f"sim-sentinel-{street.id}-{thing}-{index + 1}"
            yield Spot(id_, thing, title, street, along, *street.place(along, LANES[thing]), tuple(metrics))


def places_of(spots: Sequence[Spot], seed: int, schools: dict[str, Street]) -> Places:
    """All spots as arrays, with what faults may name: sites, streets and schools."""
    sites: dict[str, list[int]] = {}
    for index, spot in enumerate(spots):
        sites.setdefault(spot.id, []).append(index)
        if spot.street is not None:
            sites.setdefault(spot.street.id, []).append(index)
    named = {name: Place(np.array(found, np.int64), 0.0) for name, found in sites.items()}
    named |= {school: named[street.id] for school, street in schools.items() if street.id in named}
    return Places(
        ids=tuple(spot.id for spot in spots),
        keys=np.array([chance.key(seed, spot.id) for spot in spots], np.uint64),
        kinds=np.array([KINDS[spot.thing] for spot in spots], np.str_),
        longitudes=np.array([spot.longitude for spot in spots]),
        latitudes=np.array([spot.latitude for spot in spots]),
        along=np.array([spot.along for spot in spots]),
        headings=np.array([spot.street.heading if spot.street else 0.0 for spot in spots]),
        named=named,
    )


def measured(spots: Sequence[Spot]) -> tuple[dict[str, Measured], int]:
    """The sites of each metric with the rows that are for them, and the number of rows.

    Rows are in the order of the spots and of the metrics of each.
    """
    sites: dict[str, list[int]] = {metric: [] for metric in INSTRUMENTS}
    rows: dict[str, list[int]] = {metric: [] for metric in INSTRUMENTS}
    row = 0
    for index, spot in enumerate(spots):
        for place, metric in enumerate(spot.metrics):
            sites[metric].append(index)
            rows[metric].append(row + place)
        row += len(spot.metrics)
    return {m: Measured(np.array(sites[m], np.int64), np.array(rows[m], np.int64)) for m in INSTRUMENTS}, row
