"""Checks that what a page names is there: metrics, kinds of sites, attributes and states of its domain.

Like `references`, they read the trees rather than checked models.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from citybrain.catalogue.document import Document, Steps
from citybrain.catalogue.messages import hint
from citybrain.catalogue.references import domain_of

TRUTH = ("true", "false")


def check(pages: list[Document], domains: list[Document]) -> None:
    """Report to each page what its names lack."""
    known = {domain_of(document): document for document in domains}
    for page in pages:
        domain = known.get(domain_of(page))
        if domain is None:
            page.report((), "there is no domain.yaml beside it, so it is the page of nothing")
            continue
        metrics = dict(domain.entries("metrics"))
        kinds, attributes = dict(domain.entries("site_kinds")), dict(domain.entries("site_attributes"))
        metric_keys = dict.fromkeys(("metric", "metrics", "also", "over", "deviation"), ("metric", metrics))
        named = {**metric_keys, "kinds": ("kind of site", kinds), "gather": ("attribute of sites", attributes)}
        _check_names(page, (), page.tree, named)
        for id_, panel in page.entries("panels"):
            _check_numbers(page, ("panels", id_), panel, metrics)
            _check_states(page, ("panels", id_, "states"), panel.get("states"), metrics)


def _check_names(page: Document, steps: Steps, value: Any, named: Mapping[str, tuple[str, Collection[str]]]) -> None:
    """Every key of the tree that names something names what there is."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        here = (*steps, key)
        if isinstance(key, str) and key in named:
            what, known = named[key]
            for at, name in [(here, inner)] if isinstance(inner, str) else _listed(here, inner):
                if name not in known:
                    page.report(at, f"unknown {what} {name}{hint(name, known) or _expected(known)}")
        _check_names(page, here, inner, named)


def _check_numbers(page: Document, steps: Steps, panel: Mapping[str, Any], metrics: Mapping[str, Any]) -> None:
    """What is drawn on an axis is a number."""
    for kind, keys in (("curve", ("metric", "over", "deviation")), ("tiles", ("metric",)), ("series", ("metrics",))):
        content = panel.get(kind)
        if not isinstance(content, dict):
            continue
        for key in keys:
            here = (*steps, kind, key)
            found = content.get(key)
            for at, name in [(here, found)] if isinstance(found, str) else _listed(here, found):
                if name in metrics and metrics[name].get("kind", "number") != "number":
                    page.report(at, f"{name} is no number and can't be drawn; its kind is {metrics[name]['kind']}")


def _check_states(page: Document, steps: Steps, states: Any, metrics: Mapping[str, Any]) -> None:
    if not isinstance(states, dict):
        return
    name = states.get("metric")
    normal = list(_listed((*steps, "normal"), states.get("normal")))
    if name is None:
        if normal:
            page.report((*steps, "normal"), "without a metric alerts and silence are counted; remove normal")
        return
    if not isinstance(name, str) or name not in metrics:
        return
    kind, codes = metrics[name].get("kind", "number"), metrics[name].get("states")
    if kind not in ("boolean", "state"):
        page.report((*steps, "metric"), f"expected a boolean or a state; {name} is of the kind {kind}")
        return
    known = TRUTH if kind == "boolean" else list(codes) if isinstance(codes, dict) else []
    for at, state in normal:
        if state not in known:
            page.report(at, f"unknown state {state} of {name}{hint(state, known) or _expected(known)}")


def _listed(steps: Steps, value: Any) -> list[tuple[Steps, str]]:
    """The texts of a list, each with its place."""
    found = enumerate(value) if isinstance(value, list) else ()
    return [((*steps, at), name) for at, name in found if isinstance(name, str)]


def _expected(known: Collection[str]) -> str:
    return f"; expected one of {', '.join(known)}" if 0 < len(known) <= 10 else ""
