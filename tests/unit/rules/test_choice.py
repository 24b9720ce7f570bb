"""Rules by name, by pattern and by file."""

from __future__ import annotations

from pathlib import Path

import pytest

from citybrain.catalogue.load import load as load_catalogue
from citybrain.settings import PROJECT
from rules.choice import NoSuchRule, pick
from rules.grammar.load import load
from rules.model import RuleSet
from rules.plans.load import indicators
from rules.plans.load import load as load_plans


@pytest.fixture(scope="module")
def shipped() -> RuleSet:
    catalogue = load_catalogue(PROJECT)
    return load(
        PROJECT, catalogue, {name: one.unit for name, one in indicators(load_plans(PROJECT, catalogue)).items()}
    ).rules


def test_rules_are_picked_by_name_pattern_and_file(shipped: RuleSet) -> None:
    assert [rule.name for rule in pick(shipped, "water.burst", PROJECT)] == ["water.burst"]
    water = {name for name in shipped.rules if name.startswith("water.")}
    assert {rule.name for rule in pick(shipped, "water.*", PROJECT)} == water
    assert {rule.name for rule in pick(shipped, str(PROJECT / "domains/water/rules.yaml"), PROJECT)} == water
    assert len(pick(shipped, None, PROJECT)) == len(shipped.rules)


def test_an_unknown_rule_or_file_is_said(shipped: RuleSet, tmp_path: Path) -> None:
    with pytest.raises(NoSuchRule, match=r"did you mean water\.burst\?$"):
        pick(shipped, "water.brust", PROJECT)
    with pytest.raises(NoSuchRule, match=r"No rule is called nothing\.like\.it\.$"):
        pick(shipped, "nothing.like.it", PROJECT)
    with pytest.raises(NoSuchRule, match="is no file of rules of"):
        pick(shipped, str(tmp_path / "mine.yaml"), PROJECT)
