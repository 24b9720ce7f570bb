"""Texts that people send as rules."""

from __future__ import annotations

import pytest

from citybrain.catalogue.load import load
from citybrain.catalogue.model import Catalogue
from citybrain.settings import PROJECT
from rules.trial.draft import Basis, check

RULE = """\
- rule: water.trial
  title: {zh: 试, en: Trial}
  metric: pressure
  raise: value < limit
  for: 5m
  severity: 3
  limit: {value: 0.2, unit: MPa, source: platform default, confidence: S}
"""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load(PROJECT)


def test_a_text_without_mistakes_names_its_rules(catalogue: Catalogue) -> None:
    found = check(Basis(catalogue, None), RULE)
    assert (found.problems, found.rules) == ([], ["water.trial"])


def test_a_doubt_is_no_mistake(catalogue: Catalogue) -> None:
    found = check(Basis(catalogue, None), RULE.replace("for: 5m", "for: 10s"))
    assert found.rules == ["water.trial"]
    assert found.warnings


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\nb: *a",
        "&a [*a, *a]",
        "[" * 50_000,
        "- " * 50_000,
        "- rule: \x00",
        "",
        "42",
        "- rule: water.x\n" * 2,
        RULE.replace("severity: 3", "severity: 3\n  inhibits: {rules: ['nothing.*']}"),
        "!!python/object/apply:os.system ['true']",
        "--- a\n--- b",
        RULE * 2,
        """
- rule: water.trial
  title: {zh: 试, en: Trial}
  every: 5m
  query: select U&"\\0073et_config"('role', 'none', false) as value, series from rule_series
  subject: series
  columns: {value: number}
  raise: value > 1
  severity: 3
""",
    ],
)
def test_what_is_no_rule_is_a_problem(catalogue: Catalogue, text: str) -> None:
    found = check(Basis(catalogue, None), text)
    assert found.problems
    assert found.rules == []
