"""Errors as problem details (RFC 9457): one JSON object that says what is wrong and what to do, in zh or en."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from api.views.cases import Standing
from api.web.language import language
from api.web.security import HEADERS
from citybrain.access.model import Clash, Denied, Missing
from citybrain.devices.dynsec import BrokerError
from citybrain.errors import Correctable
from citybrain.store.pools import UNAVAILABLE
from ingest.quarantine import BrokerAway, ReplayError
from rules.alerts.model import Conflict, NoAlert, NotYours

log = structlog.get_logger()

RETRY_S = "2"  # seconds, for the header Retry-After
SHOWN = 20  # mistakes that are told at once; a body of 2 MB may have hundreds of thousands

_TITLES: dict[int, str] = {
    400: "请求有误",
    401: "需要登录",
    403: "没有权限",
    404: "没有找到",
    405: "不支持此方法",
    406: "不支持所要求的格式",
    409: "状态冲突",
    412: "内容已被他人更改",
    413: "内容过大",
    415: "不支持此内容类型",
    422: "内容不正确",
    429: "请求过于频繁",
    500: "服务器内部错误",
    503: "暂时不可用",
}

# The status of what a function of ours refuses; the first class that fits. All else that is Correctable is 422.
_STATUS: Mapping[type[Correctable], int] = {
    NoAlert: 404,
    Missing: 404,
    Denied: 403,
    NotYours: 403,
    Conflict: 409,
    Clash: 409,
    BrokerAway: 503,
    ReplayError: 409,
    BrokerError: 503,
}


class Mistake(BaseModel):
    """One thing in a request that can't be understood."""

    where: str = Field(description="`query.limit`, `body.until` ...", examples=["query.from"])
    what: str = Field(examples=["Input should have timezone info"])


class Problem(BaseModel):
    """A problem; `type` is `about:blank` where the status says it all."""

    type: str = Field("about:blank", examples=["urn:citybrain:problem:cursor"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(description="A sentence: what is wrong and what to do.", examples=["There is no alert 7."])
    instance: str | None = Field(None, description="`urn:citybrain:request:ID`; the log knows the request by it.")
    errors: list[Mistake] = Field([], description="Mistakes of a request, where there may be several: the first 20.")
    alert: Standing | None = Field(None, description="Where an alert stands that somebody else changed meanwhile.")


class ProblemResponse(JSONResponse):
    """A problem on its way."""

    media_type = "application/problem+json"


class Refusal(Exception):
    """What an endpoint can't or won't do, with the words for it in both languages."""

    def __init__(
        self,
        status: int,
        en: str,
        zh: str,
        kind: str = "about:blank",
        headers: Mapping[str, str] | None = None,
        alert: Standing | None = None,
    ) -> None:
        super().__init__(en)
        self.status = status
        self.zh = zh
        self.kind = kind if kind == "about:blank" else f"urn:citybrain:problem:{kind}"
        self.headers = dict(headers or {})
        self.alert = alert


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI document says of an endpoint that may answer with problems of these statuses."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {ProblemResponse.media_type: {"schema": schema}},
        }
        for status in sorted(statuses)
    }


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(Correctable, _correctable)
    app.add_exception_handler(psycopg.DataError, _unstorable)
    app.add_exception_handler(Exception, _unexpected)
    for kind in UNAVAILABLE:
        app.add_exception_handler(kind, _unavailable)


def respond(
    request: Request,
    status: int,
    en: str,
    zh: str,
    *,
    kind: str = "about:blank",
    headers: Mapping[str, str] | None = None,
    errors: list[Mistake] | None = None,
    alert: Standing | None = None,
) -> ProblemResponse:
    """The response that carries a problem, in the language of the request."""
    spoken = language(request)
    title = _TITLES.get(status) if spoken == "zh" else None
    problem = Problem(
        type=kind,
        title=title or HTTPStatus(status).phrase,
        status=status,
        detail=zh if spoken == "zh" else en,
        instance=_instance(request),
        errors=errors or [],
        alert=alert,
    )
    own = {"Content-Language": spoken, "Vary": "Accept-Language", **(headers or {})}
    said = {name: value for name, value in problem.model_dump(mode="json").items() if value is not None}
    return ProblemResponse(said, status, own)


def _instance(request: Request) -> str | None:
    number = request.scope.get("state", {}).get("request_id")
    return f"urn:citybrain:request:{number}" if number else None


async def _http(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  what it is registered for
    headers = dict(error.headers or {})
    if error.status_code == 404:
        path = request.url.path
        return respond(request, 404, f"There is nothing at {path}.", f"{path} 处没有内容。", headers=headers)
    if error.status_code == 400:  # FastAPI's word for a body that it can't read at all
        return await _invalid(request, RequestValidationError([{"loc": ("body",), "msg": str(error.detail)}]))
    zh = _TITLES.get(error.status_code, str(error.detail)) + "。"
    return respond(request, error.status_code, str(error.detail), zh, headers=headers)


async def _invalid(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101  what it is registered for
    found = error.errors()
    errors = [
        Mistake(where=".".join(map(str, e["loc"])), what=e["msg"].removeprefix("Value error, ")) for e in found[:SHOWN]
    ]
    wrong = "; ".join(f"{mistake.where}: {mistake.what}" for mistake in errors)
    more = len(found) - len(errors)
    return respond(
        request,
        422,
        f"The request can't be understood. {wrong}" + (f"; and {more} more." if more else "."),
        f"无法理解此请求：{wrong}" + (f"；另有 {more} 处。" if more else "。"),
        kind="urn:citybrain:problem:request",
        errors=errors,
    )


async def _refused(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, Refusal)  # noqa: S101  what it is registered for
    return respond(
        request, error.status, str(error), error.zh, kind=error.kind, headers=error.headers, alert=error.alert
    )


async def _correctable(request: Request, error: Exception) -> ProblemResponse:
    assert isinstance(error, Correctable)  # noqa: S101  what it is registered for
    return respond(request, status_of(error), str(error), error.zh)


def status_of(error: Correctable) -> int:
    """The status of what a function of ours refuses."""
    return next((number for kind, number in _STATUS.items() if isinstance(error, kind)), 422)


async def _unstorable(request: Request, error: Exception) -> ProblemResponse:
    """A text with a NUL, a number or a time beyond what PostgreSQL has."""
    reason = " ".join(str(error).split())[:200]
    return respond(
        request,
        422,
        f"The request holds a value that the database can't take: {reason}.",
        f"请求中含有数据库无法接受的值：{reason}。",
        kind="urn:citybrain:problem:request",
    )


async def _unavailable(request: Request, error: Exception) -> ProblemResponse:
    log.warning("database away", path=request.url.path, error=" ".join(str(error).split())[:200])
    if isinstance(error, psycopg.errors.UndefinedTable):
        en = "The database lacks our tables: run `citybrain db migrate`."
        zh = "数据库缺少本平台的表：请运行 `citybrain db migrate`。"
    else:
        en = "The database can't be read at present: see /health/ready, and try again."
        zh = "暂时无法读取数据库：请查看 /health/ready，稍后再试。"
    return respond(request, 503, en, zh, kind="urn:citybrain:problem:database", headers={"Retry-After": RETRY_S})


async def _unexpected(request: Request, error: Exception) -> ProblemResponse:
    log.error("request failed", path=request.url.path, exc_info=error)
    # This answer is made outside of all middleware.
    en, zh = "Something went wrong here; the log says what.", "服务器出错，详情见日志。"
    return respond(request, 500, en, zh, headers=HEADERS)
