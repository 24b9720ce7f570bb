"""The pipes of a primary network: a tree that is grown, or what a file says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from csv import DictReader
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from simulators import chance
from simulators.heating.substation import HEAT_CAPACITY, PRIMARY_RETURN, PRIMARY_SUPPLY
from simulators.model import SimulationError, Values

# Platform assumptions (S).
AREAS = (30_000.0, 90_000.0)  # m2 that a station heats
DESIGN_LOAD = 45e-6  # MW/m2
DETOUR = 1.25  # length of a pipe per distance
SHORTEST = 100.0  # m
GRADIENT = 60.0  # Pa/m of friction at the design flow, for which pipes are chosen
FRICTION = 0.02  # Darcy's factor, for choosing them
HOT_DENSITY = 950.0  # kg/m3, of water at about 110 degC
DIAMETERS = np.array([50, 65, 80, 100, 125, 150, 200, 250, 300, 350, 400, 450, 500, 600, 700, 800, 900, 1000, 1200.0])
SPEED = 0.8  # m/s in the last pipe to a station at its design flow, where a file gives the diameter

Indices = NDArray[np.int64]


class Pipe(BaseModel):
    """A row of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    from_: str = Field(alias="from", min_length=1)
    """Node at which it begins; the first row's is the heat source."""
    to: str = Field(min_length=1)
    """Node at which it ends; a node with a single pipe is a station."""
    length_m: float = Field(gt=0, le=100_000, allow_inf_nan=False)
    """Metres."""
    diameter_mm: float = Field(gt=0, le=3000, allow_inf_nan=False)
    """Inner diameter."""


_ROWS = TypeAdapter(list[Pipe])


@dataclass(frozen=True, slots=True)
class Pipes:
    """The supply pipes of a network; its return pipes lie beside them. Node 0 is the heat source."""

    stations: Sequence[str]
    """Names of the stations."""
    nodes: Indices
    """The node of each."""
    power: Values
    """Design power of each, MW."""
    starts: Indices
    """The node at which each pipe starts."""
    ends: Indices
    lengths: Values
    """Metres."""
    diameters: Values
    """Metres."""

    def branch(self, station: str) -> NDArray[np.bool_]:
        """Which stations are fed only through the node of this one."""
        reached = _reached(self, int(self.nodes[self.stations.index(station)]))
        return np.array([node not in reached for node in self.nodes.tolist()])


def design_flow(power: Values) -> Values:
    """Kg/s of the primary network that carry so many MW."""
    return np.asarray(power / (HEAT_CAPACITY * (PRIMARY_SUPPLY - PRIMARY_RETURN)))


def design_power(flow: Values) -> Values:
    """MW that so many kg/s of the primary network carry."""
    return np.asarray(flow * HEAT_CAPACITY * (PRIMARY_SUPPLY - PRIMARY_RETURN))


def grown(seed: int, network: str, source: Values, places: Values) -> Pipes:
    """A tree from the source to each station: each hangs on the nearest of those before it, or on the source.

    More stations change neither the place nor the size of the first ones, only the pipes' diameters.

    Args:
        seed: Of the chance that gives stations their size.
        network: Its name.
        source: Metres east and north.
        places: So, of each station, in two columns.
    """
    every = np.vstack((source, places))
    count = len(places)
    names = [str(number + 1) for number in range(count)]
    keys = np.array([chance.key(seed, network, name, "area") for name in names], np.uint64)
    power = (AREAS[0] + (AREAS[1] - AREAS[0]) * chance.uniform(keys, np.zeros(count, np.int64))) * DESIGN_LOAD
    ends = np.arange(1, count + 1)
    away = [np.hypot(*(every[:end] - every[end]).T) for end in ends]
    starts = np.array([int(distances.argmin()) for distances in away])
    lengths = np.array([max(distances.min() * DETOUR, SHORTEST) for distances in away])
    flow = np.concatenate(([0.0], design_flow(power)))
    for end in reversed(ends):
        flow[starts[end - 1]] += flow[end]
    # Darcy and Weisbach, solved for the diameter at the wanted gradient.
    wanted = (8 * FRICTION * flow[1:] ** 2 / (np.pi**2 * HOT_DENSITY * GRADIENT)) ** 0.2
    chosen = np.minimum(np.searchsorted(DIAMETERS / 1000, wanted), len(DIAMETERS) - 1)
    return Pipes(names, ends, power, starts, ends, lengths, DIAMETERS[chosen] / 1000)


def read(path: Path) -> Pipes:
    """The pipes of a CSV file with the columns of `Pipe`; a station is as large as its pipe carries at `SPEED`.

    Raises:
        SimulationError: it can't be read, or is no network; the text says where.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = _ROWS.validate_python(list(DictReader(file)))
    except (OSError, UnicodeDecodeError) as error:
        raise SimulationError(f"{path.name} can't be read: {error}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        line, *column = first["loc"]
        where = f", column {column[0]}" if column else ""
        raise SimulationError(f"{path.name}, line {int(line) + 2}{where}: {first['msg']}.") from error
    ends_at = Counter(name for row in rows for name in (row.from_, row.to))
    names = list(ends_at)
    stations = [name for name in names[1:] if ends_at[name] == 1]
    if not stations:
        raise SimulationError(f"{path.name} has no station: no node other than the source has a single pipe.")
    number = {name: index for index, name in enumerate(names)}
    starts, ends = (np.array([number[getattr(row, side)] for row in rows]) for side in ("from_", "to"))
    diameters = np.array([row.diameter_mm for row in rows]) / 1000
    last = {name: diameter for row, diameter in zip(rows, diameters, strict=True) for name in (row.from_, row.to)}
    flow = np.array([HOT_DENSITY * SPEED * np.pi / 4 * last[name] ** 2 for name in stations])
    lengths = np.array([row.length_m for row in rows])
    nodes = np.array([number[name] for name in stations])
    found = Pipes(stations, nodes, design_power(flow), starts, ends, lengths, diameters)
    apart = set(names) - {names[node] for node in _reached(found)}
    if apart:
        raise SimulationError(f"{path.name}: no pipe leads from the source {names[0]} to {min(apart)}.")
    return found


def _reached(pipes: Pipes, without: int | None = None) -> set[int]:
    """The nodes that are joined to the source, where one is taken out."""
    ways = [way for way in zip(pipes.starts.tolist(), pipes.ends.tolist(), strict=True) if without not in way]
    reached = {0}
    while beside := {node for way in ways if not reached.isdisjoint(way) for node in way} - reached:
        reached |= beside
    return reached
