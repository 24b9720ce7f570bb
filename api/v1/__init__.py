"""The endpoints below /api/v1, one module for each kind of thing."""

from __future__ import annotations

from importlib import import_module

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute

from api.access.door import required
from api.web.parameters import only_known
from api.web.problems import responses

MODULES = (
    "status",
    "overview",
    "stream",
    "sessions",
    "sign_on",
    "people",
    "tokens",
    "audit",
    "catalogue",
    "pages",
    "map",
    "series",
    "readings",
    "datasets",
    "devices",
    "alerts",
    "handling",
    "presence",
    "watches",
    "crews",
    "duty",
    "handovers",
    "silences",
    "statistics",
    "rules",
    "plans",
    "quarantine",
    "ledger",
)


ROLE = "x-role"
"""In the OpenAPI document: the least role that an operation asks for."""


def routers() -> list[APIRouter]:
    """The router of each module, in the order in which the reference lists them."""
    found: list[APIRouter] = [import_module(f"api.v1.{name}").router for name in MODULES]
    for router in found:
        for route in router.routes:
            if isinstance(route, APIRoute) and (role := required(route.dependant)):
                route.openapi_extra = {**(route.openapi_extra or {}), ROLE: role}
    return found


def new_router(tag: str, *, body_bytes: int | None = None, foreign_parameters: bool = False) -> APIRouter:
    """A router whose endpoints are listed under `tag`, and may answer with the problems that any of ours may.

    Args:
        tag: what the reference lists them under.
        body_bytes: what a body may have at most; None: as any.
        foreign_parameters: others add parameters of their own to its paths, as a provider of single sign-on does.
    """
    common = responses(401, 403, 422, 429, 503)
    strict = [] if foreign_parameters else [Depends(only_known)]
    return APIRouter(tags=[tag], responses=common, dependencies=strict, max_body_size=body_bytes)
