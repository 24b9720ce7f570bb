"""The endpoints below /api/v1, one module for each kind of thing."""

from __future__ import annotations

from importlib import import_module

from fastapi import APIRouter
from fastapi.routing import APIRoute

from api.access.door import required
from api.web.problems import responses

MODULES = (
    "status",
    "stream",
    "sessions",
    "sign_on",
    "people",
    "tokens",
    "audit",
    "catalogue",
    "series",
    "readings",
    "datasets",
    "devices",
    "alerts",
    "handling",
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


def new_router(tag: str) -> APIRouter:
    """A router whose endpoints are listed under `tag`, and may answer with the problems that any of ours may."""
    return APIRouter(tags=[tag], responses=responses(401, 403, 422, 429, 503))
