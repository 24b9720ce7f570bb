"""Sites by kind and state, and sites on the map."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from api.access.scopes import Titled
from api.pages.asked import Asked
from api.pages.documents import Abnormal, Count, MapData, StatesData
from api.views import titles
from api.views.documents import Words
from api.views.rows import rows, tuples
from citybrain.catalogue.model import Domain, Text
from citybrain.catalogue.pages import Map, States


class _Counted(NamedTuple):
    kind: str
    state: str
    sites: int
    listed: list[dict[str, Any]] | None


async def read(asked: Asked, domain: Domain, id: str, panel: States) -> StatesData:
    """How many sites of each kind are in each state, and the first of those that are not normal."""
    codes = codes_of(domain, panel)
    good = normal(domain, panel)
    values = {
        "domain": domain.id,
        "kinds": panel.kinds or None,
        "metric": panel.metric,
        "names": list(codes),
        "codes": [float(code) for code in codes.values()],
        "normal": good,
        "most": panel.most,
    }
    found = await rows(asked.reader, _Counted, "api_pages", "states", **asked.parameters(), **values)
    abnormal = [(_place(entry), _site(asked, domain, row, entry)) for row in found for entry in row.listed or ()]
    return StatesData(
        panel=id,
        now=asked.now,
        counts=[
            Count(kind=kind(domain, row.kind), state=row.state, normal=row.state in good, sites=row.sites)
            for row in found
        ],
        abnormal=[site for _, site in sorted(abnormal, key=lambda pair: pair[0])[: panel.most]],
    )


def codes_of(domain: Domain, panel: States) -> dict[str, int]:
    """The states of the panel's metric by name; none where it counts alerts."""
    if panel.metric is None:
        return {}
    metric = domain.metrics[panel.metric]
    return {"false": 0, "true": 1} if metric.kind == "boolean" else metric.states


def normal(domain: Domain, panel: States) -> list[str]:
    """The states that are as they should be."""
    if panel.metric is None:
        return ["normal"]
    return panel.normal or [name for name, code in codes_of(domain, panel).items() if code == 0]


def kind(domain: Domain, id: str) -> Titled:
    """A kind of sites with its title."""
    return Titled(id=id, title=titles.words(domain.site_kinds.get(id, Text(id, id))))


async def read_map(asked: Asked, domain: Domain, id: str, panel: Map) -> MapData:
    """All sites of the panel, as columns."""
    values = {"domain": domain.id, "kinds": panel.kinds or None, "metric": panel.metric}
    found = await tuples(asked.reader, "api_pages", "sites", **asked.parameters(), **values)
    columns = [list(column) for column in zip(*found, strict=True)] or [[] for _ in range(6)]
    names = ("sites", "longitude", "latitude", "severity", "value", "time")
    return MapData(panel=id, now=asked.now, **dict(zip(names, columns, strict=True)))


def _site(asked: Asked, domain: Domain, row: _Counted, entry: dict[str, Any]) -> Abnormal:
    return Abnormal(
        id=entry["id"],
        title=Words(zh=entry["zh"], en=entry["en"]),
        kind=kind(domain, row.kind),
        region=titles.region(asked.catalogue, entry["region"]),
        state=row.state,
        severity=entry["severity"],
        since=datetime.fromisoformat(entry["since"]) if entry["since"] else None,
    )


def _place(entry: dict[str, Any]) -> tuple[int, str, str]:
    """Where it stands in the list: by severity, then by how long it has been so."""
    return entry["severity"] or 9, entry["since"] or "", entry["id"]
