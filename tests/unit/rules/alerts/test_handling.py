"""Every way from every state, who may go it, and what it asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.alerts.deadlines import NEXT, load
from rules.alerts.handling import STEPS, Action, Actor, Request, Role, act, allowed, beside
from rules.alerts.model import DONE, AlertError, Handling

from .rows import NOW, alert

LI = Actor("李雪梅")
CREW = Actor("王强", "crew", "一班")

# The table of docs/alerts.md, written out once more.
WAYS = {
    "new": {"confirm": "confirmed", "refute": "false", "close": "closed"},
    "confirmed": {"refute": "false", "dispatch": "dispatched", "close": "closed"},
    "false": {"reopen": "new"},
    "dispatched": {"reassign": "dispatched", "accept": "accepted", "return": "returned"},
    "accepted": {"reassign": "dispatched", "start": "handling", "return": "returned"},
    "handling": {"reassign": "dispatched", "feed_back": "fed_back", "return": "returned"},
    "fed_back": {"close": "closed", "return": "returned"},
    "returned": {"dispatch": "dispatched", "reassign": "dispatched", "start": "handling", "close": "closed"},
    "closed": {"reopen": "new"},
}


@pytest.mark.parametrize("handling", get_args(Handling))
@pytest.mark.parametrize("action", get_args(Action))
def test_every_way_from_every_state(handling: Handling, action: Action) -> None:
    before = alert(handling=handling, crew="二班")
    request = Request(action, LI, note="说明", crew="一班", operator="wang")
    if action == "comment":
        assert act(before, request, load(), NOW)[0] == before
    elif action == "assign" and handling not in DONE:
        changed, event = act(before, request, load(), NOW)
        assert changed == replace(before, operator="wang", revision=1), "who has it in hand, and nothing else"
        assert (event.operator, event.crew, event.handling) == ("wang", None, None)
    elif action in WAYS[handling]:
        changed, event = act(before, request, load(), NOW)
        assert changed.handling == event.handling == WAYS[handling][action]
        assert changed.revision == 1
        assert (changed.due_at is None) == (changed.handling in DONE)
    else:
        with pytest.raises(AlertError, match=f"Alert 1 is {handling}: {action} is not possible"):
            act(before, request, load(), NOW)


@pytest.mark.parametrize("action", get_args(Action))
def test_a_crew_does_its_own_steps_on_what_it_was_sent(action: Action) -> None:
    step = STEPS[action]
    mine = alert(handling=step.origins[0], crew="一班")
    request = Request(action, CREW, note="说明", crew="一班")
    if step.by_crew:
        act(mine, request, load(), NOW)
        with pytest.raises(AlertError, match="not sent to the crew 一班, but to 二班"):
            act(alert(handling=step.origins[0], crew="二班"), request, load(), NOW)
    else:
        with pytest.raises(AlertError, match="Only an operator"):
            act(mine, request, load(), NOW)


@pytest.mark.parametrize(
    ("action", "missing", "message"),
    [
        ("refute", "note", "say why"),
        ("close", "note", "say why"),
        ("return", "note", "say why"),
        ("feed_back", "note", "say why"),
        ("dispatch", "crew", "name the crew"),
        ("reassign", "crew", "name the crew"),
        ("confirm", "actor", "say who you are"),
    ],
)
def test_what_is_missing_is_named(action: Action, missing: str, message: str) -> None:
    given = {"actor": LI, "note": "说明", "crew": "一班", missing: Actor(" ") if missing == "actor" else " "}
    with pytest.raises(AlertError, match=message):
        act(alert(handling=STEPS[action].origins[0]), Request(action, **given), load(), NOW)  # type: ignore[arg-type]


@given(st.lists(st.sampled_from(get_args(Action)), max_size=30), st.sampled_from(get_args(Role)))
def test_whatever_is_allowed_is_possible_and_nothing_else(actions: list[Action], role: Role) -> None:
    actor = LI if role == "operator" else CREW
    now = alert(crew="一班")
    for action in actions:
        moving, beside_it = allowed(now.handling, role), beside(now.handling, role)
        try:
            changed, _ = act(now, Request(action, actor, note="说明", crew="一班", operator="wang"), load(), NOW)
        except AlertError:
            assert action not in (*moving, *beside_it)
            continue
        assert action in (*moving, *beside_it)
        assert changed.due_step == (NEXT.get(changed.handling) if action in moving else now.due_step)
        now = changed
