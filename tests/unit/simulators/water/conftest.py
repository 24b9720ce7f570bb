from pathlib import Path

import pytest

from citybrain.catalogue.model import Catalogue, Region, Text
from simulators.model import Context
from simulators.water.zones import WaterZones, Zones
from simulators.weather import Climate, Weather

REGION = Region("150802", Text("临河区", "Linhe District"), "county", None)


def context(folder: Path = Path(), scale: float = 1.0, seed: int = 1) -> Context:
    return Context(seed, scale, Weather(Climate()), folder, Catalogue({REGION.id: REGION}, {}, {}, {}))


def block(**fields: str) -> Zones:
    """As a file gives it: every scalar is text."""
    base: dict[str, object] = {"region": "150802", "name": "linhe", "title": {"zh": "临河", "en": "Linhe"}}
    return Zones.model_validate(base | {"longitude": "107.39", "latitude": "40.75"} | fields)


@pytest.fixture
def one() -> WaterZones:
    """One zone on Net3."""
    return block().build(context())
