"""The command `citybrain rules check`."""

from __future__ import annotations

import sys
from collections.abc import Sequence, Sized
from pathlib import Path

from rich.console import Console

from citybrain.catalogue.errors import CatalogueError, Problem
from citybrain.catalogue.load import load as load_catalogue
from rules.grammar.errors import RulesError
from rules.grammar.load import load
from rules.plans.load import indicators
from rules.plans.load import load as load_plans


def check_command(root: Path) -> None:
    """Print what is wrong with the rules of the folder `root`, and what is doubtful; exit with 1 where it is wrong."""
    console = Console(emoji=False, markup=False, highlight=False, soft_wrap=True)
    try:
        catalogue = load_catalogue(root)
        plans = indicators(load_plans(root, catalogue))
        checked = load(root, catalogue, {name: one.unit for name, one in plans.items()})
    except CatalogueError as error:
        for problem in error.problems:
            console.print(str(problem), style="red")
        if isinstance(error, RulesError):
            _warn(console, error.warnings)
        sys.exit(f"{_count(error.problems, 'mistake')}. The rules in force stay as they are.")
    _warn(console, checked.warnings)
    rules, warnings = _count(checked.rules.rules, "rule"), _count(checked.warnings, "warning")
    console.print(f"{rules}, no mistake, {warnings}.")


def _warn(console: Console, warnings: Sequence[Problem]) -> None:
    for warning in warnings:
        console.print(f"{warning} (warning)", style="yellow")


def _count(things: Sized, name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"
