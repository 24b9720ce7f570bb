"""What stands where in a metered zone: sites, devices, and what their sensors read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from citybrain.catalogue.model import Site, Text
from simulators.model import Layout, Polyline, Sensor
from simulators.water.zone import Zone
from simulators.weather import METRES_PER_DEGREE

if TYPE_CHECKING:
    from simulators.water.zones import Zones

TURN = np.pi * (3 - 5**0.5)  # Golden angle: zones on a spiral, each at the same distance from its neighbours.

# Noise and resolution of instruments, in units of the metrics; platform assumptions.
_PRESSURE = {"noise": 0.001, "resolution": 0.001, "least": 0.0}
_LEVEL = {"noise": 0.005, "resolution": 0.001, "least": 0.0}
_QUALITY: Mapping[str, tuple[str, dict[str, float]]] = {
    "turbidity": ("turbidity", {"noise": 0.02, "resolution": 0.001, "least": 0.0}),
    "chlorine": ("free_chlorine", {"noise": 0.01, "resolution": 0.001, "least": 0.0}),
    "ph": ("ph", {"noise": 0.02, "resolution": 0.01}),
}
FLOW_NOISE = 0.005  # of the mean supply


def site_of(place: str) -> str:
    """The id of a zone's own site, with which those of its other sites begin."""
    return f"sim-water-{place}"


class Plan:
    """The sites, devices and sensors of one zone; `row` is where its signals begin."""

    def __init__(self, block: Zones, number: int, zone: Zone, row: int, layout: Layout) -> None:
        self._block, self._number, self._zone, self._row, self._layout = block, number, zone, row, layout
        self._prefix = site_of(f"{block.name}-{number}")
        away = block.span * 1.2 * np.sqrt(number - 1)
        self._middle = (away * np.cos(number * TURN), away * np.sin(number * TURN))

    def lay_out(self) -> None:
        """Add all of them."""
        points, network = self._zone.points, self._zone.network
        flow = {"noise": self._block.supply * FLOW_NOISE, "resolution": 0.01}
        self._add(
            "zone", "", "", "", None,
            self._sensor("", "supply_volume", "supplied", resolution=0.1, reads="increase", starts=True),
            self._sensor("", "billed_volume", "sold", resolution=0.1, reads="increase", starts=True),
        )  # fmt: skip
        self._add(
            "zone_inlet", "inlet", "进水口", "inlet", points.inlet,
            self._sensor("inlet", "zone_inflow", "inflow", **flow),
            self._sensor("inlet", "pressure", "inlet", **_PRESSURE),
        )  # fmt: skip
        self._pressures("critical_point", "critical", "最不利点", "critical point", points.critical)
        self._pressures("network_end", "end", "管网末梢", "network end", points.ends)
        self._pressures("pressure_point", "point", "测压点", "pressure point", points.others)
        for n, tank in enumerate(points.tanks, 1):
            name = f"tank-{n}"
            self._add("tank", name, f"{n}号水池", f"tank {n}", tank, self._sensor(name, "level", name, **_LEVEL))
        for n, house in enumerate(network.houses[: points.houses], 1):
            name = f"pumps-{n}"
            self._add(
                "pump_house", name, f"{n}号泵房", f"pump house {n}", house.outlet,
                self._sensor(name, "flow", f"{name}.flow", **flow),
                self._sensor(name, "pressure", f"{name}.pressure", **_PRESSURE),
                self._sensor(name, "pump_running", f"{name}.running", reads="held"),
                self._sensor(name, "mains_power", f"{name}.power", reads="held"),
                self._sensor(name, "flooded", f"{name}.flooded", reads="held"),
            )  # fmt: skip
        self._add("works", "works", "水厂出厂水", "waterworks outlet", network.reservoirs[0], *self._quality("works"))
        for n, tap in enumerate(points.taps, 1):
            name = f"tap-{n}"
            self._add("tap", name, f"{n}号龙头", f"tap {n}", tap, *self._quality(name), battery=True)

    def lines(self) -> Iterator[Polyline]:
        """Its pipes, but for those that are as long as nothing."""
        for ends in self._zone.network.lines:
            line = [self._degrees(node) for node in ends]
            if line[0] != line[1]:
                yield Polyline("pipe", line)

    def _pressures(self, kind: str, name: str, zh: str, en: str, nodes: Sequence[str]) -> None:
        for n, node in enumerate(nodes, 1):
            sensor = self._sensor(f"{name}-{n}", "pressure", f"{name}-{n}", **_PRESSURE)
            self._add(kind, f"{name}-{n}", f"{n}号{zh}", f"{en} {n}", node, sensor)

    def _quality(self, name: str) -> list[Sensor]:
        return [
            self._sensor(name, metric, f"{name}.{signal}", **instrument)
            for signal, (metric, instrument) in _QUALITY.items()
        ]

    def _sensor(self, name: str, metric: str, signal: str, **instrument: object) -> Sensor:
        return Sensor(self._id(name), metric, self._row + self._zone.row(signal), **instrument)  # type: ignore[arg-type]

    def _add(
        self, kind: str, name: str, zh: str, en: str, node: str | None, *sensors: Sensor, battery: bool = False
    ) -> None:
        block = self._block
        longitude, latitude = self._degrees(node)
        title = Text(
            f"{block.title.zh}{self._number}区{zh}", f"{block.title.en} zone {self._number}" + (f", {en}" if en else "")
        )
        site = Site(
            id=self._id(name),
            title=title,
            region=block.region,
            domain="water",
            kind=kind,
            longitude=longitude,
            latitude=latitude,
            attributes={"zone": f"{block.name}-{self._number}"},
        )
        self._layout.add(site, *sensors, battery=battery)

    def _degrees(self, node: str | None) -> tuple[float, float]:
        """Longitude and latitude of a node; None: of the zone's middle."""
        block = self._block
        east, north = self._zone.network.places[node] if node is not None else (0.0, 0.0)
        x, y = self._middle[0] + east * block.span, self._middle[1] + north * block.span
        longitude = block.longitude + x / METRES_PER_DEGREE / np.cos(np.radians(block.latitude))
        return round(float(longitude), 6), round(float(block.latitude + y / METRES_PER_DEGREE), 6)

    def _id(self, name: str) -> str:
        return f"{self._prefix}-{name}" if name else self._prefix
