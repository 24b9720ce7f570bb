"""Parameters of queries: one that an endpoint does not know is refused, for it may be one that it knows, misspelt."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute


async def only_known(request: Request) -> None:
    """Refuse a query with other parameters than the endpoint has.

    Raises:
        RequestValidationError: it has such.
    """
    route = request.scope["route"]
    if not isinstance(route, APIRoute):
        return
    known = set(_names(route.dependant))
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        hint = f"There is no such parameter; there are {', '.join(sorted(known)) or 'none'}"
        raise RequestValidationError([{"loc": ("query", name), "msg": hint} for name in dict.fromkeys(unknown)])


def _names(dependant: Dependant) -> Iterator[str]:
    for parameter in dependant.query_params:
        yield parameter.alias
    for dependency in dependant.dependencies:
        yield from _names(dependency)
