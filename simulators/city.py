"""Cities: files that say which networks, stations and streets there are, and what is built from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from citybrain.catalogue import messages, schema
from citybrain.catalogue.document import read
from citybrain.catalogue.model import Catalogue, Site
from simulators.air.area import Air, Area
from simulators.devices.behaviour import Behaviour
from simulators.devices.life import Life
from simulators.faults import INSTRUMENT_FAULTS
from simulators.heating.district import District
from simulators.heating.network import HeatNetwork
from simulators.model import Block, Context, Fault, Happening, SimulatedDevice, SimulationError, Source
from simulators.sentinel.source import Sentinels
from simulators.sentinel.streets import Streets
from simulators.water.zones import WaterZones, Zones
from simulators.weather import Climate, Weather

CITIES = Path(__file__).parent / "cities"

FAULTS: dict[str, type[Fault]] = {
    kind.name: kind
    for kinds in (
        Weather.faults,
        WaterZones.faults,
        District.faults,
        Air.faults,
        Sentinels.faults,
        INSTRUMENT_FAULTS,
        Life.faults,
    )
    for kind in kinds
}
"""All kinds of faults, by name."""


class CityFile(BaseModel):
    """A city as its file describes it. Each entry of a domain becomes one source."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    title: schema.Title
    """The city's name in both languages."""
    devices: int = Field(ge=1)
    """Devices that these numbers of things make; asked for another number, all are scaled alike."""
    climate: Climate = Climate()
    """How its weather differs from the recorded year."""
    behaviour: Behaviour = Behaviour()
    """How its devices live."""
    water: list[Zones] = []
    """Metered zones of water networks."""
    heating: list[HeatNetwork] = []
    """Heating networks with their stations and dwellings."""
    air: list[Area] = []
    """Areas with air stations."""
    sentinel: list[Streets] = []
    """Streets with pipes and wells beneath."""

    def blocks(self, domains: Sequence[str]) -> list[Block]:
        """The entries of these domains; none: of all."""
        found: dict[str, Sequence[Block]] = {
            "water": self.water,
            "heating": self.heating,
            "air": self.air,
            "sentinel": self.sentinel,
        }
        return [block for domain, blocks in found.items() if not domains or domain in domains for block in blocks]


@dataclass(frozen=True, slots=True)
class City:
    """A city that can be simulated."""

    sources: Sequence[Source]
    weather: Weather

    @property
    def sites(self) -> list[Site]:
        """Of all sources."""
        return [site for source in self.sources for site in source.sites]

    @property
    def devices(self) -> list[tuple[Source, SimulatedDevice]]:
        """Of all sources, with theirs."""
        return [(source, device) for source in self.sources for device in source.devices]


def path_of(name: str, folder: Path, shipped: Path) -> Path:
    """The file of a city or scenario: one that ships, by its name, or a path, relative to `folder`.

    Raises:
        SimulationError: there is none.
    """
    names = sorted(path.stem for path in shipped.glob("*.yaml"))
    if name in names:
        return shipped / f"{name}.yaml"
    path = folder / name
    if path.suffix in (".yaml", ".yml") and path.is_file():
        return path
    hint = messages.hint(name, names) or "."
    raise SimulationError(f"There is no {name!r}: expected a file, or one of {', '.join(names)}{hint}")


def read_city(path: Path) -> CityFile:
    """The city of a file.

    Raises:
        SimulationError: with every mistake in it, and its place.
    """
    document = read(path, path.name)
    if document.readable:
        try:
            found = CityFile.model_validate(document.tree)
            if not document.problems:
                return found
        except ValidationError as error:
            messages.report(document, schema.json_schema(CityFile), error.errors(include_url=False))
    raise SimulationError("\n".join(map(str, sorted(document.problems))))


def build(
    file: CityFile,
    folder: Path,
    catalogue: Catalogue,
    *,
    seed: int,
    happenings: Sequence[Happening] = (),
    devices: int | None = None,
    domains: Sequence[str] = (),
) -> City:
    """The city with its weather and all sources, scaled to about so many devices.

    Raises:
        SimulationError: a part of it can't be built.
    """
    weather = Weather(file.climate, happenings)
    scale = (devices or file.devices) / file.devices
    context = Context(seed, scale, weather, folder, catalogue)
    blocks = file.blocks(domains)
    if not blocks:
        raise SimulationError(f"{file.title.en} has nothing of {', '.join(domains) or 'any domain'} to simulate.")
    city = City([block.build(context) for block in blocks], weather)
    seen: set[str] = set()
    for site in city.sites:
        if site.id in seen:
            raise SimulationError(f"Two sites are called {site.id}: give the entries of {site.domain} different names.")
        seen.add(site.id)
    return city
