"""The worked examples of the grammar say what the engine does, and what the reference interpreter does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rules.testing import report
from rules.testing.coverage import gaps
from rules.testing.engine import engine
from rules.testing.notation import CITY
from rules.testing.run import Engine, run
from tests.unit.rules.testing.reference import Reference
from tests.unit.rules.testing.rulebook import rule_set

EXAMPLES = rule_set(Path(__file__).with_name("examples.yaml").read_text(encoding="utf-8"))
CASES = [(rule.name, test) for rule in EXAMPLES.rules.values() for test in report.tests_of(rule)]


@pytest.mark.parametrize("player", [engine(CITY), Reference], ids=["engine", "reference"])
@pytest.mark.parametrize(("name", "test"), CASES, ids=[f"{name}: {test['name']}" for name, test in CASES])
def test_an_example_fires_as_it_says(name: str, test: Any, player: Engine) -> None:
    result = run(EXAMPLES.rules[name], EXAMPLES, test, player)
    assert result.passed, "\n".join(report.lines(result))


@pytest.mark.parametrize("name", EXAMPLES.rules)
def test_an_example_with_another_expectation_fails(name: str) -> None:
    rule = EXAMPLES.rules[name]
    for test in report.tests_of(rule):
        wrong = ["10:00 raised 1"] if test["expect"] == "none" else test["expect"][:-1] or "none"
        assert not run(rule, EXAMPLES, {**test, "expect": wrong}, engine(CITY)).passed


def test_what_no_example_shows_is_named() -> None:
    found = {}
    for rule in EXAMPLES.rules.values():
        results = [run(rule, EXAMPLES, test, engine(CITY)) for test in report.tests_of(rule)]
        found[rule.name] = gaps(rule, EXAMPLES, results, engine(CITY))
    assert {name: missing for name, missing in found.items() if missing} == {
        "air.class2_day": ["the rule is never cleared"],
        "heating.indoor_low": ["the rule is never cleared"],
        "platform.device_silent": ["the rule is never cleared"],
    }
