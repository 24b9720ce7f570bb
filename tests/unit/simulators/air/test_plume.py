from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from simulators.air.plume import Terrain, along, concentration, spread, stability, sun_height
from simulators.model import SECOND

D = np.array(3)


def test_a_hand_calculation() -> None:
    # 100 g/s at 50 m, 5 m/s, class D over open country, 2 km downwind on the ground and the axis:
    # sy = 160 / sqrt(1.2) = 146.06 m, sz = 120 / sqrt(4) = 60 m,
    # C = 100 / (pi 5 146.06 60) exp(-(50 / 60)^2 / 2) = 7.2646e-4 * 0.70665 = 5.1335e-4 g/m3.
    found = concentration(100, 50, np.array(2000.0), np.array(0.0), np.array(5.0), D, "rural", above=0.0)

    assert found == pytest.approx(5.1335e-4, rel=1e-4)


def test_briggs_at_a_kilometre() -> None:
    kilometre, classes = np.full(6, 1000.0), np.arange(6)

    rural = [[209.8, 152.6, 104.9, 76.3, 57.2, 38.1], [200, 120, 73.0, 37.9, 23.1, 12.3]]
    urban = [[270.4, 270.4, 185.9, 135.2, 93.0, 93.0], [339.4, 339.4, 200, 122.8, 50.6, 50.6]]
    assert np.allclose(spread(kilometre, classes, "rural"), rural, atol=0.1)
    assert np.allclose(spread(kilometre, classes, "urban"), urban, atol=0.1)


@pytest.mark.parametrize("terrain", ["urban", "rural"])
@pytest.mark.parametrize("distance", [300.0, 3000.0])
@pytest.mark.parametrize("kind", range(6))
def test_through_each_plane_goes_what_is_given_off(terrain: Terrain, distance: float, kind: int) -> None:
    classes, speed = np.array(kind), np.array(3.0)
    wide, high = spread(np.array(distance), classes, terrain)
    across = np.linspace(-6 * wide, 6 * wide, 400)
    above = np.linspace(0, 40 + 8 * high, 4000)

    found = concentration(25, 40, np.array(distance), across, speed, classes, terrain, above=above[:, None])

    assert np.trapezoid(np.trapezoid(found, across, axis=1), above) * 3.0 == pytest.approx(25, rel=1e-4)


def test_nothing_comes_upwind() -> None:
    downwind, across = along(np.array([1000.0, -1000.0]), np.zeros(2), np.array(270.0))

    found = concentration(10, 0, downwind, across, np.array(3.0), D, "urban")

    assert downwind == pytest.approx([1000, -1000])
    assert found[0] > 0
    assert found[1] == 0


@pytest.mark.parametrize(
    ("wind", "sun", "kind"),
    [(1, 70, "A"), (2.5, 45, "B"), (4, 20, "C"), (7, 20, "D"), (1, -5, "F"), (4, -5, "E"), (8, 65, "C")],
)
def test_stability_by_wind_and_sun(wind: float, sun: float, kind: str) -> None:
    assert "ABCDEF"[int(stability(np.array(wind), np.array(sun)))] == kind


@pytest.mark.parametrize(("month", "day", "height"), [(6, 21, 72.7), (12, 21, 25.8), (3, 21, 49.2)])
def test_the_sun_at_noon(month: int, day: int, height: float) -> None:
    # 90 - 40.75 + 23.44, - 23.44 and 0 degrees; noon at 107.4 degrees east is at 04:50 UTC.
    noon = np.array([int(datetime(2026, month, day, 4, 50, tzinfo=UTC).timestamp()) * SECOND])

    assert sun_height(noon, 107.4, 40.75) == pytest.approx(height, abs=1)
    assert sun_height(noon + 43_200 * SECOND, 107.4, 40.75) < 0
