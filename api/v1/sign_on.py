"""The city's single sign-on: to the provider and back, with a session for whoever is known here."""

from __future__ import annotations

import re
import secrets
from functools import partial
from typing import Annotated, Any

import structlog
from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse

from api.access import browsers
from api.access.door import address
from api.access.limits import Limits
from api.access.single_sign_on import Flow, Identity, Reason, SignOnError, SingleSignOn
from api.context import Context, Using
from api.v1 import new_router
from api.web.language import Language
from api.web.problems import Refusal, responses
from citybrain.access import sessions
from citybrain.store.connection import Connection

router = new_router("sessions", foreign_parameters=True)
log = structlog.get_logger()

COOKIE = "citybrain_sign_on"
PATH = "/api/v1/session/sign-on"
LASTS_S = 600  # seconds to type a password at the provider
_CARRIED = re.compile(r"([\w-]{43})\.(zh|en)", re.ASCII)  # the flow's secret, and the language to come back to

_ELSEWHERE: dict[int | str, dict[str, Any]] = {
    303: {"description": "To the page, or the provider, that `Location` names."}
}
Text = Annotated[str | None, Query(max_length=4096)]


@router.get(
    "/session/sign-on", status_code=303, response_class=RedirectResponse, responses={**responses(404), **_ELSEWHERE}
)
async def to_the_provider(request: Request, lang: Language = "zh") -> Response:
    """Go to the city's single sign-on. For browsers: from there they come back with a session, to the cockpit.

    If it is away, they go back to the cockpit, which says so.
    """
    sign_on = await _configured(request)
    flow = Flow.new()
    try:
        response = RedirectResponse(await sign_on.address(flow), 303)
    except SignOnError as error:
        return _back(error, lang)
    response.set_cookie(
        COOKIE,
        f"{flow.secret}.{lang}",
        max_age=LASTS_S,
        path=PATH,
        httponly=True,
        samesite="lax",
        secure=browsers.is_secure(request),
    )
    return response


@router.get(
    "/session/sign-on/callback",
    status_code=303,
    response_class=RedirectResponse,
    responses={**responses(404), **_ELSEWHERE},
)
async def from_the_provider(
    request: Request, context: Using, code: Text = None, state: Text = None, error: Text = None, iss: Text = None
) -> Response:
    """Come back from the city's single sign-on, to the cockpit: signed in, or told why not (`?sign_on=REASON`)."""
    sign_on = await _configured(request)
    carried = _CARRIED.fullmatch(request.cookies.get(COOKIE, ""))
    language: Language = "en" if carried and carried[2] == "en" else "zh"
    flow = Flow(carried[1]) if carried else None
    try:
        identity = await _identified(sign_on, flow, code, state, error, iss)
        secret = await context.write(partial(_begin, identity=identity, request=request, context=context))
    except SignOnError as refused:
        response = _back(refused, language)
    else:
        response = _to_cockpit(language)
        browsers.keep(response, request, secret, context)
    response.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="lax", secure=browsers.is_secure(request))
    return response


async def _configured(request: Request) -> SingleSignOn:
    limits: Limits = request.app.state.limits
    await limits.spend("sign_ins", f"address {address(request)}")
    sign_on: SingleSignOn = request.app.state.sign_on
    if not sign_on.is_configured:
        raise Refusal(
            404, "There is no single sign-on here: sign in with a password.", "未配置单点登录：请用密码登录。"
        )
    return sign_on


async def _identified(
    sign_on: SingleSignOn, flow: Flow | None, code: str | None, state: str | None, error: str | None, iss: str | None
) -> Identity:
    """Who came back, provided that they left from here and the provider let them go."""
    if flow is None or state is None or not secrets.compare_digest(state.encode(), flow.state.encode()):
        raise SignOnError("refused", "No sign-on was begun in this browser, or too long ago.")
    if iss is not None and iss != sign_on.issuer:  # mixed up with another provider: RFC 9207
        raise SignOnError("refused", "The answer is of another provider.")
    if error is not None or code is None:
        raise SignOnError("refused", f"The provider did not sign anybody on: {(error or 'no code')[:100]!r}.")
    return await sign_on.identity(code, flow)


def _begin(connection: Connection, identity: Identity, request: Request, context: Context) -> str:
    person = sessions.signed_on(connection, *identity)
    if person is None:
        raise SignOnError("unknown", f"Nobody here is {identity.name!r} of the single sign-on.")
    return browsers.begin(connection, person.person_id, person.name, "session.sign_on", request, context)


def _back(error: SignOnError, language: Language) -> Response:
    """To the cockpit, whose sign-in says what the matter is."""
    log.warning("single sign-on failed", reason=error.reason, error=str(error)[:300])
    return _to_cockpit(language, error.reason)


def _to_cockpit(language: Language, reason: Reason | None = None) -> Response:
    words = [f"sign_on={reason}"] * bool(reason) + ["lang=en"] * (language == "en")
    return RedirectResponse("/" + "?" * bool(words) + "&".join(words), 303)
