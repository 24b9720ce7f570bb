"""Query and absence rules give the transitions of the plain interpreter, on random rows and random voices."""

from __future__ import annotations

from collections import defaultdict
from random import Random

import pytest

from rules.model import Rule, RuleSet
from rules.testing.engine import engine
from rules.testing.history import Event, Heard, History, Rows, Thing
from rules.testing.notation import CITY
from rules.testing.run import CUTS, play
from rules.transition import Transition
from tests.unit.rules.testing.reference import Reference
from tests.unit.rules.testing.rulebook import one_rule

START_US = 1_767_542_400_000_000  # 2026-01-05 00:00 in the city
HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000


def by_subject(fired: list[Transition]) -> dict[str, list[tuple[object, ...]]]:
    found: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    for one in fired:
        found[one.subject].append((one.kind, one.severity, one.time_us, one.reason))
    return dict(found)


def assert_alike(rule: Rule, rule_set: RuleSet, history: History) -> int:
    expected = by_subject(play(Reference(rule_set, history), history, "whole"))
    for cut in (CUTS[0], CUTS[-1]):
        assert by_subject(play(engine(CITY)(rule_set, history), history, cut)) == expected
    return sum(len(found) for found in expected.values())


def query(random: Random) -> str:
    where, missing = random.choice([("", "keep"), ("", "clear"), ("where: n > 1", "keep")])
    for_ = random.choice(["0", "2 samples", "3 of 5 samples", "2h", "3h"])
    return f"""
rule: air.apart
query: SELECT series, value, near, n FROM rule_hour WHERE hour < :now
every: 1h
columns: {{value: ug/m3, near: ug/m3, n: number}}
{where}
missing: {missing}
gap: {random.choice(["2 intervals", "3 intervals", "10h"])}
raise: n >= 2 AND value - near > limit
clear: {random.choice(["value <= near", "value - near < limit - 5"])}
ladder:
  - {{severity: 4, for: {for_}, limit: {{value: 10, unit: ug/m3, source: platform default, confidence: S}}}}
  - {{severity: 2, limit: {{value: 20, unit: ug/m3, source: platform default, confidence: S}}}}
"""


def rows(random: Random) -> History:
    events: list[Event] = []
    for hour in range(60):
        told = {
            name: {
                "value": random.choice([None, 0.0, 8.0, 15.0, 15.0, 30.0, 30.0]),
                "near": random.choice([0.0, 0.0, 0.0, None, 12.0]),
                "n": float(random.choice([1, 2, 3, 3, 3])),
            }
            for name in ("A", "B", "C")
            if random.random() < 0.85
        }
        if random.random() < 0.95:
            events.append(Rows(START_US + hour * HOUR_US, told))
    return History(events=tuple(events))


@pytest.mark.parametrize("seed", range(12))
def test_rows_are_readings_of_their_subjects(seed: int) -> None:
    random = Random(seed)
    rule, rule_set = one_rule(query(random))
    assert assert_alike(rule, rule_set, rows(random))


def test_a_row_that_where_rejects_is_missing() -> None:
    rule, rule_set = one_rule("""
rule: air.apart
query: SELECT series, value, n FROM rule_hour WHERE hour < :now
every: 1h
columns: {value: ug/m3, n: number}
where: n > 1
missing: clear
raise: value > 10
severity: 4
""")
    events = (
        Rows(START_US, {"A": {"value": 30.0, "n": 3.0}}),
        Rows(START_US + HOUR_US, {"A": {"value": 30.0, "n": 1.0}}),
    )
    assert_alike(rule, rule_set, History(events=events))


def voices(random: Random) -> History:
    """Devices behind two gateways, each now and then away for a while; all is heard at whole minutes."""
    things = {"G0": Thing(MINUTE_US), "G1": Thing(2 * MINUTE_US), "alone": Thing(MINUTE_US)}
    things |= {f"D{n}": Thing(MINUTE_US * (1 + n % 2), f"G{n % 2}") for n in range(4)}
    last: dict[str, int] = {}
    away = dict.fromkeys(things, 0)
    events: list[Event] = []
    for minute in range(300):
        for name, thing in things.items():
            if random.random() < 0.02:
                away[name] = random.randrange(5, 40)
            away[name] = max(0, away[name] - 1)
            reached = thing.parent is None or not away[thing.parent]
            if minute == 0 or (not away[name] and reached and minute % (thing.interval_us // MINUTE_US) == 0):
                last[name] = START_US + minute * MINUTE_US
        events.append(Heard(START_US + minute * MINUTE_US, dict(last)))
    return History(events=tuple(events), things=things)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("of", ["device", "gateway"])
def test_silence_counts_only_while_the_parent_is_heard(seed: int, of: str) -> None:
    rule, rule_set = one_rule(f"rule: platform.gone\nsilent: {of}\nafter: 10m\nseverity: 4")
    assert assert_alike(rule, rule_set, voices(Random(seed)))
