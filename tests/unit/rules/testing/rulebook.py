"""Rules from YAML, with the catalogue of this repository and a heating season."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from citybrain.catalogue.load import load
from rules.grammar.load import build
from rules.grammar.vocabulary import vocabulary
from rules.model import Rule, RuleSet, Vocabulary

ROOT = Path(__file__).parents[4]
CALENDARS = {"heating": [{"from": "10-15", "to": "04-15"}], "night": {"hours": "02:00-04:00"}}
PLANS = {"inner-mongolia-city-quality-2025/leakage_rate": "%"}


@cache
def words() -> Vocabulary:
    return vocabulary(load(ROOT))


def rule_set(text: str) -> RuleSet:
    """The rules of a YAML list; BaseLoader leaves scalars as text."""
    return build(yaml.load(text, yaml.BaseLoader), CALENDARS, words(), PLANS)


def one_rule(text: str) -> tuple[Rule, RuleSet]:
    """A rule without its title, and the set that is it."""
    found = rule_set("- " + text.strip().replace("\n", "\n  ") + "\n  title: {zh: 测试, en: Test}")
    (rule,) = found.rules.values()
    return rule, found
