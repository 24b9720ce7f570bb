"""What is wrong with rule files, all of it at once."""

from __future__ import annotations

from collections.abc import Iterable

from citybrain.catalogue.errors import CatalogueError, Problem


class RulesError(CatalogueError):
    """The rules can't be used; the text has a line for each of `problems`, by file and line.

    `warnings` are about rules in which nothing is wrong.
    """

    def __init__(self, problems: Iterable[Problem], warnings: Iterable[Problem] = ()) -> None:
        super().__init__(problems)
        self.warnings = tuple(warnings)
