"""The sites and devices of streets: gateways, and what sends through them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from citybrain.catalogue.model import Site
from simulators.model import Layout, Sensor
from simulators.sentinel import names
from simulators.sentinel.spots import INSTRUMENTS, KINDS, Spot
from simulators.sentinel.upkeep import Upkeep

HEARS = 150  # devices that one gateway serves at most
ASIDE = 10.0  # m, of a gateway's mast from the axis of its street
TO_TOWER = 800.0  # m, from what sends by itself to the next tower of a mobile network
WIRED = "gallery"  # what needs no battery

Attributes = Mapping[str, str | float | bool]


def layout(
    region: str, spots: Sequence[Spot], attributes: Mapping[str, Attributes], upkeep: Upkeep, ages: Sequence[float]
) -> Layout:
    """A site and a device for each spot, and the gateways of streets; what is of no street sends by itself.

    Args:
        region: Of all.
        spots: Those of a street stand together.
        attributes: Of sites that have any besides their street, by id.
        upkeep: Knows the rows of batteries and signals.
        ages: The share of its battery's life that each spot has lived at the epoch.
    """
    made = Layout()
    through = dict(_gateways(made, region, spots, upkeep))
    row = 0
    for spot, age in zip(spots, ages, strict=True):
        gateway, metres = through.get(spot.id, (None, TO_TOWER))
        sensors = [INSTRUMENTS[metric](spot.id, metric, row + place) for place, metric in enumerate(spot.metrics)]
        row += len(spot.metrics)
        sensors.append(INSTRUMENTS["signal"](spot.id, "signal", upkeep.signal_row(metres)))
        battery = spot.thing != WIRED
        if battery:
            sensors.append(INSTRUMENTS["battery"](spot.id, "battery", upkeep.battery_row(age)))
        street = {"street": spot.street.title.zh} if spot.street else {}
        site = Site(
            spot.id,
            spot.title,
            region,
            "sentinel",
            KINDS[spot.thing],
            spot.longitude,
            spot.latitude,
            {**street, **attributes.get(spot.id, {})},
        )
        made.add(site, *sensors, gateway=gateway, battery=battery)
    return made


def _gateways(
    made: Layout, region: str, spots: Sequence[Spot], upkeep: Upkeep
) -> Iterator[tuple[str, tuple[str, float]]]:
    """Add the gateways; for each spot the one that hears it, and from how many metres."""
    for street, group in groupby(spots, key=lambda spot: spot.street):
        if street is None:
            continue
        ordered = sorted(group, key=lambda spot: spot.along)
        parts = -(-len(ordered) // HEARS)
        for number in range(parts):
            heard = ordered[number * len(ordered) // parts : (number + 1) * len(ordered) // parts]
            middle = (heard[0].along + heard[-1].along) / 2
            name = f"sim-sentinel-{street.id}-gateway-{number + 1}"
            title = names.thing(street.title, "gateway", number + 1)
            longitude, latitude = street.place(middle, ASIDE)
            own: dict[str, str | float | bool] = {"street": street.title.zh}
            site = Site(name, title, region, "sentinel", KINDS["gateway"], longitude, latitude, own)
            made.add(site, Sensor(name, "signal", upkeep.signal_row(TO_TOWER), noise=1.5, resolution=1.0))
            for spot in heard:
                yield spot.id, (name, abs(spot.along - middle))
