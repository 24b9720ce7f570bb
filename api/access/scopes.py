"""Names, roles and scopes of people and tokens, as documents say them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from api.views.documents import Words
from citybrain.catalogue.model import Catalogue, Domain, Region

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._@-]{0,63}$")]
"""The name of a person or token."""

Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Regions = Annotated[
    list[Id] | None,
    Field(
        description="Each with all regions below it; null: all.", min_length=1, max_length=100, examples=[["150802"]]
    ),
]
Domains = Annotated[
    list[Id] | None, Field(description="null: all.", min_length=1, max_length=100, examples=[["water"]])
]


class Titled(BaseModel):
    """A region or domain."""

    id: str = Field(examples=["150802"])
    title: Words = Field(examples=[{"zh": "临河区", "en": "Linhe District"}])


def regions(ids: Collection[str] | None, catalogue: Catalogue) -> list[Titled] | None:
    """Regions with their titles, without those that lie in another of them; None: all."""
    if ids is None:
        return None
    known = catalogue.regions
    return _titled([id for id in ids if id not in known or known[id].parent not in ids], known)


def domains(ids: Collection[str] | None, catalogue: Catalogue) -> list[Titled] | None:
    """Domains with their titles; None: all."""
    return None if ids is None else _titled(ids, catalogue.domains)


def _titled(ids: Collection[str], known: Mapping[str, Region] | Mapping[str, Domain]) -> list[Titled]:
    return [
        Titled(
            id=id,
            title=Words(zh=known[id].title.zh, en=known[id].title.en) if id in known else Words(zh=id, en=id),
        )
        for id in sorted(ids)
    ]
