from __future__ import annotations

import shutil
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from citybrain.catalogue.errors import Problem
from citybrain.catalogue.load import load
from citybrain.catalogue.maps import networks
from citybrain.catalogue.model import Device, Site, Text
from citybrain.settings import PROJECT
from simulators.enrolment import read_credentials, write_networks, write_sites
from simulators.model import Polyline, SimulatedDevice, SimulationError, Source


def test_the_sites_come_back_as_they_were_and_in_time(tmp_path: Path) -> None:
    for folder in ("domains", "regions"):
        shutil.copytree(PROJECT / folder, tmp_path / folder)
    title = Text('临河"一区": 燃气井', "Zone 1: gas's well #1")
    sites = [
        Site(f"sim-{n}", title, "150802", "sentinel", "sewer_well", 107.4 + n / 1e4, 40.8, {"pipe_diameter": 0.5})
        for n in range(2000)
    ]
    devices = [SimulatedDevice(f"sim-{n}", f"sim-{n}", "sim-0" if n else None, battery=True) for n in range(2000)]
    began = time.process_time()
    write_sites(tmp_path / "sites" / "city.yaml", sites, devices)
    assert time.process_time() - began < 1
    found = load(tmp_path)
    assert list(found.sites.values()) == sites
    assert list(found.devices.values()) == [Device(d.name, "150802", "sentinel", d.site, d.gateway) for d in devices]


def test_the_lines_of_sources_come_back_by_kind(tmp_path: Path) -> None:
    def source(domain: str, *lines: Polyline) -> Source:
        site = Site("s", Text("", ""), "150802", domain, "x", 107.4, 40.8, {})
        return cast(Source, SimpleNamespace(domain=domain, sites=[site], lines=lines))

    street = Polyline("street", [(107.4, 40.7), (107.5, 40.7)])
    pipes = [Polyline("pipe", [(107.4, 40.7 + n), (107.5, 40.7 + n)]) for n in range(3)]
    sources = source("water", pipes[0], street, pipes[1]), source("air"), source("sentinel", pipes[2])
    write_networks(tmp_path / "networks" / "city.geojson", sources)
    problems: list[Problem] = []
    found = networks(tmp_path / "networks", ["150802"], ["water", "sentinel"], problems)
    assert problems == []
    assert [(line.domain, line.region, line.kind) for line in found] == [
        ("water", "150802", "pipe"),
        ("water", "150802", "street"),
        ("sentinel", "150802", "pipe"),
    ]
    assert found[0].coordinates == [[list(place) for place in pipe.coordinates] for pipe in pipes[:2]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no credentials"),
        ("region,domain,name\n", "holds no credentials: its first line must be region,domain,name,username,password"),
        ("region,domain,name,username,password\n150802,water,a,150802/water/a,\n", "line 2: expected 5 cells"),
        ("\ud800", "is no CSV in UTF-8"),
    ],
)
def test_a_file_without_credentials(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "devices.csv"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(SimulationError, match=message):
        read_credentials(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="can't be read: No such file"):
        read_credentials(tmp_path / "none.csv")
