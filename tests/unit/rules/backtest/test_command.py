from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from citybrain.catalogue.load import load as load_catalogue
from citybrain.catalogue.model import Catalogue
from citybrain.settings import PROJECT
from rules.backtest.command import span
from rules.backtest.instants import instants, unseen
from rules.backtest.run import BacktestError
from rules.grammar.load import load
from rules.model import DAY_US, HOUR_US, RuleSet, Schedule
from rules.plans.load import indicators
from rules.plans.load import load as load_plans

CITY = ZoneInfo("Asia/Shanghai")


@pytest.fixture(scope="module")
def shipped() -> RuleSet:
    catalogue: Catalogue = load_catalogue(PROJECT)
    units = {name: one.unit for name, one in indicators(load_plans(PROJECT, catalogue)).items()}
    return load(PROJECT, catalogue, units).rules


def test_a_date_at_the_end_counts_with_its_whole_day() -> None:
    begin, end = span("2026-03-01", "2026-03-02", CITY)
    assert begin == datetime(2026, 2, 28, 16, tzinfo=UTC)
    assert end == datetime(2026, 3, 2, 16, tzinfo=UTC)
    assert span("2026-03-01T10:00", "2026-03-01T11:00Z", CITY)[1] == datetime(2026, 3, 1, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "until", "message"),
    [
        ("2026-03-02", "2026-03-01", "--from 2026-03-02 is not before --to 2026-03-01"),
        ("yesterday", "2026-03-01", "--from is yesterday: write it as"),
        ("2026-03-02", "2026-13-01", "--to is 2026-13-01"),
    ],
)
def test_a_wrong_span_is_said(since: str, until: str, message: str) -> None:
    with pytest.raises(BacktestError, match=message):
        span(since, until, CITY)


def test_instants_of_a_day_are_those_of_the_city() -> None:
    start = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp()) * 1_000_000
    found = instants(Schedule(DAY_US, 7 * HOUR_US), start, start + 2 * DAY_US, CITY)
    assert found == [start + 23 * HOUR_US, start + 47 * HOUR_US]
    assert instants(Schedule(HOUR_US), start, start + 2 * HOUR_US, CITY) == [start, start + HOUR_US]


def test_queries_of_the_present_alone_are_not_replayed(shipped: RuleSet) -> None:
    assert not unseen(shipped.rules["air.station_apart"])
    assert not unseen(shipped.rules["heating.return_apart"])
