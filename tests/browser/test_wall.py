"""The large screen in a real browser: nobody touches it, so it must mend itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import City, Desk

Open = Callable[..., Desk]

TROUBLED = "150802"  # where the city's alerts are raised
CALM = "150822"
TURN_MS = 15_000  # a page stays for 5 seconds; a busy machine takes its time
LOST_MS = 45_000  # the stream is taken for lost after 30 seconds
SHARES = """[...document.querySelectorAll('.wall > *')].map((one) => {
    const box = one.getBoundingClientRect();
    return [box.left, box.top, box.right, box.bottom].map((edge) => edge / innerWidth);
})"""
CUT = """[...document.querySelectorAll('.wall-list .alert')].filter((one) => {
    const [box, room] = [one, one.parentElement].map((part) => part.getBoundingClientRect());
    return box.left < room.right && box.bottom > room.bottom + 1;
}).length"""


def wall(desk: Desk, query: str = "") -> Page:
    page = desk.open(f"/wall{query}")
    expect(page.locator(".wall-head .clock")).not_to_be_empty()
    return page


def test_both_sizes_show_the_same_picture_without_scrolling_and_no_row_is_cut(desk: Open, city: City) -> None:
    for number in range(12):
        city.raise_alert(f"大屏试验{number}", severity=2)
    found = []
    for width, height in ((1920, 1080), (3840, 2160)):
        page = wall(desk(width, height), "?pages=overview")
        expect(page.locator(".wall-list .alert").first).to_be_visible()
        expect(page.locator(".wall-map canvas").first).to_be_attached()
        assert page.evaluate("[document.body.scrollHeight, document.body.scrollWidth]") == [height, width]
        assert page.evaluate(CUT) == 0
        found.append(page.evaluate(SHARES))
    for small, large in zip(*found, strict=True):
        assert small == pytest.approx(large, abs=0.002)


def test_pages_turn_by_themselves(desk: Open) -> None:
    page = wall(desk(1920, 1080), f"?pages=overview,water&every=5&region={CALM}")
    expect(page.locator(".wall-figures .vital").first).to_be_visible(timeout=TURN_MS)
    expect(page.locator(".pages [aria-current]")).to_have_text("供水")
    expect(page.locator(".wall-map")).to_be_visible(timeout=TURN_MS)
    expect(page.locator(".pages [aria-current]")).to_have_text("总览")


def test_an_unjudged_red_alert_brings_back_the_overview_and_stops_there(desk: Open, city: City) -> None:
    city.raise_alert("大屏红色试验")
    page = wall(desk(1920, 1080), f"?pages=water,overview&every=5&region={TROUBLED}")
    expect(page.locator(".comes")).to_contain_text("停在总览")
    expect(page.locator(".wall-list")).to_contain_text("大屏红色试验")
    page.wait_for_timeout(7000)
    expect(page.locator(".wall-map")).to_be_visible()


def test_escape_and_a_click_leave(desk: Open) -> None:
    page = wall(desk(1920, 1080))
    page.keyboard.press("Escape")
    expect(page.locator(".overview")).to_be_visible()
    page.goto(f"{page.url.rstrip('/')}/wall")
    page.locator(".wall-head").click()
    expect(page.locator(".overview")).to_be_visible()
    assert page.evaluate("document.documentElement.dataset.theme") != "wall"


def test_other_files_at_the_server_are_loaded_at_once(desk: Open) -> None:
    page = wall(desk(1920, 1080))
    app = page.evaluate("document.querySelector('script[type=module]').src")
    module = app.replace("app.js", "pages/wall/release.js")
    page.evaluate("globalThis.same = true")
    renew = f"import('{module}').then((release) => release.renew())"
    page.evaluate(renew)
    page.wait_for_timeout(500)
    assert page.evaluate("globalThis.same"), "the same files are no reason"

    shell = '<script type="module" src="/assets/other/app.js"></script>'
    page.route("**/wall", lambda route: route.fulfill(body=shell, content_type="text/html"), times=1)
    with page.expect_navigation():
        page.evaluate(renew)
    expect(page.locator(".wall-head .clock")).not_to_be_empty()
    assert page.evaluate("globalThis.same ?? null") is None


def test_without_a_server_the_picture_stays_with_its_age_and_goes_on_afterwards(desk: Open, city: City) -> None:
    page = wall(desk(1920, 1080))
    expect(page.locator(".wall-cards article").first).to_be_visible()
    expect(page.locator(".comes")).to_contain_text("实时")
    page.evaluate("globalThis.same = true")
    city.kill()
    try:
        expect(page.locator(".comes")).to_contain_text("连接中断，显示", timeout=LOST_MS)
        expect(page.locator(".wall-cards article").first).to_be_visible()
    finally:
        city.start()
    expect(page.locator(".comes")).to_contain_text("实时", timeout=LOST_MS)
    assert page.evaluate("globalThis.same")
