"""Takes pictures of the cockpit's pages for the documentation: `make screenshots`, while a platform runs.

Environment: `CITYBRAIN_ADDRESS` (default http://127.0.0.1:8000), `CITYBRAIN_NAME` (default admin) and
`CITYBRAIN_PASSWORD` of who signs in. Names of pictures as arguments: only these.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.sync_api import Browser, BrowserContext, sync_playwright

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
PATIENCE_MS = 30_000
SETTLE_MS = 4_000  # until charts and the map are drawn


class Picture(NamedTuple):
    """A page as somebody sees it."""

    name: str
    path: str
    size: tuple[int, int] = (1366, 768)
    theme: Literal["light", "dark"] = "light"
    language: Literal["zh", "en"] = "zh"


def pictures(alert: int | None, indicator: str | None) -> list[Picture]:
    """All of them; `alert` is the one to show, `indicator` likewise, as its plan and name; null: there is none."""
    found = [
        Picture("overview", "/"),
        Picture("overview-dark", "/", theme="dark"),
        Picture("overview-english", "/", language="en"),
        Picture("alerts", "/alerts"),
        *(Picture(f"domain-{domain}", f"/domains/{domain}") for domain in ("water", "heating", "air", "sentinel")),
        Picture("sites", "/sites"),
        Picture("rules", "/rules"),
        Picture("rule", "/rules/water.burst"),
        Picture("handover", "/handover"),
        Picture("statistics", "/statistics"),
        Picture("wall", "/wall", (1920, 1080)),
    ]
    if alert is not None:
        found.append(Picture("alert", f"/alerts/{alert}"))
        found.append(Picture("alert-phone", f"/alerts/{alert}", (390, 844)))
    if indicator is not None:
        found.append(Picture("plan", f"/plans/{indicator}"))
    return found


def main(names: list[str]) -> None:
    """Take them."""
    address = os.environ.get("CITYBRAIN_ADDRESS", "http://127.0.0.1:8000").rstrip("/")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--no-proxy-server"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        signed_in = _sign_in(browser, address)
        for picture in pictures(_first_alert(signed_in, address), _first_indicator(signed_in, address)):
            if not names or picture.name in names:
                _take(browser, signed_in, address, picture)
        browser.close()


def _sign_in(browser: Browser, address: str) -> BrowserContext:
    context = browser.new_context()
    person = {"name": os.environ.get("CITYBRAIN_NAME", "admin"), "password": os.environ["CITYBRAIN_PASSWORD"]}
    answer = context.request.post(f"{address}/api/v1/session", data=person, headers={"Origin": address})
    if not answer.ok:
        raise SystemExit(f"{address} does not let {person['name']} in: {answer.text()}")
    return context


def _first_alert(context: BrowserContext, address: str) -> int | None:
    items = context.request.get(f"{address}/api/v1/alerts?open=true&limit=500").json()["items"]
    worst = sorted(items, key=lambda alert: (alert["severity"], not alert["values"], alert["id"]))
    return int(worst[0]["id"]) if worst else None


def _first_indicator(context: BrowserContext, address: str) -> str | None:
    items = context.request.get(f"{address}/api/v1/indicators?limit=500").json()["items"]
    full = [item for item in items if item["actual"] is not None and item["target"] is not None]
    return str((full or items)[0]["indicator"]) if items else None


def _take(browser: Browser, signed_in: BrowserContext, address: str, picture: Picture) -> None:
    width, height = picture.size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=picture.theme,
        reduced_motion="reduce",  # what blinks is seen
        storage_state=signed_in.storage_state(),
    )
    context.add_init_script(f"localStorage.setItem('citybrain.language', '{picture.language}')")
    page = context.new_page()
    page.on("pageerror", lambda error: print(f"{picture.name}: {error}", file=sys.stderr))
    page.goto(address + picture.path)
    page.locator("main#content > *").first.wait_for(state="attached", timeout=PATIENCE_MS)
    page.wait_for_timeout(SETTLE_MS)
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{picture.name}.png")
    context.close()
    print(picture.name)


if __name__ == "__main__":
    main(sys.argv[1:])
