"""The cells of a table of subjects: what its statement asks for each column, and what the columns are called."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.models.dashboard import Threshold

from citybrain.catalogue.model import Domain
from citybrain.catalogue.pages import Column, Table
from deploy.boards.fields import Field, states, unit
from deploy.boards.statements import Expression
from deploy.boards.words import Words


@dataclass(frozen=True)
class Cells:
    """The columns of a table of a domain. Column n of the page is `c<n>` of the answer, with others beside it."""

    table: Table
    domain: Domain
    words: Words

    def ranking(self) -> dict[str, object]:
        """What the block `ranked` asks for: which subjects, and which come first."""
        order = self.table.order
        column = next((one for one in self.table.columns if order and one.metric == order.metric), None)
        return {
            "kinds": self.table.kinds or None,
            "gather": self.table.gather,
            "metric": order.metric if order else None,
            "worst": order.worst if order else "high",
            "across": column.combined(self.domain.metrics[column.metric]) if column else "mean",
            "measured_at": (column.kinds or None) if column else None,
            "shown": [one.metric for one in self.table.columns] if self.table.measured else None,
            "most": self.table.most,
        }

    def values(self) -> dict[str, object]:
        """What the block `table` asks for: of each column what is put together how, and what is picked."""
        columns = self.table.columns
        return {
            "metrics": [column.metric for column in columns],
            "places": [",".join(column.kinds) for column in columns],
            "acrosses": [column.combined(self.domain.metrics[column.metric]) for column in columns],
            "days": [column.days if column.show == "days" else 0 for column in columns],
            "hourly": [n for n, column in enumerate(columns, start=1) if column.usual or column.show == "trend"],
            "picks": Expression(",\n       ".join(self._picks())),
        }

    def fields(self, steps: Callable[[str], Sequence[Threshold]]) -> Iterator[Field]:
        """What the columns are called and look like; `steps` gives a metric's colours."""
        for n, column in enumerate(self.table.columns, start=1):
            metric = self.domain.metrics[column.metric]
            title = self.words.of(column.title or metric.title)
            shown = unit(metric.unit)
            texts = states(metric, self.words)
            bar = column.show == "bar"
            yield Field(f"c{n}", title, unit=shown, mapping=texts, steps=steps(metric.name), bar=bar)
            for name in _beside(column):
                called = self.words(f"column.{name}", title=title, days=column.days, sigmas=f"{column.sigmas:g}")
                yield Field(f"c{n}_{name}", called, unit=shown)

    def _picks(self) -> Iterator[str]:
        for n, column in enumerate(self.table.columns, start=1):
            yield _pick("cell", "value", n, f"c{n}")
            sources = {
                "usual": ("usual", "value"),
                "low": ("reach", "low"),
                "high": ("reach", "high"),
                "median": ("spread", "median"),
                "bound": ("spread", f"median + {column.sigmas:g} * sigma"),
            }
            for name in _beside(column):
                part, value = sources[name]
                yield _pick(part, value, n, f"c{n}_{name}")


def _beside(column: Column) -> list[str]:
    """What stands beside a column's value, so that it says whether that is much."""
    found = ["usual"] if column.usual else []
    return found + {"trend": ["low", "high"], "days": ["median", "bound"]}.get(column.show, [])


def _pick(part: str, value: str, n: int, name: str) -> str:
    # All of it is ours; nothing comes from outside.
    return f"(select {value} from {part} p where p.subject = f.subject and p.n = {n}) as {name}"  # noqa: S608
