"""Who is told: by region and all below, by domain, severity, days and hours that may cross midnight."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.notification.routes import DAY_MINUTES, Route, due, match

CITY = ZoneInfo("Asia/Shanghai")
PATH = ["150802", "150800", "150000"]  # a county, its city, its province
MONDAY = datetime(2026, 11, 23, tzinfo=CITY)
minutes = st.integers(0, DAY_MINUTES - 1)


@dataclass
class News:
    domain: str = "water"
    severity: int = 2


def at(clock: str, day: int = 0) -> datetime:
    """A time of the week that begins with MONDAY, as UTC."""
    hour, minute = map(int, clock.split(":"))
    return (MONDAY + timedelta(days=day, hours=hour, minutes=minute)).astimezone(UTC)


def route(name: str = "r", **keys: object) -> Route:
    return Route(name=name, url_from="env:URL", **keys)  # type: ignore[arg-type]


def matched(one: Route, now: datetime | None = None, path: list[str] = PATH, news: News | None = None) -> bool:
    return match([one], news or News(), path, now or at("12:00"), CITY) == [one]


def test_a_route_without_conditions_takes_everything() -> None:
    assert matched(route())
    assert matched(route(), path=[])


@pytest.mark.parametrize(
    ("regions", "told"), [({"150802"}, True), ({"150800"}, True), ({"150821"}, False), ({"150821", "150000"}, True)]
)
def test_a_region_stands_for_all_below_it(regions: set[str], told: bool) -> None:
    assert matched(route(regions=frozenset(regions))) is told


def test_an_alert_of_a_city_is_not_told_to_one_of_its_counties() -> None:
    assert not matched(route(regions=frozenset({"150802"})), path=["150800", "150000"])


def test_domains_and_severities() -> None:
    one = route(domains=frozenset({"water"}), severities=frozenset({1, 2}))
    assert matched(one)
    assert not matched(one, news=News(domain="air"))
    assert not matched(one, news=News(severity=3))


@pytest.mark.parametrize(
    ("clock", "told"), [("07:59", False), ("08:00", True), ("17:29", True), ("17:30", False), ("00:00", False)]
)
def test_the_end_of_the_hours_is_exclusive(clock: str, told: bool) -> None:
    assert matched(route(hours=(8 * 60, 17 * 60 + 30)), at(clock)) is told


@pytest.mark.parametrize(
    ("clock", "told"),
    [("17:29", False), ("17:30", True), ("23:59", True), ("00:00", True), ("07:59", True), ("08:00", False)],
)
def test_hours_cross_midnight(clock: str, told: bool) -> None:
    assert matched(route(hours=(17 * 60 + 30, 8 * 60)), at(clock)) is told


@pytest.mark.parametrize(
    ("day", "clock", "told"),
    [(4, "18:00", True), (5, "07:00", True), (4, "07:00", False), (5, "18:00", False), (0, "07:00", False)],
)
def test_the_night_belongs_to_the_day_on_which_it_begins(day: int, clock: str, told: bool) -> None:
    friday = route(hours=(17 * 60 + 30, 8 * 60), days=frozenset({4}))
    assert matched(friday, at(clock, day)) is told


def test_the_night_of_sunday_ends_on_monday() -> None:
    sunday = route(hours=(20 * 60, 6 * 60), days=frozenset({6}))
    assert matched(sunday, at("05:59"))


@given(start=minutes, end=minutes, minute=st.integers(0, 7 * DAY_MINUTES - 1), days=st.frozensets(st.integers(0, 6)))
def test_hours_and_their_complement_share_the_day(start: int, end: int, minute: int, days: frozenset[int]) -> None:
    """Of two routes whose hours are the rest of each other's, exactly one is open; with days, in whole shifts."""
    if start == end:
        return
    now = MONDAY + timedelta(minutes=minute)
    one, other = route(hours=(start, end)), route(hours=(end, start))
    assert one.open_at(now, CITY) != other.open_at(now, CITY)
    limited = route(hours=(start, end), days=days)
    length = (end - start) % DAY_MINUTES
    shift_began = now - timedelta(minutes=(minute - start) % DAY_MINUTES)
    inside = (minute - start) % DAY_MINUTES < length
    assert limited.open_at(now, CITY) == (inside and shift_began.weekday() in days)


def test_each_route_that_fits_is_taken_in_order() -> None:
    routes = [route("a"), route("b", domains=frozenset({"air"})), route("c")]
    assert [one.name for one in match(routes, News(), PATH, at("12:00"), CITY)] == ["a", "c"]


def test_a_digest_leaves_at_the_next_full_interval() -> None:
    tenth = route(digest=timedelta(minutes=10))
    assert due(tenth, at("12:03")) == at("12:10")
    assert due(tenth, at("12:10")) == at("12:20")
    assert due(route(), at("12:03")) == at("12:03")
