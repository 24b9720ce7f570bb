import numpy as np
import pytest

from simulators import chance
from simulators.model import DAY, HOUR, Happening
from simulators.water.faults import Turbid
from simulators.water.quality import waters

KEY = chance.key("test")
TIMES = np.arange(20_500 * DAY, 20_504 * DAY, HOUR)
AGES = np.array([12.0, 48.0])


def test_chlorine_decays_with_the_age_of_the_water() -> None:
    found = waters(KEY, AGES, TIMES, [])
    works, young, old = found[0], found[3], found[6]
    # What left the works twelve and forty-eight hours ago, at half a day's exponent a day.
    assert young[12:] == pytest.approx(works[:-12] * np.exp(-0.25))
    assert old[48:] == pytest.approx(works[:-48] * np.exp(-1.0))


def test_cloudiness_arrives_later_and_weaker() -> None:
    start = 20_501 * DAY
    fault = Turbid(place="linhe-1", turbidity=10.0)
    clouds = [(Happening("test", fault, start, start + 6 * HOUR), fault)]
    more = waters(KEY, AGES, TIMES, clouds) - waters(KEY, AGES, TIMES, [])
    assert more[1].max() == pytest.approx(10.0)
    assert more[4].max() == pytest.approx(10.0 * np.exp(-2.0))
    assert TIMES[more[4] > 0][0] == start + 13 * HOUR
    assert (more[1][start > TIMES] == 0).all()
