"""What is wrong with rule files, all of it at once."""

from __future__ import annotations

from citybrain.catalogue.errors import CatalogueError


class RulesError(CatalogueError):
    """The rules can't be used; the text has a line for each of `problems`, by file and line."""
