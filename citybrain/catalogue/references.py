"""Checks that span entries and files: every name leads somewhere, and no two entries contradict each other.

They read the trees rather than checked models, so that one wrong key does not hide what else is wrong.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import Any, NamedTuple, get_args

from citybrain.catalogue.document import Document, Steps
from citybrain.catalogue.messages import hint
from citybrain.catalogue.model import RegionLevel
from citybrain.catalogue.schema import NAME, attribute

LEVELS = get_args(RegionLevel)  # from the widest to the narrowest


def check(regions: list[Document], domains: list[Document], sites: list[Document], functions: Collection[str]) -> None:
    """Report to each document what its references lack; `functions` are the names in `citybrain.derived`."""
    for document in domains:
        if not re.fullmatch(NAME, domain_of(document)):
            document.report((), "the folder's name is the domain's id: expected lower-case letters, digits and _")
    tree = _check_regions(regions)
    _check_derivations(domains, functions)
    _check_agreement(domains, "metrics", "number")
    _check_agreement(domains, "site_attributes", "text")
    _check_sites(sites, tree, {domain_of(document): document for document in domains})
    _check_devices(sites)


def domain_of(document: Document) -> str:
    """The id of the domain that a `domain.yaml` describes: its folder's name."""
    return PurePosixPath(document.file).parent.name


def _refer(document: Document, steps: Steps, name: Any, known: Collection[str], what: str) -> bool:
    """Whether `name` is known; reports it if it is a text and isn't."""
    if isinstance(name, str) and name not in known:
        document.report(steps, f"unknown {what} {name}{hint(name, known)}")
    return isinstance(name, str) and name in known


def _check_regions(documents: list[Document]) -> dict[str, dict[str, Any]]:
    """Check the tree of regions; returns the regions by id."""
    known: dict[str, dict[str, Any]] = {}
    homes: dict[str, Document] = {}
    for document in documents:
        for id_, region in document.entries("regions"):
            if id_ in homes:
                document.report(("regions", id_), f"the region is in {homes[id_].file} already")
            else:
                known[id_], homes[id_] = region, document
    for id_, region in known.items():
        steps: Steps = ("regions", id_, "parent")
        parent = region.get("parent")
        if not _refer(homes[id_], steps, parent, known, "region"):
            continue
        if cycle := _cycle(id_, known):
            homes[id_].report(steps, f"the region is inside itself: {' > '.join(cycle)}")
            continue
        inner, outer = region.get("level"), known[str(parent)].get("level")
        if inner in LEVELS and outer in LEVELS and LEVELS.index(inner) <= LEVELS.index(outer):
            homes[id_].report(steps, f"a {inner} can't lie in a {outer}, and {parent} is one")
    return known


def _cycle(id_: str, regions: dict[str, dict[str, Any]]) -> list[str]:
    """The way up from a region if it leads back to it, else nothing."""
    way = [id_]
    while (parent := regions.get(way[-1], {}).get("parent")) not in way:
        if not isinstance(parent, str):
            return []
        way.append(parent)
    return [*way, id_] if parent == id_ else []


def _check_derivations(documents: list[Document], functions: Collection[str]) -> None:
    for document in documents:
        metrics = [name for name, _ in document.entries("metrics")]
        derivations = document.tree.get("derivations")
        for index, derivation in enumerate(derivations if isinstance(derivations, list) else []):
            if not isinstance(derivation, dict):
                continue
            here = ("derivations", index)
            _refer(document, (*here, "function"), derivation.get("function"), functions, "function")
            inputs = derivation.get("inputs")
            for position, name in enumerate(inputs if isinstance(inputs, list) else []):
                _refer(document, (*here, "inputs", position), name, metrics, "metric")


def _check_agreement(documents: list[Document], section: str, default_kind: str) -> None:
    """What has one name is the same quantity in every domain: rules and boards go by the name."""
    first: dict[str, tuple[Document, dict[str, Any]]] = {}
    for document in documents:
        for name, entry in document.entries(section):
            other, known = first.setdefault(name, (document, entry))
            for key, default in (("unit", None), ("kind", default_kind)):
                here, there = entry.get(key, default), known.get(key, default)
                if here != there:
                    message = f"expected {there or 'none'} as in {other.file}, found {here or 'none'}"
                    document.report((section, name, key), message)


def _check_sites(documents: list[Document], regions: Collection[str], domains: dict[str, Document]) -> None:
    homes: dict[str, str] = {}
    for document in documents:
        for id_, site in document.entries("sites"):
            here: Steps = ("sites", id_)
            if homes.setdefault(id_, document.file) != document.file:
                document.report(here, f"the site is in {homes[id_]} already")
            _refer(document, (*here, "region"), site.get("region"), regions, "region")
            domain = site.get("domain")
            if _refer(document, (*here, "domain"), domain, domains, "domain"):
                kinds = dict(domains[str(domain)].entries("site_kinds"))
                _refer(document, (*here, "kind"), site.get("kind"), kinds, f"kind of a {domain} site")
                _check_attributes(document, here, site, domains[str(domain)])


def _check_attributes(document: Document, site_steps: Steps, site: dict[str, Any], domain: Document) -> None:
    declared = dict(domain.entries("site_attributes"))
    attributes = site.get("attributes")
    for name, text in (attributes if isinstance(attributes, dict) else {}).items():
        here = (*site_steps, "attributes", name)
        if name not in declared:
            advice = hint(name, declared) or f"; declare it under site_attributes in {domain.file}"
            document.report(here, f"unknown attribute {name}{advice}")
        elif isinstance(text, str):
            try:
                attribute(text, declared[name].get("kind", "text"))
            except ValueError as error:
                document.report(here, str(error))


class _Device(NamedTuple):
    document: Document
    site: str
    name: str
    entry: dict[str, Any]

    def report(self, message: str, *key: str) -> None:
        self.document.report(("sites", self.site, "devices", self.name, *key), message)


def _check_devices(documents: list[Document]) -> None:
    """A topic has a device's region, domain and name, so the name is unique there; so is its gateway's."""
    groups: dict[tuple[str, str], dict[str, _Device]] = defaultdict(dict)
    for document in documents:
        for id_, site in document.entries("sites"):
            group = groups[str(site.get("region")), str(site.get("domain"))]
            devices = site.get("devices")
            for name, entry in (devices if isinstance(devices, dict) else {}).items():
                device = _Device(document, id_, name, entry if isinstance(entry, dict) else {})
                first = group.setdefault(name, device)
                if first.site != id_:
                    device.report(f"a device of site {first.site} has this name, region and domain already")
    for (region, domain), group in groups.items():
        for device in group.values():
            gateway = device.entry.get("gateway")
            if not isinstance(gateway, str):
                continue
            if gateway not in group:
                near = hint(gateway, group)
                device.report(f"unknown device of {region}/{domain} {gateway}{near}", "gateway")
            elif "gateway" in group[gateway].entry:
                device.report(f"{gateway} hangs on a gateway itself; expected a gateway", "gateway")
