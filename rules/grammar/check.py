"""The command `citybrain rules check`."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

from citybrain.catalogue.errors import CatalogueError
from citybrain.catalogue.load import load as load_catalogue
from rules.grammar.load import load
from rules.plans.load import indicators
from rules.plans.load import load as load_plans


def check_command(root: Path) -> None:
    """Print what is wrong with the rules of the folder `root`, and what is doubtful; exit with 1 where it is wrong."""
    console = Console()
    try:
        catalogue = load_catalogue(root)
        plans = indicators(load_plans(root, catalogue))
        checked = load(root, catalogue, {name: one.unit for name, one in plans.items()})
    except CatalogueError as error:
        for problem in error.problems:
            console.print(str(problem), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(f"{len(error.problems)} mistakes. The rules in force stay as they are.")
    for warning in checked.warnings:
        console.print(f"{warning} (warning)", style="yellow", markup=False, highlight=False, soft_wrap=True)
    console.print(f"{len(checked.rules.rules)} rules, no mistake, {len(checked.warnings)} warnings.")
