"""What the clock does after a long silence: timers and the end of a season, each at its own time."""

from __future__ import annotations

import pytest

from rules.testing.engine import engine
from rules.testing.notation import CITY
from rules.testing.run import run
from tests.unit.rules.testing.rulebook import one_rule

STOPPED = """
rule: heating.stopped
metric: pump_running
season: heating
raise: NOT value
for: 5m
severity: 3
"""


@pytest.mark.parametrize(
    ("until", "expect"),
    [
        ("04-16 23:00", ["23:06 raised 3"]),
        ("04-17 01:00", ["23:06 raised 3", "04-16 00:00 cleared (out of season)"]),
    ],
)
def test_a_timer_and_the_end_of_the_season_in_one_tick_both_count(until: str, expect: list[str]) -> None:
    rule, rule_set = one_rule(STOPPED)
    test = {"name": "stopped", "start": "2026-04-15 23:00", "given": "on @23:01 off", "until": until, "expect": expect}
    assert run(rule, rule_set, test, engine(CITY), CITY).passed


def test_a_timer_that_would_run_out_after_the_season_does_not() -> None:
    rule, rule_set = one_rule(STOPPED)
    test = {
        "name": "late",
        "start": "2026-04-15 23:50",
        "given": "on @23:58 off",
        "until": "04-17 01:00",
        "expect": "none",
    }
    assert run(rule, rule_set, test, engine(CITY), CITY).passed
