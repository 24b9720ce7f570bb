"""Loads the rules of a folder: `domains/*/rules.yaml`, `domains/*/rules/*.yaml` and `domains/calendars.yaml`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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

RULES = ("domains/*/rules.yaml", "domains/*/rules/*.yaml")
CALENDARS = "domains/calendars.yaml"
DRAFT = "draft"  # what problems call a text that is no file

Plans = Collection[str] | Mapping[str, str | None]
Pair = tuple[Entry, Rule]


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
    found = sorted(path for pattern in RULES for path in root.glob(pattern))
    files = [document.read(path, path.relative_to(root).as_posix(), list) for path in found]
    dated = Document(CALENDARS)
    if (root / CALENDARS).exists():
        dated = document.read(root / CALENDARS, CALENDARS)
    words = vocabulary(catalogue)
    terms = _terms(dated, words, plans)
    pairs, sound = _read(files, terms)
    warnings = tuple(sorted([*_unread(root, found), *doubts.of(sound, catalogue, terms)]))
    if problems := _problems(files, dated):
        raise RulesError(problems, warnings)
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
    pairs, _ = _read([rules], terms)
    if problems := _problems([rules], named_times):
        raise RulesError(problems)
    return _rule_set(pairs, terms)


def draft(
    text: str,
    others: Sequence[Mapping[str, Any]],
    dated: Mapping[str, Any],
    words: Vocabulary,
    catalogue: Catalogue,
    plans: Plans = (),
) -> Checked:
    """The rules of a text as a file would have it, checked beside stored definitions; it replaces those of its names.

    The rules that are the text's have DRAFT for their file.

    Raises:
        RulesError: with every mistake in the text.
    """
    written = document.parse(text.encode(), DRAFT, list)
    own = {_name(tree, position) for position, tree in enumerate(written.tree)}
    stored = Document("rules in force", tree=[one for one in others if one.get("rule") not in own])
    named_times = Document("calendars in force", tree=dict(dated))
    terms = _terms(named_times, words, plans)
    pairs, sound = _read([written, stored], terms)
    warnings = tuple(sorted(doubts.of((pair for pair in sound if pair[0].document is written), catalogue, terms)))
    if problems := _problems([written, stored], named_times):
        raise RulesError(problems, warnings)
    return Checked(_rule_set(pairs, terms), warnings, dict(dated))


def _unread(root: Path, read: Collection[Path]) -> Iterator[Problem]:
    """Files of the folders of domains that nobody reads, by what they are probably meant to be."""
    catalogue = (path for name in ("domain", "page") for path in root.glob(f"domains/*/{name}.yaml"))
    known = {*read, *catalogue, root / CALENDARS}
    for path in sorted(root.glob("domains/**/*")):
        if path.suffix.lower() in (".yaml", ".yml") and path not in known:
            message = f"the file is not read; rules belong in {' or '.join(RULES)}, calendars in {CALENDARS}"
            yield Problem(path.relative_to(root).as_posix(), 1, 1, "", message)


def _terms(dated: Document, words: Vocabulary, plans: Plans) -> Terms:
    units = dict(plans) if isinstance(plans, Mapping) else dict.fromkeys(plans)
    without = Terms(words, {}, units)
    return Terms(words, calendars.read(dated, words.regions, {*RESERVED, *without.attributes}), units)


def _rule_set(pairs: Iterable[Pair], terms: Terms) -> RuleSet:
    return RuleSet({found.name: found for _, found in pairs}, terms.calendars, terms.vocabulary)


def _read(files: Sequence[Document], terms: Terms) -> tuple[list[Pair], list[Pair]]:
    """The rules of the files, and those of them in which nothing is wrong; mistakes are reported to the files."""
    pairs: list[Pair] = []
    sound: list[Pair] = []
    for file in files:
        for position, tree in enumerate(file.tree):
            entry = Entry(file, (position,), _name(tree, position), tree)
            mistakes = len(file.problems)
            if isinstance(tree, dict):
                pairs.append((entry, rule.read(entry, terms)))
                sound += pairs[-1:] if len(file.problems) == mistakes else []
            else:
                entry.report((), "expected a rule, with keys such as rule, title and metric")
    named = _by_name(pairs)
    # What an unreadable file holds can't be known.
    if all(file.readable for file in files):
        inhibition.check(named)
    return pairs, sound


def _problems(files: Sequence[Document], dated: Document) -> list[Problem]:
    """What is wrong with the rules' files and with the calendars'."""
    found = (_in_rule(problem, file) for file in (*files, dated) for problem in file.problems)
    return list(dict.fromkeys(found))  # What a rule says for all its steps is wrong only once.


def _name(tree: Any, position: int) -> str:
    name = tree.get("rule") if isinstance(tree, dict) else None
    return name if isinstance(name, str) and name else str(position)


def _in_rule(problem: Problem, file: Document) -> Problem:
    """A problem that the reading of the file found, with the rule's name instead of its position."""
    position, *rest = problem.field.split(".")
    if not (position.isdigit() and isinstance(file.tree, list) and int(position) < len(file.tree)):
        return problem
    return replace(problem, field=".".join([_name(file.tree[int(position)], int(position)), *rest]))


def _by_name(pairs: Iterable[Pair]) -> dict[str, Pair]:
    named: dict[str, Pair] = {}
    for entry, found in pairs:
        if not found.name:
            continue
        first, _ = named.setdefault(found.name, (entry, found))
        if first is not entry:
            place = f"{first.document.file}:{first.line}"
            entry.report(("rule",), f"a rule of this name is in {place} already; choose another name")
    return named
