from dataclasses import replace

import numpy as np
import pytest

from simulators.heating.buildings import Buildings, daylight
from simulators.heating.substation import Design
from simulators.model import HOUR

DESIGN = Design()
BUILDINGS = Buildings.drawn(DESIGN, 1, ["a", "b"], np.array([500.0, 800.0]), 6)
PLAIN = replace(
    BUILDINGS,
    loss=np.ones((2, 7)),
    radiators=np.ones((2, 7)),
    gains=np.zeros((2, 7)),
    sun=np.zeros((2, 7)),
    inertia=np.array([[50.0], [100.0]]),
)


def test_the_shares_of_a_station_add_up_and_a_measured_dwelling_is_one_of_many() -> None:
    assert BUILDINGS.weight.sum(axis=1) == pytest.approx([1, 1])
    assert BUILDINGS.weight[0, 1:] == pytest.approx(1 / 500)


def test_at_design_temperatures_radiators_give_the_design_power_and_rooms_keep_theirs() -> None:
    indoor = np.full((2, 7), DESIGN.indoor)
    drop = PLAIN.drop(np.full(2, DESIGN.supply), indoor, np.full((2, 7), 10.0))
    assert drop == pytest.approx(DESIGN.spread, rel=1e-6)
    assert PLAIN.warmed(indoor, drop, DESIGN.outdoor, 0.0, 100.0) == pytest.approx(DESIGN.indoor, abs=1e-4)


def test_radiators_colder_than_the_room_give_nothing() -> None:
    assert PLAIN.drop(np.full(2, 15.0), np.full((2, 7), 20.0), np.full((2, 7), 5.0)) == pytest.approx(0)


def test_without_heat_rooms_cool_by_the_exponential_of_their_time_constant() -> None:
    indoor = np.full((2, 7), 20.0)
    for _ in range(120):
        indoor = PLAIN.warmed(indoor, np.zeros((2, 7)), -10.0, 0.0, 1 / 12)
    assert indoor[:, 0] == pytest.approx(-10 + 30 * np.exp([-10 / 50, -10 / 100]))


def test_what_a_room_takes_in_is_what_it_gets_less_what_it_loses() -> None:
    indoor, drop, hours = np.full((2, 7), 19.0), np.full((2, 7), 12.0), 1e-3
    gained = (BUILDINGS.warmed(indoor, drop, -5.0, 1.0, hours) - indoor) / hours * BUILDINGS.inertia
    given = 35 * (drop / DESIGN.spread + BUILDINGS.gains + BUILDINGS.sun)
    assert gained == pytest.approx(given - BUILDINGS.loss * 24.0, rel=1e-3)


def test_the_sun_shines_around_noon() -> None:
    found = daylight(np.arange(24) * HOUR - 8 * HOUR)
    assert found[13] == pytest.approx(1, abs=0.01)
    assert not found[[0, 5, 7, 18, 23]].any()


def test_chance_depends_on_the_seed_and_more_stations_leave_the_first_as_they_are() -> None:
    more = Buildings.drawn(DESIGN, 1, ["a", "b", "c"], np.array([500.0, 800.0, 300.0]), 8)
    assert np.array_equal(more.loss[:2, :7], BUILDINGS.loss)
    other = Buildings.drawn(DESIGN, 2, ["a", "b"], np.array([500.0, 800.0]), 6)
    assert not np.array_equal(other.loss, BUILDINGS.loss)
