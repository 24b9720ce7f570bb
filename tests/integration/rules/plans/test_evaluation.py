"""Where indicators stand: measured or entered, kept day by day, shown on boards and in the terminal."""

from __future__ import annotations

import io
import re
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import psycopg
import pytest
from rich.console import Console

from citybrain.store.connection import Connection
from rules.plans.entry import Cells, EntryError, plan_enter
from rules.plans.evaluation import Row, evaluate, record
from rules.plans.load import indicators
from rules.plans.model import Plan
from rules.plans.status import plan_status

if TYPE_CHECKING:
    from tests.integration.rules.plans.conftest import City

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 22, 9, 30, tzinfo=ZONE)
TODAY = datetime(2026, 11, 22, tzinfo=ZONE)
LEAKAGE = "inner-mongolia-city-quality-2025/leakage_rate"
FOREST = "bayannur-2021-2025/forest_cover"
GOOD_AIR = "bayannur-2021-2025/good_air_days"

Plans = dict[str, Plan]


def cells(indicator: str, region: str, day: str, value: str, note: str = "") -> Cells:
    return Cells("the value", indicator, region, day, value, note)


def rows(connection: Connection, plans: Plans, indicator: str, now: datetime = NOW) -> dict[str, Row]:
    return {row.region: row for row in evaluate(connection, plans, now, ZONE, {indicator})}


def leak(city: City, region: str, billed: float) -> None:
    works = city.device(region, "water", "works")
    city.read(works, "supply_volume", {TODAY: 100.0})
    city.read(works, "billed_volume", {TODAY: billed})


def test_without_data_every_indicator_is_unknown_in_its_plans_regions(board: Connection, plans: Plans) -> None:
    found = evaluate(board, plans, NOW, ZONE)
    judged = [one for one in indicators(plans).values() if one.superseded_by is None]
    assert [(row.indicator.id, row.region) for row in found] == [(one.id, one.regions[0]) for one in judged]
    assert {(row.course.actual, row.course.verdict) for row in found} == {(None, "unknown")}
    assert {row.day for row in found} == {date(2026, 11, 22)}


def test_a_region_inside_has_a_row_where_it_has_a_value(city: City, board: Connection, plans: Plans) -> None:
    leak(city, "150802", 88.0)
    leak(city, "150102", 92.0)
    found = rows(board, plans, LEAKAGE)
    assert {region: row.course.verdict for region, row in found.items()} == {
        "150000": "off_course",
        "150100": "on_course",
        "150102": "on_course",
        "150800": "off_course",
        "150802": "off_course",
    }
    # No baseline: the path is the target itself.
    course = found["150800"].course
    assert (course.actual, course.path, course.target) == (pytest.approx(12.0), 9.0, 9.0)
    assert course.shortfall == pytest.approx(3.0)


def test_a_number_without_a_target_is_shown_and_not_judged(city: City, board: Connection, plans: Plans) -> None:
    city.read(city.device("150802", "air", "station"), "aqi_day", {TODAY: 80.0})
    found = rows(board, plans, GOOD_AIR)
    assert (found["150800"].course.actual, found["150800"].course.verdict) == (100.0, "unknown")


def test_the_newest_entry_of_the_newest_day_counts(city: City, board: Connection, plans: Plans) -> None:
    for day, value, later in (("2025-12-31", "8.9", 0), ("2025-12-31", "8.8", 1), ("2024-12-31", "8.7", 2)):
        entered = plan_enter(
            city.connection, plans, [cells(FOREST, "150800", day, value)], "li", NOW + timedelta(minutes=later), ZONE
        )
        assert entered == 1
    row = rows(board, plans, FOREST)["150800"]
    assert (row.course.actual, row.as_of) == (8.8, date(2025, 12, 31))
    # The year is over: what is short is off course, however little.
    assert (row.course.verdict, row.course.shortfall) == ("off_course", pytest.approx(0.2))
    earlier = rows(board, plans, FOREST, datetime(2025, 6, 1, tzinfo=ZONE))["150800"]
    assert (earlier.course.actual, earlier.as_of) == (8.7, date(2024, 12, 31))
    kept = board.execute("select entered_by, value from board_plan_value where day = '2025-12-31'").fetchall()
    assert kept == [("li", 8.8)]


def test_what_is_measured_leads_over_what_is_entered(city: City, board: Connection, plans: Plans) -> None:
    values = [cells(LEAKAGE, region, "2026-10-31", "7") for region in ("150800", "150100")]
    plan_enter(city.connection, plans, values, "li", NOW, ZONE)
    leak(city, "150802", 88.0)
    found = rows(board, plans, LEAKAGE)
    assert (found["150800"].course.actual, found["150800"].as_of) == (pytest.approx(12.0), None)
    assert (found["150100"].course.actual, found["150100"].as_of) == (7.0, date(2026, 10, 31))


