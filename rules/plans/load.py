"""Loads the plans of the folder `plans/`, one file a document."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from citybrain.catalogue import messages
from citybrain.catalogue.document import Document, read
from citybrain.catalogue.errors import CatalogueError
from citybrain.catalogue.model import Catalogue
from citybrain.catalogue.schema import json_schema
from rules.plans.model import Indicator, Plan
from rules.plans.schema import PlanFile


class PlanError(CatalogueError):
    """The plans can't be used; the text has a line for each of `problems`, by file and line."""


def load(root: Path, catalogue: Catalogue) -> dict[str, Plan]:
    """The plans of `root`/plans by id, the file's name, checked as a whole.

    Raises:
        PlanError: with every mistake in every file.
    """
    documents = [read(path, path.relative_to(root).as_posix()) for path in sorted((root / "plans").glob("*.yaml"))]
    found: list[tuple[Document, Plan]] = []
    for document in documents:
        _check_regions(document, catalogue)
        if document.readable and (plan := _plan(document, catalogue)):
            found.append((document, plan))
    plans = {plan.id: plan for _, plan in found}
    # What a file that can't be used holds can't be known, so nothing is said against pointing there.
    if len(found) == len(documents):
        for document, plan in found:
            for indicator in plan.indicators.values():
                _check_successor(document, indicator, plans, catalogue)
    if problems := [problem for document in documents for problem in document.problems]:
        raise PlanError(problems)
    return plans


def indicators(plans: Mapping[str, Plan]) -> dict[str, Indicator]:
    """All indicators by plan/indicator, in the order of the files."""
    return {indicator.id: indicator for plan in plans.values() for indicator in plan.indicators.values()}


def _plan(document: Document, catalogue: Catalogue) -> Plan | None:
    try:
        file = PlanFile.model_validate(document.tree)
    except ValidationError as error:
        messages.report(document, json_schema(PlanFile), error.errors(include_url=False))
        return None
    inside = [region for own in file.regions if own in catalogue.regions for region in catalogue.below(own)]
    below = [region for region in dict.fromkeys(inside) if region not in file.regions]
    return file.plan(PurePosixPath(document.file).stem, below)


def _check_regions(document: Document, catalogue: Catalogue) -> None:
    regions = document.tree.get("regions")
    for position, region in enumerate(regions if isinstance(regions, list) else []):
        if isinstance(region, str) and region not in catalogue.regions:
            near = messages.hint(region, catalogue.regions)
            document.report(("regions", position), f"unknown region {region}{near}")


def _check_successor(document: Document, indicator: Indicator, plans: Mapping[str, Plan], catalogue: Catalogue) -> None:
    """An indicator that leads instead is there, is judged, means the same and comes from a later document."""
    if indicator.superseded_by is None:
        return
    known = indicators(plans)
    successor = known.get(indicator.superseded_by)
    steps = ("indicators", indicator.name, "superseded_by")
    if successor is None:
        near = messages.hint(indicator.superseded_by, known)
        document.report(steps, f"unknown indicator {indicator.superseded_by}{near}; expected plan/indicator")
        return
    if successor.superseded_by is not None:
        document.report(steps, f"{successor.id} is superseded itself; expected the one that leads")
    if successor.unit != indicator.unit:
        document.report(steps, f"expected an indicator in {indicator.unit}; {successor.id} is in {successor.unit}")
    reach = {inside for region in successor.regions for inside in catalogue.below(region)}
    for region in indicator.regions:
        if region in catalogue.regions and region not in reach:
            document.report(steps, f"{successor.id} does not bind region {region}")
    own, other = plans[indicator.plan].issued, plans[successor.plan].issued
    if own is not None and other is not None and other <= own:
        document.report(steps, f"the later document leads: {successor.plan} is of {other}, this one of {own}")
