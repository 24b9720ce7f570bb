"""What charts of domains, sites and devices compute, in a real browser: ticks, gaps, what is usual, broken limits."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from api.front import COCKPIT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--no-proxy-server"]
PATIENCE_S = 30.0
DAY_MS = 86_400_000

Evaluate = Callable[[str, str], Any]

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")


class _Quiet(SimpleHTTPRequestHandler):
    """The cockpit's files, and below /run a page that evaluates an expression with what a module exports."""

    expression = ""

    def do_GET(self) -> None:
        """A file, or the page."""
        if self.path != "/run":
            return super().do_GET()
        page = f"<!doctype html><pre></pre><script type=module>{self.expression}</script>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(page)
        return None

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def evaluate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evaluate]:
    """Evaluates an expression in which `m` is a module of the cockpit."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(COCKPIT)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    profile = tmp_path_factory.mktemp("profile")

    def run(module: str, expression: str) -> Any:
        _Quiet.expression = (
            f'import * as m from "/{module}"; document.querySelector("pre").textContent = JSON.stringify({expression});'
        )
        return json.loads(_dumped(f"http://127.0.0.1:{server.server_port}/run", profile))

    yield run
    server.shutdown()
    server.server_close()


def _dumped(address: str, profile: Path) -> str:
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", "--virtual-time-budget=5000", "--dump-dom", address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    found = re.search(r"<pre>(.+?)</pre>", done.stdout, re.DOTALL)
    assert found, f"The page computed nothing: {done.stdout[:500]} {done.stderr[-500:]}"
    return found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def test_ticks_are_round_and_hold_all_values(evaluate: Evaluate) -> None:
    found = evaluate("pages/domain/plot.js", "[m.ticks(0, 57), m.ticks(0.38, 0.58), m.ticks(-3, 2), m.ticks(5, 5)]")
    assert found[:3] == [[0, 20, 40, 60], [0.3, 0.4, 0.5, 0.6], [-4, -2, 0, 2]]
    assert found[3][0] <= 5 <= found[3][-1]
    assert len(found[3]) >= 2


def test_times_are_round_in_the_city_s_zone_and_midnight_is_told_as_a_day(evaluate: Evaluate) -> None:
    start = "2026-11-21T20:44:00+08:00"
    found = evaluate("pages/domain/plot.js", f'm.times(Date.parse("{start}"), Date.parse("{start}") + {DAY_MS})')
    assert [text for _, text in found] == ["11-22", "04:00", "08:00", "12:00", "16:00", "20:00"]


def test_a_line_is_broken_where_readings_lack_and_spans_stand_at_their_middle(evaluate: Evaluate) -> None:
    points = json.dumps([{"time": f"2026-11-22T0{hour}:00:00Z", "value": hour} for hour in (0, 1, 5)])
    found = evaluate("pages/domain/plot.js", f"m.broken({points}, 3600, 7200000)")
    assert [value for _, value in found] == [0, 1, None, 5]
    assert found[0][0] % 3_600_000 == 1_800_000


def test_usual_is_what_the_same_hours_of_seven_days_were_without_their_extremes(evaluate: Evaluate) -> None:
    hours = (
        "[...Array(7).keys()].map((day) => ({time: new Date((day + 1) * -86400000).toISOString(), "
        "low: day, high: day + 10}))"
    )
    assert evaluate("parts/usual.js", f"m.usual({hours}, 0, 3600000)[0]") == [
        0,
        pytest.approx(0.6),
        pytest.approx(15.4),
    ]
    assert evaluate("parts/usual.js", f"m.usual({hours}.slice(0, 2), 0, 3600000)") == []


def test_the_worst_limit_that_a_value_breaks_is_named_and_limits_of_some_places_are_not_judged(
    evaluate: Evaluate,
) -> None:
    limit = {"value": 0.2, "operator": "<", "severity": 3, "absolute": False, "where": None, "series_where": None}
    limits = [limit, limit | {"value": 0.14, "severity": 2}, limit | {"value": 9, "severity": 1, "where": "kind = 'x'"}]
    metric = json.dumps({"limits": limits})
    broken = f"[0.3, 0.2, 0.19, 0.1].map((value) => m.broken(value, {metric})?.severity ?? null)"
    assert evaluate("pages/domain/numbers.js", broken) == [None, None, 3, 2]


def test_a_deviation_is_held_against_its_limit_on_both_sides(evaluate: Evaluate) -> None:
    limit = {"value": 5, "operator": ">", "severity": 3, "absolute": True, "where": None, "series_where": None}
    metric = json.dumps({"limits": [limit]})
    assert evaluate("pages/domain/numbers.js", f"[-6, -4, 6].map((v) => Boolean(m.broken(v, {metric})))") == [
        True,
        False,
        True,
    ]


def test_the_address_says_which_window_of_history_is_shown(evaluate: Evaluate) -> None:
    windows = 'm.window({}, 864e5), m.window({span: "1h"}, 864e5), m.window({from: "10", to: "20", span: "1h"}, 864e5)'
    assert evaluate("parts/history.js", f"[{windows}, m.window({{from: '20', to: '10'}}, 864e5)]") == [
        {"from": 0, "to": DAY_MS, "span": "24h"},
        {"from": DAY_MS - 3_600_000, "to": DAY_MS, "span": "1h"},
        {"from": 10_000, "to": 20_000, "span": None},
        {"from": 0, "to": DAY_MS, "span": "24h"},
    ]


def test_each_text_is_there_in_both_languages(evaluate: Evaluate) -> None:
    keys = 'Object.entries(m.WORDS).map(([k, v]) => [k, typeof v === "string" ? [] : Object.keys(v).sort()])'
    zh, en = (dict(evaluate(f"words/{language}.js", keys)) for language in ("zh", "en"))
    assert zh == en
