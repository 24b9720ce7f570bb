"""What transitions make of alerts: laws, by random histories of an engine that keeps its word."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from citybrain.catalogue.model import Text
from rules.alerts.condition import Changes, fold
from rules.alerts.model import DONE, Alert
from rules.alerts.provenance import Background
from rules.model import Rule, Step, Stream
from rules.transition import Kind, Transition

from .rows import NOW

RULES = {
    name: Rule(name, Text("末梢", "end"), Stream(("pressure",)), (Step(3, None),), mode=mode)  # type: ignore[arg-type]
    for name, mode in (("water.live", "live"), ("water.trial", "shadow"))
}
BACKGROUND = Background(RULES, {}, ZoneInfo("Asia/Shanghai"))
US = round(NOW.timestamp() * 1_000_000)


@st.composite
def histories(draw: st.DrawFn) -> list[Transition]:
    """Transitions as an engine gives them: raised, then changes of severity, then cleared, and so on."""
    severities: dict[tuple[str, str], int] = {}
    found = []
    for time_us in range(US, US + draw(st.integers(0, 40))):
        key = draw(st.sampled_from(list(RULES))), draw(st.sampled_from(["S1", "S2"]))
        before = severities.get(key)
        kind: Kind
        if before is None:
            kind, severity = "raised", draw(st.integers(1, 4))
        elif draw(st.booleans()):
            kind, severity = "cleared", before
        else:
            severity = draw(st.integers(1, 4).filter(lambda s, before=before: s != before))  # type: ignore[misc]
            kind = "escalated" if severity < before else "downgraded"
        found.append(Transition(key[0], 1, key[1], "text", kind, time_us, severity, before))
        severities[key] = severity
        if kind == "cleared":
            del severities[key]
    return found


def folded(parts: list[list[Transition]]) -> tuple[dict[int, Alert], list[Any]]:
    """The alerts and events of a history, by one call a part."""
    numbers = itertools.count(1)
    store: dict[int, Alert] = {}
    events: list[Any] = []
    for part in parts:
        standing = [a for a in store.values() if a.raised or (a.mode == "live" and a.handling not in DONE)]
        changes: Changes = fold(standing, part, BACKGROUND, numbers, NOW)
        assert not store.keys() & changes.new.keys()
        assert changes.changed.keys() <= store.keys()
        store |= changes.new | changes.changed
        events += changes.events
    return store, events


@given(histories(), st.lists(st.integers(0, 40)))
def test_cuts_make_no_difference(history: list[Transition], cuts: list[int]) -> None:
    borders = [0, *sorted(cuts), len(history)]
    parts = [history[a:b] for a, b in itertools.pairwise(borders)]
    assert folded(parts) == folded([history])


@given(histories())
def test_one_open_alert_a_rule_and_subject_as_the_engine_has_it(history: list[Transition]) -> None:
    store, events = folded([history])
    raised: dict[tuple[str, str], int] = {}
    for t in history:
        if t.kind == "cleared":
            del raised[t.rule, t.subject]
        else:
            raised[t.rule, t.subject] = t.severity
    assert {a.key: a.severity for a in store.values() if a.raised} == raised
    assert len([a for a in store.values() if a.raised]) == len(raised)
    assert len(events) == len(history)
    for rule, live in (("water.live", True), ("water.trial", False)):
        alerts = [a for a in store.values() if a.rule == rule]
        raises = [t for t in history if t.rule == rule and t.kind == "raised"]
        # Nobody judged anything: what is raised again reopens. On trial, each raise is an alert.
        assert len(alerts) == (len({t.subject for t in raises}) if live else len(raises))
        assert sum(a.reopened for a in alerts) == len(raises) - len(alerts)


@given(histories())
def test_worst_is_the_most_severe_of_all_events(history: list[Transition]) -> None:
    store, events = folded([history])
    for alert in store.values():
        own = [event for event in events if event.alert_id == alert.id]
        assert alert.worst == min(event.severity for event in own)
        assert alert.last_time == own[-1].event_time
        assert alert.last_time >= NOW - timedelta(seconds=1)
