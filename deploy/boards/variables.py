"""The lists above a board that choose what it shows, and the address of the cockpit that its links lead to."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import ConstantVariable, QueryVariable
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from deploy.boards.sources import POSTGRES
from deploy.boards.statements import Scope
from deploy.boards.words import Words

Variable = Builder[VariableModel]

COCKPIT = "http://127.0.0.1:8000"  # where `citybrain up` serves it; a push puts the city's in its place
ALL = "'*'"  # goes into statements as it is, so it has its quotes with it; no region, domain or site is called so


def cockpit() -> Variable:
    """The hidden address of the cockpit."""
    variable = ConstantVariable("cockpit").value(COCKPIT)
    # The builder of constants has no method for it, and without it Grafana asks for a value once it is saved.
    variable.build().current = VariableOption(text=COCKPIT, value=COCKPIT)
    return variable


def chosen(name: str, scope: Scope, words: Words, *, every: bool = True) -> Variable:
    """A list of what the database has: `region`, `domain`, `site` or `indicator`; several can be chosen.

    With `every` all of them can, too, and are at first.
    """
    statement = scope.sql("variables", name)
    variable = (
        QueryVariable(name)
        .label(words(f"variable.{name}"))
        .datasource(POSTGRES)
        .query(statement)
        .definition(statement)
        .refresh(VariableRefresh.ON_DASHBOARD_LOAD)
        .sort(VariableSort.DISABLED)
        .multi(True)
        .allow_custom_value(False)
    )
    if not every:
        return variable
    everything = VariableOption(selected=True, text=[words("variable.all")], value=["$__all"])
    return variable.include_all(True).all_value(ALL).current(everything)
