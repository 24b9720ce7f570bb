"""The path to a target, and the verdict on a value."""

from __future__ import annotations

from datetime import date, timedelta
from math import inf, nan

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from citybrain.catalogue.model import Text
from rules.plans.course import Course, margin, path, verdict
from rules.plans.model import Direction, Indicator, Kind, Point

numbers = st.floats(-1e12, 1e12, allow_nan=False).map(lambda value: round(value, 6))
years = st.integers(2000, 2060)
days = st.dates(date(1990, 1, 1), date(2080, 1, 1))


def indicator(
    direction: Direction = "at_least",
    baseline: Point | None = None,
    target: Point | None = None,
    kind: Kind = "level",
    margin: float | None = None,
) -> Indicator:
    return Indicator(
        plan="plan",
        name="name",
        title=Text("名", "Name"),
        unit="%",
        direction=direction,
        baseline=baseline,
        target=target or Point(),
        clause="一",
        kind=kind,
        margin=margin,
    )


FALLING = indicator("at_most", Point(14.0, 2024), Point(9.0, 2029))  # one a year
RISING = indicator("at_least", Point(30.0, 2024), Point(50.0, 2028))  # five a year


@st.composite
def ways(draw: st.DrawFn) -> Indicator:
    """Indicators that go from a baseline to a better target."""
    first, last = draw(numbers), draw(numbers)
    assume(first != last)
    begin, end = draw(years), draw(years)
    assume(begin < end)
    towards: Direction = "at_least" if last > first else "at_most"
    return indicator(draw(st.sampled_from([towards, "about"])), Point(first, begin), Point(last, end))


@given(ways())
def test_the_path_begins_at_the_baseline_and_ends_at_the_target(way: Indicator) -> None:
    assert way.baseline is not None
    assert way.baseline.year is not None
    assert way.target.year is not None
    for day in (date(1990, 1, 1), date(way.baseline.year, 12, 31)):
        assert path(way, day) == way.baseline.value
    for day in (date(way.target.year, 12, 31), date(way.target.year + 1, 1, 1), date(2079, 1, 1)):
        assert path(way, day) == way.target.value


@given(ways(), days, days)
def test_the_path_never_turns_back_and_stays_between_its_ends(way: Indicator, one: date, other: date) -> None:
    assert way.baseline is not None
    first, last = way.baseline.value, way.target.value
    early, late = path(way, min(one, other)), path(way, max(one, other))
    assert first is not None
    assert last is not None
    assert early is not None
    assert late is not None
    assert min(first, last) <= early <= max(first, last)
    assert early <= late if first < last else early >= late


def test_the_path_is_straight() -> None:
    assert path(FALLING, date(2025, 12, 31)) == pytest.approx(13.0, abs=0.002)
    assert path(FALLING, date(2027, 6, 30)) == pytest.approx(11.5, abs=0.01)
    gone = (date(2026, 12, 31) - date(2024, 12, 31)) / (date(2028, 12, 31) - date(2024, 12, 31))
    assert path(RISING, date(2026, 12, 31)) == pytest.approx(30 + 20 * gone)


def test_a_cumulative_begins_at_nothing() -> None:
    gain = indicator(baseline=Point(year=2020), target=Point(0.5, 2025), kind="cumulative")
    assert path(gain, date(2020, 12, 31)) == 0
    assert path(gain, date(2023, 7, 2)) == pytest.approx(0.25, abs=0.001)
    assert path(gain, date(2026, 1, 1)) == 0.5


@pytest.mark.parametrize(
    "constant",
    [
        indicator("at_most", target=Point(9.0, 2030)),  # no baseline
        indicator(baseline=Point(99.1, 2020), target=Point(99.0, 2025)),  # worse than the baseline: a floor
        indicator("at_most", Point(4.0, 2020), Point(4.5, 2025)),  # worse than the baseline: a ceiling
        indicator("at_most", Point(4.5, 2020), Point(4.5, 2025)),
        indicator(baseline=Point(94.7, 2020), target=Point(95.0)),  # the plan prints no year
        indicator(baseline=Point(year=2020, words="to be reported"), target=Point(6.0, 2025)),
        indicator("about", Point(-1.5, 2020), Point(5.0, 2025), "yearly_average"),
    ],
)
@given(day=days)
def test_without_a_way_the_path_is_the_target(constant: Indicator, day: date) -> None:
    assert path(constant, day) == constant.target.value


