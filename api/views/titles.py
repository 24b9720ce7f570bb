"""What the catalogue calls the things that answers name by their ids."""

from __future__ import annotations

from api.access.scopes import Titled
from api.views.documents import Words
from citybrain.catalogue.model import Catalogue, Text


def domain(catalogue: Catalogue, id: str) -> Titled:
    """A domain; `platform` and `plan` have rules and no folder's title."""
    known = catalogue.domains.get(id)
    return Titled(id=id, title=words(known.title if known else Text(id, id)))


def region(catalogue: Catalogue, id: str) -> Titled:
    """A region."""
    known = catalogue.regions.get(id)
    return Titled(id=id, title=words(known.title if known else Text(id, id)))


def words(text: Text) -> Words:
    """A text of the catalogue as a document has it."""
    return Words(zh=text.zh, en=text.en)
