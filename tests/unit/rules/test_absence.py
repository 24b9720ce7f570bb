"""Silence counts only while what would have carried the voice is heard."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.catalogue.model import Text
from rules.absence import NOBODY, Member, Parent, Presence, carrying, due_us, judge
from rules.engine.directory import Series
from rules.model import Absence, Duration, Rule, Step

MINUTE_US = 60_000_000
SERIES = Series(7, "pressure", "water", "150802", "d1")
DEVICE = "150802/water/d1"
ALWAYS = Parent(0, 10**15, 0)


def rule(after: Duration, of: Literal["series", "device", "gateway"] = "device") -> Rule:
    return Rule("platform.silent", Text("失联", "Silent"), Absence(of, after), (Step(4, None),), subject=of)


def member(heard: float, interval: float = 1, parent: Parent = ALWAYS, subject: str = DEVICE) -> Member:
    """Times in minutes."""
    return Member(subject, round(heard * MINUTE_US), interval * MINUTE_US, parent, SERIES)


def parent(since: float, heard: float, interval: float = 1) -> Parent:
    """Times in minutes."""
    return Parent(round(since * MINUTE_US), round(heard * MINUTE_US), interval * MINUTE_US)


FIVE = rule(Duration(5 * MINUTE_US))


@pytest.mark.parametrize(
    ("after", "found", "due"),
    [
        (Duration(5 * MINUTE_US), member(10), 15),
        (Duration(intervals=5), member(10, interval=2), 20),
        # Never less than three intervals of the parent and one of its own.
        (Duration(1 * MINUTE_US), member(10, interval=2, parent=parent(0, 99, interval=4)), 24),
        # The parent itself came back at 40: each of its devices has its full time.
        (Duration(5 * MINUTE_US), member(10, parent=parent(40, 99)), 45),
    ],
)
def test_when_silence_is_due(after: Duration, found: Member, due: int) -> None:
    assert due_us(rule(after), found) == due * MINUTE_US


@pytest.mark.parametrize(
    ("now", "above", "raised"),
    [
        (14.99, ALWAYS, False),
        (15, ALWAYS, True),
        # Nobody knows what happened after the parent was heard last.
        (99, parent(0, 14.99), False),
        (99, parent(0, 15), True),
        (99, NOBODY, False),
    ],
)
def test_a_member_is_silent_only_as_far_as_its_parent_was_heard(now: float, above: Parent, *, raised: bool) -> None:
    found = judge(FIVE, 3, [member(10, parent=above)], {}, round(now * MINUTE_US))
    assert [(one.kind, one.time_us, one.version) for one in found] == [("raised", 15 * MINUTE_US, 3)] * raised


def test_what_is_known_to_be_silent_is_said_once_and_cleared_when_it_is_heard() -> None:
    silent = {DEVICE: 15 * MINUTE_US}
    assert judge(FIVE, 1, [member(10)], silent, 60 * MINUTE_US) == []
    [cleared] = judge(FIVE, 1, [member(59, parent=NOBODY)], silent, 60 * MINUTE_US)
    assert (cleared.kind, cleared.time_us, cleared.reason) == ("cleared", 59 * MINUTE_US, None)


def test_what_was_heard_before_it_counted_as_silent_and_stored_after_clears() -> None:
    [cleared] = judge(FIVE, 1, [member(14.9)], {DEVICE: 15 * MINUTE_US}, 16 * MINUTE_US)
    assert cleared.time_us == 15 * MINUTE_US


def test_what_nobody_listens_for_any_more_has_left() -> None:
    [cleared] = judge(FIVE, 1, [], {DEVICE: 15 * MINUTE_US}, 60 * MINUTE_US)
    assert (cleared.kind, cleared.time_us, cleared.reason) == ("cleared", 60 * MINUTE_US, "subject left")


def test_old_news_is_marked_and_only_a_series_has_a_number() -> None:
    [news] = judge(FIVE, 1, [member(10)], {}, 20 * MINUTE_US)
    [old] = judge(FIVE, 1, [member(10)], {}, 40 * MINUTE_US)
    assert (news.past, old.past) == (False, True)
    assert news.series is None
    subject = SERIES.subject("series")
    [of_series] = judge(rule(Duration(5 * MINUTE_US), "series"), 1, [member(10, subject=subject)], {}, 40 * MINUTE_US)
    assert of_series.series == SERIES.id


def test_a_run_of_the_parent_ends_with_a_pause_of_more_than_three_intervals() -> None:
    presence = Presence()
    heard = [0, 1, 4, 7, 7, 10.1, 11]
    since = [presence.hear("g", round(at * MINUTE_US), MINUTE_US).since_us / MINUTE_US for at in heard]
    assert since == [0, 0, 0, 0, 0, 10.1, 10.1]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.lists(st.booleans(), min_size=60, max_size=60))
def test_raised_and_cleared_alternate_however_often_one_looks(steps: list[int], says: list[bool]) -> None:
    """A device under a collector that is always there: an alert is raised exactly after five minutes of silence."""
    now = heard = 0
    raised: dict[str, int] = {}
    for step, is_heard in zip(steps, says, strict=False):
        now += step * MINUTE_US
        heard = now if is_heard else heard
        above = Parent(0, now, 0)
        for _ in range(2):
            found = judge(FIVE, 1, [Member(DEVICE, heard, MINUTE_US, above, SERIES)], raised, now)
            for one in found:
                if one.kind == "raised":
                    raised[one.subject] = one.time_us
                else:
                    del raised[one.subject]
        assert (DEVICE in raised) == (now - heard >= 5 * MINUTE_US)


def test_a_gateway_is_heard_with_whatever_it_carries() -> None:
    def one(name: str, heard_us: int, interval_us: float, gateway: str | None) -> Member:
        series = Series(0, "", "heating", "150802", name, None, gateway)
        return Member(f"150802/heating/{name}", heard_us, interval_us, ALWAYS, series)

    members = one("c1", 10, 1, None), one("d1", 30, 900, "c1"), one("d2", 20, 600, "c1"), one("x", 99, 5, None)
    found = carrying({member.subject: member for member in members}, {"150802/heating/c1"})

    assert {subject: (member.heard_us, member.interval_us) for subject, member in found.items()} == {
        "150802/heating/c1": (30, 600)
    }
