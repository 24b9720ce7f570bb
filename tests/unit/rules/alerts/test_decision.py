"""Whether an alert is announced: laws that hold whatever happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.catalogue.model import Text
from rules.alerts.decision import Context, Inhibitor, decide, inhibitions, is_flood
from rules.alerts.model import Handling
from rules.model import Inhibition, Rule, Step, Stream

from .rows import NOW, alert

SECOND = timedelta(seconds=1)
SILENT = Inhibition(("water.*",), hold_us=30_000_000, release_us=600_000_000)

alerts = st.builds(
    alert,
    severity=st.integers(1, 4),
    condition=st.sampled_from(["raised", "cleared"]),
    past=st.booleans(),
    reopened=st.integers(0, 2),
    handling=st.sampled_from(get_args(Handling)),
    missed_step=st.sampled_from([None, "judge", "dispatch"]),
    told_step=st.sampled_from([None, "judge", "dispatch"]),
    told_severity=st.none() | st.integers(1, 4),
    told_at=st.none() | st.just(NOW - 60 * SECOND),
)
contexts = st.builds(
    Context,
    shelved_until=st.none() | st.just(NOW + 60 * SECOND),
    maintained_until=st.none() | st.just(NOW + 90 * SECOND),
    hold_us=st.sampled_from([0, 30_000_000]),
    inhibitors=st.lists(
        st.builds(Inhibitor, st.integers(2, 9), st.just(SILENT), st.none() | st.just(NOW + 5 * SECOND)), max_size=2
    ),
)


@given(alerts, contexts, st.integers(0, 900))
def test_what_was_told_is_not_told_again(alert: Any, context: Context, seconds: int) -> None:
    decision = decide(alert, context, NOW + seconds * SECOND)
    if decision.tell is None:
        return
    assert decision.reason is None
    told = alert.severity if alert.condition == "raised" else None
    after = replace(alert, told_severity=told, told_step=alert.missed_step, told_at=NOW)
    assert decide(after, context, NOW + seconds * SECOND).tell is None


@given(alerts, contexts)
def test_what_waits_is_told_in_the_end_or_says_what_it_waits_for(alert: Any, context: Context) -> None:
    decision = decide(alert, context, NOW)
    if decision.again is None:
        assert decision.tell or decision.why in (None, "past", "false", "brief")
        return
    assert decision.again > NOW
    over = Context(hold_us=context.hold_us)
    assert decide(alert, over, NOW + timedelta(hours=1)).tell is not None


@given(alerts)
def test_nothing_that_is_over_is_raised(alert: Any) -> None:
    tell = decide(alert, Context(), NOW).tell
    if alert.condition == "cleared":
        assert tell in (None, "cleared", "deadline")
    if alert.handling in ("false", "closed") and alert.condition == "raised":
        assert tell is None


@pytest.mark.parametrize(
    ("columns", "tell"),
    [
        ({}, "raised"),
        ({"reopened": 1}, "raised"),
        ({"reopened": 1, "told_at": NOW - 601 * SECOND}, "reopened"),
        ({"told_severity": 4}, "escalated"),
        ({"told_severity": 2}, "downgraded"),
        ({"told_severity": 3}, None),
        ({"told_severity": 3, "missed_step": "judge"}, "deadline"),
        ({"told_severity": 3, "missed_step": "judge", "told_step": "judge"}, None),
        ({"told_severity": 3, "condition": "cleared"}, "cleared"),
        ({"condition": "cleared"}, None),
    ],
)
def test_what_people_have_not_been_told(columns: dict[str, Any], tell: str | None) -> None:
    assert decide(alert(**columns), Context(), NOW).tell == tell


def test_one_that_ended_before_has_nothing_to_do_with_it() -> None:
    before = Context(inhibitors=[Inhibitor(2, SILENT, NOW - SECOND)])
    after = Context(inhibitors=[Inhibitor(2, SILENT, NOW + SECOND)])
    assert decide(alert(), before, NOW).tell == "raised"
    assert decide(alert(), after, NOW + 2 * SECOND).reason == "release 2"


@given(st.lists(st.integers(0, 20), min_size=1, max_size=50))
def test_a_flood_has_hysteresis(counts: list[int]) -> None:
    flooded = False
    for count in counts:
        before, flooded = flooded, is_flood(flooded, count)
        assert flooded == (True if count > 10 else False if count < 5 else before)


def test_who_inhibits_whom() -> None:
    def rule(name: str, patterns: tuple[str, ...] = (), mode: Any = "live") -> Rule:
        inhibits = Inhibition(patterns) if patterns else None
        return Rule(name, Text("", ""), Stream(("m",)), (Step(3, None),), inhibits=inhibits, mode=mode)

    rules = {
        r.name: r
        for r in (
            rule("water.burst", ("water.*",)),
            rule("water.trial", ("*",), "shadow"),
            rule("platform.gateway_silent", ("*",)),
            rule("water.end"),
        )
    }
    assert set(inhibitions(rules, "water.end")) == {"water.burst", "platform.gateway_silent"}
    assert set(inhibitions(rules, "water.burst")) == {"platform.gateway_silent"}
