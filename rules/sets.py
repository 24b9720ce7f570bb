"""The rule sets in the store: `apply` puts one in force, `load` gets one back, without a look at any file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from psycopg.types.json import Jsonb

from citybrain.store.connection import Connection
from citybrain.store.sql import query
from rules.grammar import vocabulary
from rules.grammar.errors import RulesError
from rules.grammar.load import Checked, build
from rules.model import RuleSet, Vocabulary
from rules.plans.load import indicators
from rules.plans.model import Plan

# What may change without a rule judging anything in another way: its state is kept.
COSMETIC = frozenset({"title", "advice", "tests", "inhibits", "mode"})


@dataclass(frozen=True)
class Stored:
    """A set as it was applied: its rules with the version of each, and the plans that they go by.

    `calendars` is the tree of their file, as `rules.grammar.load.build` takes it.
    """

    id: int
    rules: RuleSet
    versions: Mapping[str, int]
    plans: Mapping[str, Plan]
    calendars: Mapping[str, Any] = field(default_factory=dict)

    def judges_alike(self, other: Stored | None, rule: str) -> bool:
        """Whether a rule of both sets judges in the same way in both.

        Calendars are no part of that: another season or other hours decide about evidence from now on.
        """
        if other is None or rule not in other.rules.rules or rule not in self.rules.rules:
            return False
        ours, theirs = self.rules.rules[rule].definition, other.rules.rules[rule].definition
        return _judging(ours) == _judging(theirs)


@dataclass(frozen=True)
class Applied:
    """What `apply` did: the set in force, and the rules that are new, changed and gone."""

    set_id: int
    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def nothing(self) -> bool:
        """Whether the rules were in force already."""
        return not (self.added or self.changed or self.removed)


def apply(connection: Connection, checked: Checked, plans: Mapping[str, Plan], by: str, now: datetime) -> Applied:
    """Put checked rules in force, all or none; engines take them up between two batches.

    Versions count by rule, and a rule that has not changed keeps its own. Where nothing has changed at all, neither
    rules nor calendars, catalogue or plans, no new set is made.
    """
    rules = checked.rules.rules
    with connection.transaction():
        connection.execute(query("rules", "lock_apply"))
        current = newest(connection)
        members = _members(connection, current) if current is not None else {}
        known = {rule: (version, text) for rule, version, text in connection.execute(query("rules", "versions"))}
        versions: dict[str, int] = {}
        for name, rule in rules.items():
            version, text = known.get(name, (0, None))
            versions[name] = version if text == rule.definition else version + 1
        applied = Applied(
            set_id=current or 0,
            added=tuple(name for name in rules if name not in members),
            changed=tuple(name for name in rules if name in members and members[name] != versions[name]),
            removed=tuple(name for name in members if name not in rules),
        )
        parts = {
            "calendars": dict(checked.calendars),
            "vocabulary": json.loads(vocabulary.encode(checked.rules.vocabulary)),
            "plans": json.loads(msgspec.json.encode(dict(plans))),
        }
        if current is not None and applied.nothing and _parts(connection, current) == parts:
            return applied
        row = connection.execute(
            query("rules", "add_set"), {"now": now, "by": by, **{name: Jsonb(part) for name, part in parts.items()}}
        ).fetchone()
        assert row is not None  # noqa: S101  "returning" has a row
        with connection.cursor() as cursor:
            cursor.executemany(
                query("rules", "add_version"),
                [
                    {
                        "rule": name,
                        "version": versions[name],
                        "definition": Jsonb(dict(rule.definition)),
                        "zh": rule.title.zh,
                        "en": rule.title.en,
                        "now": now,
                    }
                    for name, rule in rules.items()
                    if versions[name] != known.get(name, (0, None))[0]
                ],
            )
            cursor.executemany(
                query("rules", "add_member"),
                [
                    {"set": row[0], "rule": name, "version": versions[name], "position": position}
                    for position, name in enumerate(rules)
                ],
            )
        return Applied(int(row[0]), applied.added, applied.changed, applied.removed)


def judge_alike(connection: Connection, rule: str, one: int, other: int) -> bool:
    """Whether two versions of a rule judge in the same way."""
    if one == other:
        return True
    rows = connection.execute(query("rules", "definitions"), {"rule": rule, "one": one, "other": other}).fetchall()
    return len(rows) == 2 and _judging(rows[0][0]) == _judging(rows[1][0])


def newest(connection: Connection) -> int | None:
    """The set in force; None before the first `apply`."""
    row = connection.execute(query("rules", "newest_set")).fetchone()
    return int(row[0]) if row else None


def load(connection: Connection, set_id: int) -> Stored:
    """A set as it was applied."""
    parts = _parts(connection, set_id)
    plans = msgspec.convert(parts["plans"], dict[str, Plan])
    rows = connection.execute(query("rules", "members"), {"set": set_id}).fetchall()
    units: dict[str, str | None] = {name: indicator.unit for name, indicator in indicators(plans).items()}
    words = vocabulary.decode(json.dumps(parts["vocabulary"]))
    rules = build([definition for _, _, definition in rows], parts["calendars"], words, units)
    return Stored(set_id, rules, {rule: version for rule, version, _ in rows}, plans, parts["calendars"])


def earlier(connection: Connection, unit: str, set_id: int) -> Stored | None:
    """The set that a process has its state for, if it is another than this; an empty one where it can't be read."""
    row = connection.execute(query("rules", "engine"), {"unit": unit}).fetchone()
    if row is None or row[0] == set_id:
        return None
    try:
        return load(connection, int(row[0]))
    except RulesError:  # another release's: whatever it said, it is judged anew
        return Stored(int(row[0]), RuleSet({}, {}, Vocabulary({}, {}, {})), {}, {})


def _members(connection: Connection, set_id: int) -> dict[str, int]:
    return {rule: version for rule, version, _ in connection.execute(query("rules", "members"), {"set": set_id})}


def _parts(connection: Connection, set_id: int) -> dict[str, Any]:
    row = connection.execute(query("rules", "set"), {"set": set_id}).fetchone()
    assert row is not None  # noqa: S101  sets are never deleted
    return dict(zip(("calendars", "vocabulary", "plans"), row, strict=True))


def _judging(definition: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in definition.items() if key not in COSMETIC}