def test_one_wrong_value_stores_none(city: City, plans: Plans) -> None:
    values = [cells(FOREST, "150800", "2025-12-31", "8.9"), cells(FOREST, "150802", "2025-12-31", "8.9")]
    with pytest.raises(EntryError, match="not judged in region '150802'"):
        plan_enter(city.connection, plans, values, "li", NOW, ZONE)
    with pytest.raises(EntryError, match="give a name"):
        plan_enter(city.connection, plans, values[:1], " ", NOW, ZONE)
    assert city.connection.execute("select count(*) from plan_value").fetchone() == (0,)


def test_an_entry_is_never_changed(city: City, plans: Plans) -> None:
    plan_enter(city.connection, plans, [cells(FOREST, "150800", "2025-12-31", "8.9")], "li", NOW, ZONE)
    for statement in ("update plan_value set value = 9", "delete from plan_value"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            city.connection.execute(statement)


def test_today_is_the_citys(board: Connection, plans: Plans) -> None:
    evening = datetime(2026, 11, 21, 16, 30, tzinfo=ZoneInfo("UTC"))
    assert rows(board, plans, FOREST, evening)["150800"].day == date(2026, 11, 22)


def test_boards_see_the_newest_verdict_and_the_history(city: City, board: Connection, plans: Plans) -> None:
    leak(city, "150802", 88.0)
    for back in (1, 0):
        now = NOW + timedelta(days=1 - back)
        record(city.connection, plans, evaluate(board, plans, now, ZONE))
    leak(city, "150802", 100.0)
    record(city.connection, plans, evaluate(board, plans, NOW + timedelta(days=1), ZONE, {LEAKAGE}))
    newest = board.execute(
        "select day, title_zh, unit, clause, actual, path, target, target_year, verdict from board_plan "
        "where indicator = %s and region_id = '150800'",
        (LEAKAGE,),
    ).fetchall()
    assert newest == [
        (date(2026, 11, 23), "城市公共供水管网漏损率", "%", "（七）", pytest.approx(6.0), 9.0, 9.0, 2030, "on_course")
    ]
    history = board.execute(
        "select day, verdict from board_plan_course where indicator = %s and region_id = '150800' order by day",
        (LEAKAGE,),
    ).fetchall()
    assert history == [(date(2026, 11, 22), "off_course"), (date(2026, 11, 23), "on_course")]
    shown = board.execute("select count(distinct indicator) from board_plan").fetchone()
    assert shown == (len([one for one in indicators(plans).values() if one.superseded_by is None]),)


def test_status_shows_where_each_indicator_stands(city: City, board: Connection, plans: Plans) -> None:
    leak(city, "150802", 88.0)
    plan_enter(city.connection, plans, [cells(FOREST, "150800", "2025-12-31", "9.1")], "li", NOW, ZONE)
    paper = io.StringIO()
    plan_status(board, plans, NOW, ZONE, Console(file=paper, width=100))
    text = paper.getvalue()
    assert re.search(r"^ 城市公共供水管网漏损率 +150000 +12 +9 +<= 9 +off course +3 *$", text, re.MULTILINE)
    assert re.search(r"^ leakage_rate, % +2030 *$\n^ （七） *$\n^ +150800 +12 +9 +off course +3 *$", text, re.MULTILINE)
    assert re.search(r"^ 森林覆盖率 +150800 +9\.1\* +9 +>= 9 +on course +0 *$", text, re.MULTILINE)
    assert re.search(r"^ forest_cover, % +2025-12-31 +2025 *$\n^ 第六章", text, re.MULTILINE)
    assert "reclaimed_water_rate: inner-mongolia-city-quality-2025/reclaimed_water_rate leads" in text
    # Leakage is short in the region, the city and the district.
    assert re.search(r"^1 on course, 0 at risk, 3 off course, \d+ unknown\.$", text, re.MULTILINE)
    assert "as the region requires" in text


def test_status_fits_a_narrow_terminal(city: City, board: Connection, plans: Plans) -> None:
    plan_enter(city.connection, plans, [cells(FOREST, "150800", "2025-12-31", "9.1")], "li", NOW, ZONE)
    paper = io.StringIO()
    plan_status(board, plans, NOW, ZONE, Console(file=paper, width=80))
    assert len(re.findall(r"actual +path today +target +verdict +shortfall *$", paper.getvalue(), re.MULTILINE)) == 4