@given(st.one_of(st.none(), numbers), days)
def test_without_a_target_nothing_is_known(actual: float | None, day: date) -> None:
    required = indicator(baseline=Point(84.1, 2020), target=Point(year=2025, words="as the region requires"))
    assert verdict(required, actual, day) == Course(actual, None, None, None, "unknown")


@pytest.mark.parametrize("actual", [None, nan, inf])
def test_without_a_value_nothing_is_known(actual: float | None) -> None:
    course = verdict(FALLING, actual, date(2029, 12, 31))
    assert (course.verdict, course.shortfall, course.path) == ("unknown", None, 9.0)


def test_the_margin_is_a_tenth_of_the_way_else_a_fiftieth_of_the_target() -> None:
    assert margin(FALLING) == pytest.approx(0.5)
    assert margin(indicator("at_most", target=Point(9.0, 2030))) == pytest.approx(0.18)
    assert margin(indicator(baseline=Point(99.1, 2020), target=Point(99.0, 2025))) == pytest.approx(1.98)
    assert margin(indicator("at_most", target=Point(0.0))) == 0
    assert margin(indicator(target=Point(100.0), margin=3.0)) == 3.0
    assert margin(indicator()) is None


END = date(2029, 12, 31)  # of FALLING: the path is 9, the margin 0.5


@pytest.mark.parametrize(
    ("actual", "day", "shortfall", "expected"),
    [
        (8.0, END, 0.0, "on_course"),
        (9.0, END, 0.0, "on_course"),
        (9.25, END, 0.25, "at_risk"),
        (9.5, END, 0.5, "at_risk"),
        (9.75, END, 0.75, "off_course"),
        (9.25, END + timedelta(days=1), 0.25, "off_course"),  # the target's year is over
        (9.0, END + timedelta(days=1), 0.0, "on_course"),
        (14.0, date(2024, 12, 31), 0.0, "on_course"),
        (14.25, date(2020, 1, 1), 0.25, "at_risk"),
    ],
)
def test_verdicts_of_at_most(actual: float, day: date, shortfall: float, expected: str) -> None:
    course = verdict(FALLING, actual, day)
    assert (course.shortfall, course.verdict) == (shortfall, expected)


@pytest.mark.parametrize(
    ("actual", "shortfall", "expected"),
    [(51.0, 0.0, "on_course"), (50.0, 0.0, "on_course"), (48.5, 1.5, "at_risk"), (47.5, 2.5, "off_course")],
)
def test_verdicts_of_at_least(actual: float, shortfall: float, expected: str) -> None:
    course = verdict(RISING, actual, date(2028, 12, 31))
    assert (course.shortfall, course.verdict) == (shortfall, expected)


@pytest.mark.parametrize(
    ("actual", "shortfall", "expected"),
    [
        (5.0, 0.0, "on_course"),
        (4.5, 0.0, "on_course"),
        (5.5, 0.0, "on_course"),
        (4.25, 0.25, "at_risk"),
        (6.0, 0.5, "at_risk"),
        (6.5, 1.0, "off_course"),
    ],
)
def test_about_has_room_on_both_sides(actual: float, shortfall: float, expected: str) -> None:
    growth = indicator("about", target=Point(5.0, 2025), kind="yearly_average", margin=0.5)
    course = verdict(growth, actual, date(2024, 6, 30))
    assert (course.shortfall, course.verdict) == (shortfall, expected)


def test_a_standing_target_is_never_over() -> None:
    standing = indicator(target=Point(98.0))
    assert verdict(standing, 97.0, date(2079, 1, 1)).verdict == "at_risk"


@given(ways(), numbers, days)
def test_a_shortfall_and_a_verdict_agree(way: Indicator, actual: float, day: date) -> None:
    course = verdict(way, actual, day)
    assert course.shortfall is not None
    assert (course.shortfall == 0) == (course.verdict == "on_course")
    assert course.path == path(way, day)
