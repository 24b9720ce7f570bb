from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from citybrain.catalogue.load import load
from simulators.heating.district import District
from simulators.heating.network import HeatNetwork
from simulators.model import SimulationError, Span

from .conftest import AT, BLOCK, ROOT

Make = Callable[..., District]


def test_a_block_makes_stations_with_concentrators_dwellings_a_source_and_a_weather_station(make: Make) -> None:
    district = make()
    kinds = [site.kind for site in district.sites]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "weather_station": 1,
        "source": 1,
        "heat_exchange_station": 6,
        "dwelling": 24,
    }
    assert len(district.devices) == 1 + 1 + 6 + 6 + 24
    assert list(district.places) == ["east"]
    stations = [site for site in district.sites if site.kind == "heat_exchange_station"]
    assert stations[4].id == "sim-heating-east-s05"
    assert stations[4].title.zh == "东网5号换热站"
    assert stations[4].attributes == {"network": "east"}


def test_pipes_lead_from_the_source_to_every_station(make: Make) -> None:
    district = make()
    lines = [tuple(line.coordinates) for line in district.lines]
    places: dict[str, list[tuple[float, float]]] = {site.kind: [] for site in district.sites}
    for site in district.sites:
        places[site.kind].append((site.longitude, site.latitude))
    assert {end for _, end in lines} == set(places["heat_exchange_station"])
    assert places["source"][0] in {start for start, _ in lines}


def test_what_it_makes_fits_the_catalogue(make: Make) -> None:
    domain = load(ROOT).domains["heating"]
    district = make(design_outdoor_temp="-20")
    names = {device.name: device for device in district.devices}
    sites = {site.id for site in district.sites}
    assert len(names) == len(district.devices)
    assert len(sites) == len(district.sites)
    assert all(device.site in sites for device in district.devices)
    assert all(device.gateway is None or device.gateway in names for device in district.devices)
    assert {sensor.device for sensor in district.sensors} <= names.keys()
    assert {sensor.metric for sensor in district.sensors} <= domain.metrics.keys()
    assert not any(domain.metrics[sensor.metric].derived for sensor in district.sensors)
    assert {site.kind for site in district.sites} <= domain.site_kinds.keys()
    assert {name for site in district.sites for name in site.attributes} == {"network", "design_outdoor_temp"}


def test_each_point_is_read_by_one_sensor(make: Make) -> None:
    district = make()
    district.begin(AT, [])
    rows = len(district.signals(Span(AT, AT + 1)).values)
    assert sorted(sensor.point for sensor in district.sensors) == list(range(rows))


def test_dwellings_send_through_concentrators_of_at_most_25(make: Make) -> None:
    gateways = [device.gateway for device in make(dwellings="60").devices if device.battery]
    assert [gateways.count(f"sim-heating-east-s01-c{number}") for number in (1, 2, 3)] == [25, 25, 10]


def test_scaling_adds_stations_and_then_networks_but_moves_none(make: Make) -> None:
    small, large = make(), make(scale=15)
    assert list(large.places) == ["east", "east-2", "east-3"]
    sites = {site.id: site for site in large.sites}
    assert all(sites[site.id] == site for site in small.sites)
    assert sum(site.kind == "heat_exchange_station" for site in large.sites) == 90


def test_sites_spread_over_the_span(make: Make) -> None:
    sites = [site for site in make(scale=5).sites if site.kind == "heat_exchange_station"]
    places = np.array([(site.longitude, site.latitude) for site in sites])
    assert np.all(np.abs(places - (107.42, 40.76)) <= 0.025 + 1e-6)
    assert np.all(places.std(axis=0) > 0.008)


def test_the_network_of_a_file_has_its_nodes_as_stations(make: Make, tmp_path: Path) -> None:
    rows = "from,to,length_m,diameter_mm\nplant,x,900,250\nx,school,300,150\nx,mill,700,200\n"
    (tmp_path / "mine.csv").write_text(rows, encoding="utf-8")
    district = make(folder=tmp_path, pipes="mine.csv")
    titles = [site.title.en for site in district.sites if site.kind == "heat_exchange_station"]
    assert titles == ["East, station school", "East, station mill"]
    district.begin(AT, [])
    assert np.isfinite(district.signals(Span(AT, AT + 1)).values).all()


def test_pipes_that_carry_nothing_are_told(make: Make, tmp_path: Path) -> None:
    rows = "from,to,length_m,diameter_mm\nplant,x,9000,20\nx,school,300,300\n"
    (tmp_path / "thin.csv").write_text(rows, encoding="utf-8")
    with pytest.raises(SimulationError, match="lose more than 100 bar"):
        make(folder=tmp_path, pipes="thin.csv").begin(AT, [])


def test_an_unknown_region_is_told(make: Make) -> None:
    with pytest.raises(SimulationError, match="there is no region 150803; did you mean 1508"):
        make(region="150803")


def test_a_secondary_network_must_cool_down_on_its_way() -> None:
    with pytest.raises(ValidationError, match="expected design_supply_temp > design_return_temp"):
        HeatNetwork.model_validate(BLOCK | {"design_supply_temp": "45", "design_return_temp": "50"})
