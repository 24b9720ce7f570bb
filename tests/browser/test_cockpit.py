"""What an operator does at the cockpit, in a real browser on real servers."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from .conftest import City, Desk, eventually

Open = Callable[..., Desk]

TABS = 10  # more than the six connections that a browser opens to one server
PAGES = [
    "/",
    "/alerts",
    "/sites",
    "/domains/water",
    "/domains/heating",
    "/domains/air",
    "/domains/sentinel",
    "/plans",
    "/rules",
    "/rules/water.burst",
    "/quarantine",
    "/statistics",
    "/silences",
    "/platform",
    "/people",
    "/handover",
    "/no-such-page",
]


def test_signing_in_and_out(desk: Open, city: City) -> None:
    page = desk(signed_in=False).open("/alerts?sev=1")
    page.fill("input[name=name]", "admin")
    page.fill("input[name=password]", "wrong")
    page.click("button.primary")
    expect(page.locator("[role=alert]")).not_to_be_empty()
    page.fill("input[name=password]", city.password)
    page.click("button.primary")

    expect(page.locator("nav a[aria-current=page]")).to_contain_text("告警")
    assert "sev=1" in page.url, "what was asked for stands after signing in"


def test_an_alert_is_on_the_screen_within_a_second_of_its_commit_and_in_the_title(desk: Open, city: City) -> None:
    page = desk().open("/")
    expect(page.locator(".live:not(.off)")).to_be_visible()
    page.wait_for_timeout(1500)
    city.raise_alert("爆管试验一")

    expect(page.get_by_text("爆管试验一").first).to_be_visible(timeout=3000)
    assert page.title().startswith("◆")


def test_confirm_by_key_is_told_to_another_desk(desk: Open, city: City) -> None:
    number = city.raise_alert("爆管试验二")
    one, other = desk().open(f"/alerts/{number}"), desk().open(f"/alerts/{number}")
    expect(other.get_by_text("爆管试验二").first).to_be_visible()
    expect(one.get_by_text("爆管试验二").first).to_be_visible()
    one.wait_for_timeout(500)
    one.keyboard.press("c")

    expect(one.get_by_text("待派单").first).to_be_visible()
    expect(other.get_by_text("待派单").first).to_be_visible()


def test_the_language_is_switched_and_kept_with_the_page(desk: Open) -> None:
    page = desk().open("/alerts?sev=1,2")
    expect(page.locator("nav")).to_contain_text("总览")
    page.get_by_text("EN", exact=True).click()

    expect(page.locator("nav")).to_contain_text("Overview")
    assert "sev=1" in page.url
    page.reload()
    expect(page.locator("nav")).to_contain_text("Overview")


def test_many_tabs_are_live_at_once(desk: Open, city: City) -> None:
    one = desk()
    tabs = [one.open("/") for _ in range(TABS)]
    for tab in tabs:
        expect(tab.locator(".live:not(.off)")).to_be_visible()
    tabs[0].wait_for_timeout(1500)
    city.raise_alert("多标签试验")

    for tab in tabs:
        expect(tab.get_by_text("多标签试验").first).to_be_visible()
    eventually(lambda: streams(city) == 1)  # the tabs of a browser share it


def streams(city: City) -> int:
    """How many live streams the server tells."""
    told = httpx.get(f"{city.address}/metrics", trust_env=False).text
    return int(float(re.findall(r"^citybrain_http_streams (\S+)$", told, re.MULTILINE)[0]))


def test_an_open_page_survives_a_restart_of_the_server(desk: Open, city: City) -> None:
    page = desk().open("/")
    expect(page.locator(".live:not(.off)")).to_be_visible()
    page.evaluate("globalThis.same = true")
    city.kill()
    city.start()
    city.raise_alert("重启试验")

    expect(page.get_by_text("重启试验").first).to_be_visible()
    assert page.evaluate("globalThis.same"), "it was not loaded anew"


@pytest.mark.parametrize(("width", "height", "language"), [(1366, 641, "zh"), (1366, 641, "en"), (1920, 1080, "zh")])
def test_every_page_opens_fits_and_asks_nobody_else(desk: Open, width: int, height: int, language: str) -> None:
    one = desk(width, height, language)
    for path in PAGES:
        page = one.open(path)
        expect(page.locator("main#content")).not_to_be_empty()
        page.wait_for_load_state("networkidle") if path == "/no-such-page" else page.wait_for_timeout(800)
        assert overflow(page) == [], f"{path} at {width}x{height} in {language}"
        page.close()


def overflow(page: Page) -> list[str]:
    """What reaches beyond the window: a bar that wraps, or a page that scrolls sideways."""
    found = page.evaluate(
        """[...document.querySelectorAll('.top, .foot, main')].filter((one) => {
            const box = one.getBoundingClientRect();
            return box.right > innerWidth + 1 || box.bottom > innerHeight + 1 || one.scrollWidth > one.clientWidth + 1;
        }).map((one) => one.className)"""
    )
    return [str(name) for name in found if not re.search(r"\bfoot\b", str(name))]
