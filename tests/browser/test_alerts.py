"""Work on alerts at several desks: notes that outlive the server, conflicts, handing over, watching, floods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from citybrain.store.connection import connect

from .conftest import City, Desk

Open = Callable[..., Desk]

NOTE = "已到场：三号阀门漏水，正在更换"


def execute(city: City, statement: str, *parameters: object) -> list[Any]:
    """Do something in the database, as its owner."""
    with connect(city.database.url, "writer", "test") as connection:
        cursor = connection.execute(statement.encode(), parameters)
        return cursor.fetchall() if cursor.description else []


def opened(desk: Desk, number: int) -> Page:
    """The page of an alert, when something may be done on it."""
    page = desk.open(f"/alerts/{number}")
    expect(page.locator(".actions .button.primary")).to_be_visible()
    expect(page.locator(".timeline li").first).to_be_visible()
    return page


def test_a_note_outlives_a_restart_of_the_server_and_is_posted_once(desk: Open, city: City) -> None:
    number = city.raise_alert("备注试验")
    page = opened(desk(), number)
    page.evaluate("globalThis.same = true")
    page.fill(".actions .note", NOTE)

    city.kill()
    page.keyboard.press("Tab")
    page.click(".actions .small .button:last-child")  # only add the note
    expect(page.locator(".message.away")).to_be_visible()
    expect(page.locator(".actions .note")).to_have_value(NOTE)
    city.start()
    page.click(".actions .small .button:last-child")

    expect(page.locator(".message.done")).to_be_visible()
    expect(page.locator(".actions .note")).to_have_value("")
    expect(page.locator(".timeline q")).to_have_text([NOTE])
    assert page.evaluate("globalThis.same"), "it was not loaded anew"
    assert execute(city, "select count(*) from alert_event where alert_id = %s and kind = 'comment'", number) == [(1,)]


def test_who_comes_second_is_told_who_was_first_and_keeps_the_note(desk: Open, city: City) -> None:
    number = city.raise_alert("冲突试验")
    one, other = opened(desk(), number), opened(desk(), number)
    other.fill(".actions .note", NOTE)
    # The second desk has not heard of it yet when it acts.
    other.route(
        "**/api/v1/alerts/*/refute",
        lambda route: (one.keyboard.press("c"), one.wait_for_timeout(700), route.continue_()),
    )
    other.locator(".actions .large .button").nth(1).click()

    expect(other.locator(".message.conflict")).to_contain_text("确认属实")
    expect(other.locator(".actions .note")).to_have_value(NOTE)
    expect(other.locator(".actions .button.primary")).to_contain_text("派单")
    kinds = execute(city, "select kind from alert_event where alert_id = %s order by id", number)
    assert kinds == [("raised",), ("confirm",)]


def test_a_page_that_is_opened_from_the_overview_has_its_map(desk: Open, city: City) -> None:
    number = city.raise_alert("地图试验")
    execute(city, "update alert set site_id = (select min(id) from site) where id = %s", number)
    page = desk().open("/")
    page.locator(".queue .row", has_text="地图试验").click()

    canvas = page.locator(".alert-map canvas").first
    expect(canvas).to_be_visible()
    box = canvas.bounding_box()
    assert box is not None
    assert box["height"] > 100


@pytest.fixture
def colleague(city: City) -> Iterator[str]:
    """Somebody else on duty."""
    execute(
        city,
        "with p as (insert into person (name, title, role, created_at, created_by) "
        "values ('wang.q', '王强', 'operator', now(), 'test') returning id) "
        "insert into duty (person_id, begun_at) select id, now() from p",
    )
    yield "wang.q"
    execute(city, "delete from person where name = 'wang.q'")


def test_an_alert_is_handed_over_and_watched(desk: Open, city: City, colleague: str) -> None:
    number = city.raise_alert("转交试验")
    one = desk()
    page = opened(one, number)
    page.keyboard.press("t")
    expect(page.locator("dialog .crew")).to_contain_text(["王强"])
    page.fill("dialog .field.wide", "交给你了")
    page.keyboard.press("Enter")
    expect(page.locator(".actions h2")).to_contain_text("王强 经办")
    expect(page.locator(".timeline")).to_contain_text("转交给 王强")
    expect(page.locator(".timeline q")).to_have_text(["交给你了"])

    page.locator("h1").first.click()
    page.keyboard.press("w")
    expect(page.locator(".actions .chip[aria-pressed=true]")).to_be_visible()
    watched = one.open("/alerts?hand=watched")
    expect(watched.locator(".list-body tbody tr")).to_have_count(1)
    expect(watched.locator(".list-body tbody tr")).to_contain_text("转交试验")


def test_the_way_ahead_has_its_deadlines(desk: Open, city: City) -> None:
    number = city.raise_alert("时限试验", 2)
    page = opened(desk(), number)
    expect(page.locator(".stepper li").nth(2)).to_contain_text("限 15 分")
    page.keyboard.press("c")
    expect(page.locator(".actions .button.primary")).to_contain_text("派单")
    page.keyboard.press("d")
    page.fill("dialog fieldset .field", "抢修一班")

    expect(page.locator("dialog footer")).to_contain_text("签收时限 15 分")


@pytest.fixture
def flooded(city: City) -> Iterator[list[int]]:
    """A flood: several blue alerts of one rule, and an orange one."""
    execute(city, "insert into flood (region_id, started_at) values ('150802', now())")
    yield [*(city.raise_alert(f"洪峰试验{index}", 4) for index in range(3)), city.raise_alert("洪峰橙色试验", 2)]
    execute(city, "delete from flood")


def test_in_a_flood_blue_alerts_of_a_rule_are_one_row_which_opens(desk: Open, flooded: list[int]) -> None:
    one = desk(1920, 1080)
    for path, rows in (("/", ".queue .row"), ("/alerts", ".list-body tbody tr")):
        page = one.open(path)
        fold = page.locator(f"{rows}[aria-expanded]")
        expect(fold).to_have_count(1)
        expect(fold).to_contain_text("条 ·")
        expect(page.locator(rows).filter(has_text="洪峰橙色试验")).to_have_count(1)
        expect(page.locator(rows).filter(has_text="洪峰试验1")).to_have_count(0)
        fold.click()
        expect(page.locator(rows).filter(has_text="洪峰试验1")).to_have_count(1)
        page.close()


def test_a_new_red_alert_is_spoken_at_once_and_its_lag_is_told(desk: Open, city: City) -> None:
    page = desk().open("/handover")
    expect(page.locator(".live:not(.off)")).to_be_visible()
    expect(page.locator("[aria-live=assertive]")).to_be_empty()
    page.wait_for_timeout(2500)
    city.raise_alert("播报试验")

    expect(page.locator("[aria-live=assertive]")).to_contain_text("播报试验")
    expect(page.locator(".foot")).to_contain_text("上屏延迟")


def test_an_administrator_changes_what_a_person_may_do(desk: Open, city: City, colleague: str) -> None:
    page = desk().open("/people")
    row = page.locator("tr", has_text=colleague)
    row.get_by_text("修改").click()
    page.locator("dialog select").nth(0).select_option("viewer")
    page.locator("dialog .button.primary").click()

    expect(row).to_contain_text("查看者")
    assert execute(city, "select role, regions from person where name = %s", colleague) == [("viewer", None)]
