"""The command `citybrain rules test`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console

from citybrain.catalogue.load import load as load_catalogue
from rules.choice import pick
from rules.grammar.load import load
from rules.model import Rule
from rules.plans.load import indicators
from rules.plans.load import load as load_plans
from rules.testing.coverage import gaps
from rules.testing.engine import engine
from rules.testing.notation import Expected
from rules.testing.run import Result, by_subject, run

AS_EXPECTED, LACKING, TOO_MUCH = " ", "-", "+"  # marks of a line: in both, expected only, fired only


def test_command(root: Path, chosen: str | None, zone: ZoneInfo) -> None:
    """Run the tests of the rules in the folder `root`; exit with 1 where one fails.

    Args:
        root: folder of the catalogue and the rules.
        chosen: a file, or the name of a rule or a pattern of names (`water.*`); None: all.
        zone: the city's.

    Raises:
        NoSuchRule: nothing is chosen by that.
        RulesError: the files have mistakes.
    """
    console = Console(highlight=False, markup=False, soft_wrap=True)
    catalogue = load_catalogue(root)
    units = {name: one.unit for name, one in indicators(load_plans(root, catalogue)).items()}
    rule_set = load(root, catalogue, units).rules
    rules = pick(rule_set, chosen, root)
    city = engine(zone)
    tests = failed = open_ends = 0
    for rule in rules:
        results = [run(rule, rule_set, test, city, zone) for test in tests_of(rule)]
        missing = gaps(rule, rule_set, results, city)
        tests += len(results)
        failed += sum(not result.passed for result in results)
        open_ends += len(missing)
        for result in results:
            for line in lines(result):
                console.print(line, style="red" if line[:2] == "  " else "bold")
        for gap in missing:
            console.print(f"{rule.name}: {gap}", style="yellow")
    console.print(
        f"{_counted(len(rules), 'rule')}, {_counted(tests, 'test')}, {failed} failed; not covered: {open_ends}."
    )
    if failed:
        sys.exit(1)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def tests_of(rule: Rule) -> Sequence[Any]:
    """The trees of a rule's tests."""
    found: Sequence[Any] = rule.definition.get("tests", [])
    return found


def lines(result: Result) -> Iterator[str]:
    """What there is to say of a test; nothing where it passed."""
    if result.passed:
        return
    yield f"{result.rule}: {result.name}"
    if result.test is None:
        yield f"  {result.mistake}"
        return
    fired = result.told(result.fired)
    for mark, line in difference(result.test.expected, fired):
        words = {LACKING: "   expected, did not fire", TOO_MUCH: "   fired, not expected"}.get(mark, "")
        yield f"  {mark} {line.text(result.test.start)}{words}"
    for cut, other in result.apart.items():
        yield f"  Run {cut} it fired otherwise than run whole; that is a mistake of the engine, please report it:"
        for mark, line in difference(fired, result.told(other)):
            yield f"  {mark} {line.text(result.test.start)}"


def difference(expected: Sequence[Expected], fired: Sequence[Expected]) -> list[tuple[str, Expected]]:
    """Both as one list by time, each line with its mark; compared apart for each subject."""
    ours, theirs = by_subject(expected), by_subject(fired)
    found: list[tuple[str, Expected]] = []
    for subject in dict.fromkeys([*ours, *theirs]):
        one, other = ours.get(subject, []), theirs.get(subject, [])
        for operation, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
            if operation == "equal":
                found += [(AS_EXPECTED, line) for line in one[a:b]]
            else:
                found += [(LACKING, line) for line in one[a:b]] + [(TOO_MUCH, line) for line in other[c:d]]
    return sorted(found, key=lambda pair: pair[1].time_us)
