import numpy as np

from simulators import chance
from simulators.model import DAY, HOUR
from simulators.water.demand import Demand

MIDNIGHT = 20_500 * DAY - 8 * HOUR
SHARES = np.array([0.3] + [0.07] * 10)


def test_a_year_has_the_mean_that_is_asked_for() -> None:
    demand = Demand(SHARES, chance.key("test"))
    means = [float(SHARES @ demand.day(MIDNIGHT + n * DAY).mean(axis=1)) for n in range(0, 365, 5)]
    assert abs(np.mean(means) - 1) < 0.02


def test_little_is_drawn_at_night_and_large_customers_rest_at_weekends() -> None:
    demand = Demand(SHARES, chance.key("test"))
    days = np.array([demand.day(MIDNIGHT + n * DAY) for n in range(28)])
    night = days[:, 1:, 24:48].mean()
    assert 0.2 < night < 0.4
    of_weekday = days[:, 0].mean(axis=1).reshape(4, 7).mean(axis=0)  # The first day is a Monday.
    assert of_weekday[5:].max() < of_weekday[:5].min()


def test_days_follow_each_other_without_a_step() -> None:
    demand = Demand(np.full(400, 0.0025), chance.key("test"))
    first, second = demand.day(MIDNIGHT), demand.day(MIDNIGHT + DAY)
    assert abs(first[:, -1].mean() - second[:, 0].mean()) < 0.06
