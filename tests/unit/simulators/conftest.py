"""A city that is built in a moment, and scenarios that happen in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from citybrain.catalogue.load import load as load_catalogue
from citybrain.catalogue.model import Catalogue
from citybrain.settings import PROJECT
from simulators.city import FAULTS
from simulators.scenario import Scenario, load

CITY = """\
title: {zh: 小城, en: Small town}
devices: 57
air:
  - {region: 150802, name: town, title: {zh: 小城, en: Town}, longitude: 107.41, latitude: 40.755, micro_stations: 2}
sentinel:
  - region: 150802
    name: town
    title: {zh: 小城, en: Town}
    longitude: 107.405
    latitude: 40.755
    streets: 1
    schools: 1
    rain_gauges: 1
"""

Written = Callable[[str], Scenario]


@pytest.fixture(scope="session")
def shipped_catalogue() -> Catalogue:
    return load_catalogue(PROJECT)


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Loads a scenario of the small town, of which the text is all but its title and city."""
    (tmp_path / "town.yaml").write_text(CITY, encoding="utf-8")

    def scenario(text: str) -> Scenario:
        head = "title: {zh: 测试, en: Test}\ncity: town.yaml\n"
        (tmp_path / "case.yaml").write_text(head + text, encoding="utf-8")
        return load("case.yaml", FAULTS, tmp_path, ["air", "heating", "sentinel", "water"])

    return scenario
