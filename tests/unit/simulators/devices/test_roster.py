from __future__ import annotations

import pytest

from citybrain.catalogue.model import Site, Text
from simulators.devices.roster import Roster
from simulators.model import SimulatedDevice, SimulationError

SITES = [Site(id, Text("某处", "somewhere"), "150802", "water", "zone", 107.4, 40.8) for id in ("x", "y")]


def test_who_sends_through_whom(roster: Roster) -> None:
    assert [roster.keys[device][2] for device in roster.connections] == ["gw", "c", "d"]
    assert roster.connection.tolist() == [0, 0, 0, 1, 2]
    assert roster.place("gw").tolist() == [0, 1, 2]
    assert roster.place("well-c").tolist() == [3, 4]
    assert roster.place("cabinet").tolist() == [0, 1, 2]
    assert roster.place("a").tolist() == [1]


@pytest.mark.parametrize(
    ("devices", "message"),
    [
        ([SimulatedDevice("a", "z")], "stands at z, but there is no such site"),
        ([SimulatedDevice("a", "x"), SimulatedDevice("a", "y")], "two devices 150802/water/a"),
        ([SimulatedDevice("a", "x", "g")], "sends through g, but that is no gateway of 150802/water"),
        (
            [SimulatedDevice("a", "x", "b"), SimulatedDevice("b", "x", "c"), SimulatedDevice("c", "x")],
            "sends through b, but that is no gateway",
        ),
    ],
)
def test_devices_that_can_not_be(devices: list[SimulatedDevice], message: str) -> None:
    with pytest.raises(SimulationError, match=message):
        Roster.of(SITES, devices, [])
