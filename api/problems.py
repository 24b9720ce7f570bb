"""Errors as problem details (RFC 9457): one JSON object that says what is wrong and what to do."""

from __future__ import annotations

from http import HTTPStatus

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from api.security import HEADERS
from citybrain.store.boards import UNAVAILABLE

log = structlog.get_logger()

RETRY_S = "2"  # seconds, for the header Retry-After


class Problem(BaseModel):
    """A problem; `type` is `about:blank` where the status says it all."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = Field(description="A sentence: what is wrong and what to do.")


class ProblemResponse(JSONResponse):
    """A problem on its way."""

    media_type = "application/problem+json"


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _unexpected)
    for kind in UNAVAILABLE:
        app.add_exception_handler(kind, _unavailable)


def respond(
    status: int, detail: str, *, kind: str = "about:blank", headers: dict[str, str] | None = None
) -> ProblemResponse:
    """The response that carries a problem."""
    problem = Problem(type=kind, title=HTTPStatus(status).phrase, status=status, detail=detail)
    return ProblemResponse(problem.model_dump(), status, headers)


async def _http(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  what it is registered for
    detail = f"There is nothing at {request.url.path}." if error.status_code == 404 else str(error.detail)
    return respond(error.status_code, detail, headers=dict(error.headers or {}))


async def _invalid(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  what it is registered for
    wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
    return respond(422, f"The request can't be understood. {wrong}.")


async def _unavailable(request: Request, error: Exception) -> ProblemResponse:
    log.warning("database away", path=request.url.path, error=" ".join(str(error).split())[:200])
    if isinstance(error, psycopg.errors.UndefinedTable):
        detail = "The database lacks our tables: run `citybrain db migrate`."
    else:
        detail = "The database can't be read at present: see /health/ready, and try again."
    return respond(503, detail, kind="urn:citybrain:problem:database", headers={"Retry-After": RETRY_S})


async def _unexpected(request: Request, error: Exception) -> ProblemResponse:
    log.error("request failed", path=request.url.path, exc_info=error)
    # This answer is made outside of all middleware.
    return respond(500, "Something went wrong here; the log says what.", headers=HEADERS)
