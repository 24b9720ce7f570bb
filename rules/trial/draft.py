"""Rules of a text beside what is in force: checked, and tested."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from citybrain.catalogue.errors import Problem
from citybrain.catalogue.load import load as load_catalogue
from citybrain.catalogue.model import Catalogue
from citybrain.store.connection import Connection
from rules import sets
from rules.grammar.errors import RulesError
from rules.grammar.load import DRAFT, Checked, draft
from rules.grammar.vocabulary import vocabulary
from rules.model import Rule
from rules.plans.load import indicators
from rules.sets import Stored
from rules.testing.coverage import gaps
from rules.testing.engine import engine
from rules.testing.report import lines, tests_of
from rules.testing.run import run
from rules.trial.job import CheckedRules, RuleMistake, RuleTest, TestedRules


@dataclass(frozen=True)
class Basis:
    """What a text is read beside: the catalogue of the files and the set in force; None: nothing is in force."""

    catalogue: Catalogue
    stored: Stored | None

    @classmethod
    def load(cls, connection: Connection, catalogue_dir: Path, more_sites: Path) -> Basis:
        """What there is now."""
        newest = sets.newest(connection)
        stored = sets.load(connection, newest) if newest is not None else None
        return cls(load_catalogue(catalogue_dir, more_sites), stored)

    def read(self, text: str) -> Checked:
        """The rules of a text with those in force.

        Raises:
            RulesError: with every mistake.
        """
        if self.stored is None:
            return draft(text, (), {}, vocabulary(self.catalogue), self.catalogue)
        others = [rule.definition for rule in self.stored.rules.rules.values()]
        units = {name: indicator.unit for name, indicator in indicators(self.stored.plans).items()}
        words = self.stored.rules.vocabulary
        return draft(text, others, self.stored.calendars, words, self.catalogue, units)


def own(checked: Checked) -> list[Rule]:
    """The rules that the text itself has."""
    return [rule for rule in checked.rules.rules.values() if rule.file == DRAFT]


def check(basis: Basis, text: str) -> CheckedRules:
    """What is wrong with a text, and what is doubtful."""
    try:
        checked = basis.read(text)
    except RulesError as error:
        return CheckedRules(problems=mistakes(error.problems), warnings=mistakes(error.warnings), rules=[])
    return CheckedRules(problems=[], warnings=mistakes(checked.warnings), rules=[rule.name for rule in own(checked)])


def test(basis: Basis, text: str, zone: ZoneInfo) -> TestedRules:
    """What the tests of a text say."""
    try:
        checked = basis.read(text)
    except RulesError as error:
        return TestedRules(problems=mistakes(error.problems), results=[], uncovered={})
    city = engine(zone)
    found = []
    uncovered = {}
    for rule in own(checked):
        results = [run(rule, checked.rules, one, city, zone) for one in tests_of(rule)]
        found += [RuleTest(rule=one.rule, name=one.name, passed=one.passed, lines=list(lines(one))) for one in results]
        uncovered[rule.name] = gaps(rule, checked.rules, results, city)
    return TestedRules(problems=[], results=found, uncovered={name: left for name, left in uncovered.items() if left})


def mistakes(problems: Iterable[Problem]) -> list[RuleMistake]:
    """Problems as a document has them; one with a rule that is in force says so in its text."""
    return [
        RuleMistake(
            line=one.line,
            column=one.column,
            where=one.field,
            what=one.message if one.file == DRAFT else f"{one.file}: {one.message}",
        )
        for one in problems
    ]
