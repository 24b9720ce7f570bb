"""What rules may speak of, taken from the catalogue, and as bytes to be stored with the rules."""

from __future__ import annotations

import msgspec

from citybrain.catalogue.model import Catalogue
from rules.model import SiteAttribute, Vocabulary


def vocabulary(catalogue: Catalogue) -> Vocabulary:
    """The regions, the domains, and the attributes of sites of all domains."""
    attributes = {
        name: SiteAttribute(attribute.kind, attribute.unit)
        for domain in catalogue.domains.values()
        for name, attribute in domain.site_attributes.items()
    }
    return Vocabulary(catalogue.regions, catalogue.domains, attributes)


def encode(words: Vocabulary) -> bytes:
    """As JSON."""
    return msgspec.json.encode(words)


def decode(data: bytes | str) -> Vocabulary:
    """From the JSON that `encode` gave."""
    return msgspec.json.decode(data, type=Vocabulary)
