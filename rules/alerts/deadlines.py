"""Deadlines: how long each step of handling may take, by severity, and where each figure comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from citybrain.catalogue import messages
from citybrain.catalogue.document import read
from citybrain.catalogue.errors import CatalogueError
from citybrain.catalogue.schema import Duration, Line, json_schema
from rules.alerts.model import Handling

DEFAULT = Path(__file__).parent / "deadlines.yaml"

StepName = Literal["judge", "dispatch", "accept", "start", "feed_back", "verify"]

NEXT: dict[Handling, StepName] = {
    "new": "judge",
    "confirmed": "dispatch",
    "returned": "dispatch",
    "dispatched": "accept",
    "accepted": "start",
    "handling": "feed_back",
    "fed_back": "verify",
}


class DeadlinesError(CatalogueError):
    """The file of deadlines can't be used; the text has a line for each of `problems`."""


class Entry(BaseModel):
    """How long one step may take by severity, and who says so."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    red: Duration
    """Longest time for severity 1, such as 5m."""
    orange: Duration
    """Longest time for severity 2."""
    yellow: Duration
    """Longest time for severity 3."""
    blue: Duration
    """Longest time for severity 4."""
    source: Line
    """Where the figures come from; `platform default` where nobody else says so."""
    confidence: Literal["A", "A-", "B", "B-", "C", "S"]
    """A two independent sources, B one, C from memory of the text, S a platform default."""

    def of(self, severity: int) -> timedelta:
        """The longest time for that severity."""
        return (self.red, self.orange, self.yellow, self.blue)[severity - 1]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    judge: Entry
    """From the announcement to confirmed or false."""
    dispatch: Entry
    """From confirmed or returned to dispatched."""
    accept: Entry
    """From dispatched to accepted."""
    start: Entry
    """From accepted to handling."""
    feed_back: Entry
    """From handling to fed back."""
    verify: Entry
    """From fed back to closed or returned."""


@dataclass(frozen=True)
class Deadlines:
    """The deadlines in force, by step."""

    entries: Mapping[StepName, Entry]

    def of(self, step: str) -> Entry:
        """The entry of that step."""
        return self.entries[cast(StepName, step)]

    def next(self, handling: Handling, severity: int, now: datetime) -> tuple[StepName | None, datetime | None]:
        """The step that comes next and until when, counted from `now`; None where nothing does."""
        step = NEXT.get(handling)
        return (step, now + self.entries[step].of(severity)) if step else (None, None)


def load(path: Path | None = None) -> Deadlines:
    """Read a file of deadlines; None: the platform's own.

    Raises:
        DeadlinesError: with all that is wrong in it.
    """
    path = path or DEFAULT
    document = read(path, path.name)
    if document.readable:
        try:
            checked = _File.model_validate(document.tree)
        except ValidationError as error:
            messages.report(document, json_schema(_File), error.errors(include_url=False))
    if document.problems:
        raise DeadlinesError(document.problems)
    return Deadlines({step: getattr(checked, step) for step in NEXT.values()})
