"""What ships, built once."""

from __future__ import annotations

from datetime import date

import pytest

from citybrain.catalogue.load import load
from citybrain.settings import PROJECT, Settings
from deploy.boards.build import bundle
from deploy.boards.model import Bundle
from rules.grammar.load import load as load_rules
from rules.model import Rule
from rules.plans.load import indicators
from rules.plans.load import load as load_plans

# Of the city: the boards that are checked in draw the limits of this day. Later ones come with the day that they count
# from, and `citybrain boards build --check` says so on that day.
DAY = date(2026, 11, 22)


def shipped_rules() -> list[Rule]:
    """The rules that ship."""
    catalogue = load(PROJECT)
    units = {id: one.unit for id, one in indicators(load_plans(PROJECT, catalogue)).items()}
    return list(load_rules(PROJECT, catalogue, units).rules.rules.values())


@pytest.fixture(scope="session")
def built() -> Bundle:
    """The boards of the catalogue and the rules that ship."""
    return bundle(load(PROJECT), shipped_rules(), Settings.model_fields["time_zone"].default, DAY)
