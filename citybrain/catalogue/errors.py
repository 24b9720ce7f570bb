"""What is wrong with a catalogue, all of it at once, each with its place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from citybrain.errors import Correctable


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake. `file` is relative to the catalogue's root, `line` and `column` count from 1.

    `field` is the way of keys to it, such as `metrics.pressure.unit`; empty: the file as a whole.
    """

    file: str
    line: int
    column: int
    field: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {self.field}: {self.message}" if self.field else f"{place}: {self.message}"


class CatalogueError(Correctable):
    """The catalogue can't be used; the text has a line for each of `problems`, by file and line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))
