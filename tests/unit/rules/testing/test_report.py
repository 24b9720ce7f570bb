from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rules.choice import NoSuchRule
from rules.testing import report
from rules.testing.engine import engine
from rules.testing.notation import CITY
from rules.testing.run import run
from tests.unit.rules.testing.rulebook import ROOT, one_rule

LOW = """
rule: water.low
metric: pressure
raise: value < 0.2
severity: 3
"""
RULES = """
- rule: water.low
  title: {zh: 低, en: Low}
  metric: pressure
  raise: value < 0.2
  severity: 3
  tests:
    - {name: right, given: 0.3 0.1 0.3, expect: [00:01 raised 3, 00:02 cleared]}
- rule: water.high
  title: {zh: 高, en: High}
  metric: pressure
  raise: value > 1
  severity: 3
  tests:
    - {name: wrong, given: 0.3 2, expect: none}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("domains/water", "regions"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for rules in (tmp_path / "domains").glob("*/rules*"):
        rules.unlink()
    (tmp_path / "domains/water/rules.yaml").write_text(RULES, encoding="utf-8")
    return tmp_path


def test_a_test_that_failed_shows_what_fired_beside_what_was_expected() -> None:
    rule, rule_set = one_rule(LOW)
    expected = ["00:01 A raised 3", "00:02 A cleared", "00:02 B raised 3"]
    given = {"A": {"value": "0.3 0.1x2 0.3"}, "B": {"value": "0.3 0.3 0.1"}}
    result = run(rule, rule_set, {"name": "n", "given": given, "expect": expected}, engine(CITY))
    assert list(report.lines(result)) == [
        "water.low: n",
        "    00:01 A raised 3",
        "  - 00:02 A cleared   expected, did not fire",
        "    00:02 B raised 3",
        "  + 00:03 A cleared   fired, not expected",
    ]


def test_a_test_that_passed_says_nothing() -> None:
    rule, rule_set = one_rule(LOW)
    result = run(rule, rule_set, {"name": "n", "given": "0.3", "expect": "none"}, engine(CITY))
    assert list(report.lines(result)) == []


def test_the_command_ends_with_1_where_a_test_fails(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        report.test_command(root, None, CITY)
    assert ended.value.code == 1
    printed = capsys.readouterr().out
    assert "water.high: wrong\n  + 00:01 raised 3   fired, not expected\n" in printed
    assert "water.high: the rule is never cleared" in printed
    assert printed.endswith("2 rules, 2 tests, 1 failed; not covered: 1.\n")


@pytest.mark.parametrize("chosen", ["water.low", "water.l*", "domains/water/rules.yaml"])
def test_one_rule_or_file_can_be_chosen(root: Path, capsys: pytest.CaptureFixture[str], chosen: str) -> None:
    if chosen.endswith(".yaml"):
        with pytest.raises(SystemExit):
            report.test_command(root, str(root / chosen), CITY)
        return
    report.test_command(root, chosen, CITY)
    assert capsys.readouterr().out == "1 rule, 1 test, 0 failed; not covered: 0.\n"


def test_what_is_no_rule_is_said(root: Path) -> None:
    with pytest.raises(NoSuchRule, match=r"water\.lo; did you mean"):
        report.test_command(root, "water.lo", CITY)
