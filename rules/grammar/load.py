"""Loads the rules of a folder: `domains/*/rules.yaml`, `domains/*/rules/*.yaml` and `domains/calendars.yaml`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from citybrain.catalogue import document
from citybrain.catalogue.document import Document
from citybrain.catalogue.errors import Problem
from citybrain.catalogue.model import Catalogue
from rules.grammar import calendars, doubts, inhibition, rule
from rules.grammar.entry import Entry
from rules.grammar.errors import RulesError
from rules.grammar.terms import RESERVED, Terms
from rules.grammar.vocabulary import vocabulary
from rules.model import Rule, RuleSet, Vocabulary

CALENDARS = "domains/calendars.yaml"

Plans = Collection[str] | Mapping[str, str | None]


@dataclass(frozen=True)
class Checked:
    """Rules without a mistake. `calendars` is the tree of their file, as `build` takes it."""

    rules: RuleSet
    warnings: tuple[Problem, ...]
    calendars: Mapping[str, Any]


def load(root: Path, catalogue: Catalogue, plans: Plans = ()) -> Checked:
    """The rules in the folder `root`, checked as a whole.

    `plans` are the names plan/indicator that rules may use, with their units where it is a mapping.

    Raises:
        RulesError: with every mistake in every file.
    """
    found = sorted([*root.glob("domains/*/rules.yaml"), *root.glob("domains/*/rules/*.yaml")])
    files = [document.read(path, path.relative_to(root).as_posix(), list) for path in found]
    dated = Document(CALENDARS)
    if (root / CALENDARS).exists():
        dated = document.read(root / CALENDARS, CALENDARS)
    words = vocabulary(catalogue)
    terms = _terms(dated, words, plans)
    pairs = _checked(files, dated, terms)
    warnings = tuple(sorted(doubts.of(pairs, catalogue, terms)))
    return Checked(_rule_set(pairs, terms), warnings, rule.plain(dated.tree))


def build(
    definitions: Sequence[Mapping[str, Any]], dated: Mapping[str, Any], words: Vocabulary, plans: Plans = ()
) -> RuleSet:
    """The rules of stored definitions and of the calendars' stored tree, as `load` gave them.

    Raises:
        RulesError: with every mistake; the places count from the first definition and are not those of a file.
    """
    rules = Document("stored rules", tree=list(definitions))
    named_times = Document("stored calendars", tree=dict(dated))
    terms = _terms(named_times, words, plans)
    return _rule_set(_checked([rules], named_times, terms), terms)


def _terms(dated: Document, words: Vocabulary, plans: Plans) -> Terms:
    units = dict(plans) if isinstance(plans, Mapping) else dict.fromkeys(plans)
    without = Terms(words, {}, units)
    return Terms(words, calendars.read(dated, words.regions, {*RESERVED, *without.attributes}), units)


def _rule_set(pairs: Iterable[tuple[Entry, Rule]], terms: Terms) -> RuleSet:
    return RuleSet({found.name: found for _, found in pairs}, terms.calendars, terms.vocabulary)


def _checked(files: Sequence[Document], dated: Document, terms: Terms) -> list[tuple[Entry, Rule]]:
    """The rules of the files; raises what is wrong with those and with the calendars' file."""
    pairs: list[tuple[Entry, Rule]] = []
    for file in files:
        for position, tree in enumerate(file.tree):
            entry = Entry(file, (position,), _name(tree, position), tree)
            if isinstance(tree, dict):
                pairs.append((entry, rule.read(entry, terms)))
            else:
                entry.report((), "expected a rule, with keys such as rule, title and metric")
    named = _by_name(pairs)
    # What an unreadable file holds can't be known.
    if all(file.readable for file in files):
        inhibition.check(named)
    if problems := [_in_rule(problem, file) for file in (*files, dated) for problem in file.problems]:
        raise RulesError(dict.fromkeys(problems))  # What a rule says for all its steps is wrong only once.
    return pairs


def _name(tree: Any, position: int) -> str:
    name = tree.get("rule") if isinstance(tree, dict) else None
    return name if isinstance(name, str) and name else str(position)


def _in_rule(problem: Problem, file: Document) -> Problem:
    """A problem that the reading of the file found, with the rule's name instead of its position."""
    position, *rest = problem.field.split(".")
    if not (position.isdigit() and isinstance(file.tree, list) and int(position) < len(file.tree)):
        return problem
    return replace(problem, field=".".join([_name(file.tree[int(position)], int(position)), *rest]))


def _by_name(pairs: Iterable[tuple[Entry, Rule]]) -> dict[str, tuple[Entry, Rule]]:
    named: dict[str, tuple[Entry, Rule]] = {}
    for entry, found in pairs:
        if not entry.has(("rule",)):
            continue
        first, _ = named.setdefault(found.name, (entry, found))
        if first is not entry:
            place = f"{first.document.file}:{first.line}"
            entry.report(("rule",), f"a rule of this name is in {place} already; choose another name")
    return named
