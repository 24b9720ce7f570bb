from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from citybrain.catalogue.model import Catalogue
from citybrain.settings import PROJECT
from rules.grammar.load import load as load_rules
from rules.plans.load import indicators
from rules.plans.load import load as load_plans
from simulators.city import CITIES, FAULTS, City, build, read_city
from simulators.model import SECOND, SimulationError
from simulators.scenario import SCENARIOS, load
from simulators.simulation import Simulation

BEGIN = int(datetime(2026, 1, 14, 16, tzinfo=UTC).timestamp()) * SECOND
CITY_FILES = sorted(CITIES.glob("*.yaml"))


@pytest.fixture(scope="module")
def rule_names(shipped_catalogue: Catalogue) -> set[str]:
    plans = indicators(load_plans(PROJECT, shipped_catalogue))
    return set(load_rules(PROJECT, shipped_catalogue, plans).rules.rules)


def built(catalogue: Catalogue, path: Path, **options: Any) -> City:
    return build(read_city(path), path.parent, catalogue, seed=1, **options)


def street(name: str, domain: str = "sentinel") -> str:
    title = "{zh: 小城, en: Town}"
    return (
        f"{domain}: [{{region: 150802, name: {name}, title: {title}, longitude: 107.4, latitude: 40.7, streets: 1}}]\n"
    )


def town(folder: Path, text: str) -> Path:
    path = folder / "town.yaml"
    path.write_text("title: {zh: 小城, en: Town}\ndevices: 100\n" + text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_scenario_that_ships_can_happen(shipped_catalogue: Catalogue, rule_names: set[str], path: Path) -> None:
    """With the rules that it is meant to show as."""
    scenario = load(path.stem, FAULTS, PROJECT, list(shipped_catalogue.domains))
    begin = BEGIN if (starts := scenario.file.starts) is None else int(starts.replace(tzinfo=UTC).timestamp()) * SECOND
    simulation = Simulation(scenario, shipped_catalogue, seed=1, begin=begin, start=begin, offset=0)
    told = {one.incident for one in simulation.incidents}
    assert told == {one.incident for one in scenario.file.happenings if not one.fault.startswith("weather.cold")}
    assert all(one.subjects for one in simulation.incidents)
    assert {rule for one in simulation.incidents for rule in one.shows_as} <= rule_names


@pytest.mark.parametrize("path", CITY_FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("devices", [300, 2000, 20_000])
def test_a_city_has_about_as_many_devices_as_are_asked_for(
    shipped_catalogue: Catalogue, path: Path, devices: int
) -> None:
    city = built(shipped_catalogue, path, devices=devices)
    assert len(city.devices) == pytest.approx(devices, rel=0.15)
    names = [(site.region, site.domain, site.id) for site in city.sites]
    assert len({name for _, _, name in names}) == len(names)
    assert len({(source.domain, device.name) for source, device in city.devices}) == len(city.devices)


@pytest.mark.parametrize("path", CITY_FILES, ids=lambda path: path.stem)
def test_a_larger_city_has_what_a_smaller_one_has(shipped_catalogue: Catalogue, path: Path) -> None:
    small, large = (built(shipped_catalogue, path, devices=devices) for devices in (600, 1200))
    smaller, larger = ({source.domain: set() for source in small.sources} for _ in range(2))
    for found, city in ((smaller, small), (larger, large)):
        for source in city.sources:
            found[source.domain] |= {site.id for site in source.sites}
    for domain, sites in smaller.items():
        assert sites <= larger[domain], domain


def test_only_some_domains(shipped_catalogue: Catalogue) -> None:
    city = built(shipped_catalogue, CITIES / "demo.yaml", domains=["air", "water"])
    assert {source.domain for source in city.sources} == {"air", "water"}


def test_two_entries_of_one_name_are_refused(shipped_catalogue: Catalogue, tmp_path: Path) -> None:
    entry = street("town").removeprefix("sentinel: [").removesuffix("]\n")
    path = town(tmp_path, f"sentinel: [{entry}, {entry}]\n")
    with pytest.raises(
        SimulationError, match=r"Two sites are called sim-sentinel-town-.*the entries of sentinel differ"
    ):
        built(shipped_catalogue, path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("watre: []\n", "town.yaml:3:1: watre: unknown key; did you mean water"),
        ("climate: {altitude: 99999}\n", "town.yaml:3:11: climate.altitude: expected at most 6000"),
        ("behaviour: {lost: 2}\n", "town.yaml:3:13: behaviour.lost: expected at most 1"),
        (street("Town"), "town.yaml:3:29: sentinel.0.name: "),
        (street("town").replace("107.4", "1074"), "longitude: expected at most 180"),
        ("devices: 5\n", "town.yaml:3:1: devices: the key is given twice"),
    ],
)
def test_a_mistake_in_a_city_is_told_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SimulationError, match=message):
        read_city(town(tmp_path, text))


@pytest.mark.parametrize(("text", "domains"), [("", []), (street("town"), ["air"])])
def test_a_city_with_nothing_to_simulate(
    shipped_catalogue: Catalogue, tmp_path: Path, text: str, domains: list[str]
) -> None:
    with pytest.raises(SimulationError, match=r"Town has nothing of (any domain|air) to simulate"):
        built(shipped_catalogue, town(tmp_path, text), domains=domains)


def test_a_region_that_is_not_there(shipped_catalogue: Catalogue, tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="no region '150803'; did you mean"):
        built(shipped_catalogue, town(tmp_path, street("town").replace("150802", "150803")))


def test_networks_are_looked_for_beside_the_city(shipped_catalogue: Catalogue, tmp_path: Path) -> None:
    water = street("town", "water").replace("streets: 1", "network: none.inp")
    with pytest.raises(SimulationError, match=r"none\.inp"):
        built(shipped_catalogue, town(tmp_path, water))


def test_chance_and_time_are_those_of_the_seed(shipped_catalogue: Catalogue, tmp_path: Path) -> None:
    path = town(tmp_path, street("town"))
    cities = [build(read_city(path), tmp_path, shipped_catalogue, seed=seed) for seed in (1, 1, 2)]
    places = [[(site.id, site.longitude, site.latitude) for site in city.sites] for city in cities]
    assert places[0] == places[1] != places[2]
