from __future__ import annotations

from collections.abc import Sequence

from rules.model import RuleSet
from rules.testing import report
from rules.testing.engine import engine
from rules.testing.history import Event, History
from rules.testing.notation import CITY
from rules.testing.run import by_subject, play, run
from rules.testing.session import StreamSession
from rules.transition import Transition
from tests.unit.rules.testing.reference import Reference
from tests.unit.rules.testing.rulebook import one_rule

LOW = """
rule: water.low
metric: pressure
raise: value < 0.2
for: 5m
severity: 3
"""
DIP = {"name": "a dip", "given": "0.3 0.1x8 0.3", "expect": ["00:06 raised 3", "00:09 cleared"]}


class Forgetful(Reference):
    """An engine that begins anew with each restart."""

    def restart(self) -> None:
        self.__init__(self.rule_set, self.history)  # type: ignore[misc]


class Hasty(Reference):
    """An engine that tells nothing of a batch but the last."""

    def judge(self, batch: Sequence[Event]) -> list[Transition]:
        return super().judge(batch)[-1:]


def test_all_cuts_must_agree() -> None:
    rule, rule_set = one_rule(LOW)
    assert run(rule, rule_set, DIP, engine(CITY)).passed
    forgetful = run(rule, rule_set, DIP, Forgetful)
    assert not forgetful.passed
    assert list(forgetful.apart) == ["restarted at every message"]
    hasty = run(rule, rule_set, {**DIP, "expect": ["00:09 cleared"]}, Hasty)
    assert not hasty.passed
    assert "message by message" in hasty.apart
    assert any("a mistake of the engine" in line for line in report.lines(hasty))


def test_a_mistake_in_a_test_is_its_result() -> None:
    rule, rule_set = one_rule(LOW)
    result = run(rule, rule_set, {"name": "wrong", "given": "0.3y", "expect": "none"}, engine(CITY))
    assert not result.passed
    assert list(report.lines(result)) == ["water.low: wrong", f"  {result.mistake}"]
    assert not run(rule, rule_set, "none", engine(CITY)).passed


def test_subjects_are_compared_apart() -> None:
    rule, rule_set = one_rule(LOW)
    given = {"A": {"value": "0.1x8"}, "B": {"value": "0.1x8"}}
    for first, second in (("A", "B"), ("B", "A")):
        expected = [f"00:05 {first} raised 3", f"00:05 {second} raised 3"]
        assert run(rule, rule_set, {"name": "both", "given": given, "expect": expected}, engine(CITY)).passed
    result = run(rule, rule_set, {"name": "one", "given": given, "expect": ["00:05 A raised 3"]}, engine(CITY))
    assert not result.passed
    assert set(by_subject(result.told(result.fired))) == {"A", "B"}


def test_a_whole_run_is_one_batch() -> None:
    rule, rule_set = one_rule(LOW)
    sizes = []

    class Counting(StreamSession):
        def judge(self, batch: Sequence[Event]) -> list[Transition]:
            sizes.append(len(batch))
            return super().judge(batch)

    def player(rules: RuleSet, history: History) -> Counting:
        session = engine(CITY)(rules, history)
        assert isinstance(session, StreamSession)
        return Counting(session.plan, session.facts)

    history = run(rule, rule_set, DIP, engine(CITY)).history
    play(player(rule_set, history), history, "whole")
    assert sizes == [10]
    play(player(rule_set, history), history, "message by message")
    assert sizes == [10] + [1] * 10
