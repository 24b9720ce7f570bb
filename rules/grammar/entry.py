"""One entry of a file, a rule or a calendar: its tree of texts, and the places for what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from citybrain.catalogue import messages
from citybrain.catalogue.document import Document, Steps
from citybrain.catalogue.errors import Problem
from citybrain.catalogue.schema import json_schema
from rules.conditions import Column, Condition, ConditionError, Mistake, parse

_Model = TypeVar("_Model", bound=BaseModel)
_schema = cache(json_schema)


@dataclass(frozen=True)
class Entry:
    """The entry at `top` of a document; `name` is what its problems call it."""

    document: Document
    top: Steps
    name: str
    tree: Any

    @property
    def line(self) -> int:
        """The line on which it begins."""
        return self.document.place(self.top)[0]

    def problem(self, steps: Steps, message: str, offset: int | None = None) -> Problem:
        """Something about the value at `steps` of the entry, or about the character `offset` of the text there."""
        steps = _way(self.tree, steps)
        here = (*self.top, *steps)
        text = _at(self.tree, steps) if _has(self.tree, steps) else None
        place = self.document.inside(here, text, offset) if offset is not None and isinstance(text, str) else None
        line, column = place or self.document.place(here)
        return Problem(self.document.file, line, column, ".".join(map(str, (self.name, *steps))), message)

    def report(self, steps: Steps, message: str, offset: int | None = None) -> None:
        """Add a mistake to those of the file."""
        self.document.problems.append(self.problem(steps, message, offset))

    def report_all(self, steps: Steps, mistakes: Iterable[Mistake]) -> None:
        """Add the mistakes in the text at `steps`."""
        for mistake in mistakes:
            self.report(steps, mistake.message, mistake.offset)

    def condition(
        self, steps: Steps, text: str | None, scope: Mapping[str, Column], advice: Mapping[str, str]
    ) -> Condition | None:
        """The condition that the text at `steps` names; its mistakes are reported, and it is None then.

        `advice` says of names that are not in the scope what to write instead.
        """
        if text is None:
            return None
        try:
            return parse(text, scope, advice)
        except ConditionError as error:
            self.report_all(steps, error.mistakes)
            return None

    def has(self, steps: Steps) -> bool:
        """Whether the file says something there."""
        return _has(self.tree, _way(self.tree, steps))

    def keys(self, steps: Steps) -> list[str]:
        """The keys of the mapping there; none where there is none."""
        found = _at(self.tree, steps) if self.has(steps) else None
        return list(found) if isinstance(found, dict) else []

    def read(self, model: type[_Model], blank: Any) -> _Model:
        """The entry as its model has it, without the values that are wrong; those are reported.

        `blank` is a tree that the model takes, for what is wrong from the ground up.
        """
        tree = self.tree
        try:
            return model.model_validate(tree)
        except ValidationError as error:
            messages.report(self, _schema(model), error.errors(include_url=False))
        # Nothing of it is used in the end, but the rest of it is checked, too. Each turn removes something.
        while True:
            try:
                return model.model_validate(tree)
            except ValidationError as error:
                ways = [_way(tree, tuple(step for step in one["loc"] if step != "[key]")) for one in error.errors()]
                wrong = {next(way[:n] for n in range(len(way), -1, -1) if _has(tree, way[:n])) for way in ways}
                tree = blank if () in wrong else _without(tree, wrong)


def _has(tree: Any, steps: Steps) -> bool:
    for step in steps:
        if isinstance(step, int):
            if not isinstance(tree, list) or step >= len(tree):
                return False
        elif not isinstance(tree, dict) or step not in tree:
            return False
        tree = tree[step]
    return True


def _at(tree: Any, steps: Steps) -> Any:
    for step in steps:
        tree = tree[step]
    return tree


def _way(tree: Any, steps: Steps) -> Steps:
    """The way to a value in the tree, where a list of one entry may be written as that entry."""
    way: Steps = ()
    for step in steps:
        stands_for_itself = isinstance(step, int) and _has(tree, way) and not isinstance(_at(tree, way), list)
        way = way if stands_for_itself else (*way, step)
    return way


def _without(tree: Any, wrong: set[Steps], here: Steps = ()) -> Any:
    """A tree without the values at the steps `wrong`.

    An entry of a list becomes an empty one first, so that the others keep their positions.
    """
    if isinstance(tree, dict):
        return {key: _without(value, wrong, (*here, key)) for key, value in tree.items() if (*here, key) not in wrong}
    if isinstance(tree, list):
        ways = [(value, (*here, position)) for position, value in enumerate(tree)]
        return [
            {} if way in wrong else _without(value, wrong, way)
            for value, way in ways
            if not (way in wrong and value == {})
        ]
    return tree
