"""Which rules somebody means who names one, a pattern or a file."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

from citybrain.catalogue.messages import hint
from citybrain.errors import Correctable
from rules.model import Rule, RuleSet


class NoSuchRule(Correctable):
    """No rule is meant by what was said; the text says what can be."""


def pick(rules: RuleSet, chosen: str | None, root: Path) -> list[Rule]:
    """The rules that are named, match a pattern such as `water.*`, or are in a file of the folder `root`; None: all.

    Raises:
        NoSuchRule: there are none.
    """
    if chosen is None:
        return list(rules.rules.values())
    if chosen.endswith((".yaml", ".yml")):
        path = Path(chosen).resolve()
        found = [rule for rule in rules.rules.values() if (root / rule.file).resolve() == path]
        if not found:
            raise NoSuchRule(
                f"{chosen} is no file of rules of {root}: those are domains/*/rules.yaml and domains/*/rules/*.yaml."
            )
        return found
    found = [rule for rule in rules.rules.values() if fnmatch(rule.name, chosen)]
    if not found:
        raise NoSuchRule(f"No rule is called {chosen}{hint(chosen, rules.rules) or '.'}")
    return found
