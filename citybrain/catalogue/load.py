"""Loads the catalogue from a folder: `regions/*.yaml`, `domains/<id>/domain.yaml` and `page.yaml`, `sites/*.yaml`.

Sites may also stand in a second folder, for what a program has written of them. For maps there may be
`regions/*.geojson` and `networks/*.geojson`, too.
"""

from __future__ import annotations

from pathlib import Path
from pkgutil import iter_modules
from typing import TypeVar

from pydantic import BaseModel, ValidationError

import citybrain.derived
from citybrain.catalogue import maps, messages, page_references, references, schema
from citybrain.catalogue.document import Document, read
from citybrain.catalogue.errors import CatalogueError, Problem
from citybrain.catalogue.model import Catalogue
from citybrain.catalogue.pages import Page, default_page

_File = TypeVar("_File", bound=BaseModel)


def load(root: Path, more_sites: Path | None = None) -> Catalogue:
    """The catalogue in the folder `root`, with the sites of `more_sites`, checked as a whole.

    Among its regions, parents come first.

    References between entries are only checked when every file is YAML: what an unreadable file holds
    can't be known.

    Raises:
        CatalogueError: with every mistake in every file.
    """
    regions = _read(root, "regions", "*.yaml")
    domains = _read(root, "domains", "*/domain.yaml")
    pages = _read(root, "domains", "*/page.yaml")
    sites = _read(root, "sites", "*.yaml")
    if more_sites is not None:
        sites += _read(more_sites.parent, more_sites.name, "*.yaml")
    region_files = _checked(regions, schema.RegionsFile)
    domain_files = _checked(domains, schema.DomainFile)
    page_files = _checked(pages, Page)
    site_files = _checked(sites, schema.SitesFile)
    documents = [*regions, *domains, *pages, *sites]
    if all(document.readable for document in documents):
        functions = [module.name for module in iter_modules(citybrain.derived.__path__)]
        references.check(regions, domains, sites, functions)
        page_references.check(pages, domains)
    problems = [problem for document in documents for problem in document.problems]
    known = [id_ for document in regions for id_, _ in document.entries("regions")]
    outlines = maps.outlines(root, known, problems)
    networks = maps.networks(
        root / "networks", known, [references.domain_of(document) for document in domains], problems
    )
    for files, pattern in ((regions, "regions/*.yaml"), (domains, "domains/*/domain.yaml")):
        if not files:
            message = f"expected at least one file {pattern} here; is this the catalogue's folder?"
            problems.append(Problem(str(root), 1, 1, "", message))
    if problems:
        raise CatalogueError(problems)
    found = [entry.region(id_) for file in region_files for id_, entry in file.regions.items()]
    described = {
        id_: file.domain(id_) for id_, file in zip(map(references.domain_of, domains), domain_files, strict=True)
    }
    written = dict(zip(map(references.domain_of, pages), page_files, strict=True))
    return Catalogue(
        regions={region.id: region for region in sorted(found, key=lambda r: references.LEVELS.index(r.level))},
        domains=described,
        sites={
            id_: entry.site(id_, described[entry.domain].site_attributes)
            for file in site_files
            for id_, entry in file.sites.items()
        },
        devices={
            (device.region, device.domain, device.name): device
            for file in site_files
            for id_, site in file.sites.items()
            for device in site.devices_at(id_)
        },
        pages={id_: written.get(id_) or default_page(domain) for id_, domain in described.items()},
        outlines=outlines,
        networks=networks,
    )


def _read(root: Path, folder: str, pattern: str) -> list[Document]:
    """The files of a folder in the order of their names."""
    return [read(path, path.relative_to(root).as_posix()) for path in sorted((root / folder).glob(pattern))]


def _checked(documents: list[Document], model: type[_File]) -> list[_File]:
    """The files that are as their kind should be; the problems of the others are reported to them."""
    kind = schema.json_schema(model)
    files = []
    for document in filter(lambda document: document.readable, documents):
        try:
            files.append(model.model_validate(document.tree))
        except ValidationError as error:
            messages.report(document, kind, error.errors(include_url=False))
    return files
