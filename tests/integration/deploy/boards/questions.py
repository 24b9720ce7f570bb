"""What the boards that are checked in ask the database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from citybrain.settings import PROJECT


class Question(NamedTuple):
    """A query of a board; `kind` is the panel's, or `variable` or `annotation`."""

    board: str
    name: str
    kind: str
    form: str
    statement: str

    @property
    def domain(self) -> str | None:
        """The domain whose board it is of."""
        return self.board.removeprefix("citybrain-domain-").rpartition("-")[0] if "-domain-" in self.board else None


def questions() -> Iterator[Question]:
    """Those of the boards that are checked in, which a unit test holds to be those that are built."""
    for path in sorted((PROJECT / "deploy" / "grafana" / "boards").glob("*/*.json")):
        document = json.loads(path.read_text("utf-8"))
        for panel in document["panels"]:
            for target in panel["targets"]:
                if "rawSql" in target:
                    yield Question(path.stem, panel["title"], panel["type"], target["format"], target["rawSql"])
        for variable in document["templating"]["list"]:
            if variable["type"] == "query":
                yield Question(path.stem, variable["name"], "variable", "table", variable["query"])
        for annotation in document.get("annotations", {}).get("list", []):
            target = annotation["target"]
            yield Question(path.stem, annotation["name"], "annotation", target["format"], target["rawSql"])
