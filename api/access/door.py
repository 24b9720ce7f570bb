"""Who asks, and whether they may: sessions by cookie, tokens by `Authorization: Bearer`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

import structlog
from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from api.access.limits import Limits
from api.access.turns import caller
from api.context import Context, Using
from api.web.problems import Refusal
from citybrain.access import authentication
from citybrain.access.model import Principal, Role
from citybrain.access.secrets import TOKEN_PREFIX

COOKIE = "citybrain_session"
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}

_bearer = HTTPBearer(auto_error=False, description="A token of `citybrain token add`, for systems.")
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="A person's session, made by signing in.")

_TITLES_ZH: dict[Role, str] = {
    "viewer": "查看者",
    "operator": "值班员",
    "engineer": "工程师",
    "administrator": "管理员",
}


async def known(
    request: Request,
    context: Using,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    session: Annotated[str | None, Depends(_cookie)],
) -> Principal:
    """Who asks.

    Raises:
        Refusal: 401 nobody we know; 403 another site makes the browser ask; 429 too often.
    """
    person = session if session and not session.startswith(TOKEN_PREFIX) else None  # tokens are no cookies
    secret = bearer.credentials if bearer else person
    limits: Limits = request.app.state.limits
    principal = await find(context, secret) if secret else None
    if principal is None:
        await limits.spend("reads", f"address {address(request)}")
        raise Refusal(
            401,
            "Sign in, or send a token that is valid: `Authorization: Bearer TOKEN`.",
            "请登录，或发送有效的令牌：`Authorization: Bearer TOKEN`。",
            kind="access",
            headers={"WWW-Authenticate": 'Bearer realm="citybrain"'},
        )
    safe = request.method in SAFE_METHODS
    if not bearer and not safe:
        check_origin(request)
    await limits.spend("reads" if safe else "changes", f"{principal.kind} {principal.id}")
    request.scope["state"]["actor"] = principal.label
    request.scope["state"]["secret"] = secret  # a stream asks again by it
    structlog.contextvars.bind_contextvars(actor=principal.label)
    caller.set(principal.label)
    return principal


async def find(context: Context, secret: str) -> Principal | None:
    """Who holds a secret now; None: nobody."""
    async with context.doors.connection() as connection:
        return await authentication.principal(connection, secret, context.clock())


def require(role: Role) -> Callable[[Principal], Awaitable[Principal]]:
    """A dependency that lets through who has that role, or one above."""

    async def may(principal: Annotated[Principal, Depends(known)]) -> Principal:
        if not principal.may(role):
            raise Refusal(
                403,
                f"This needs the role {role}; {principal.label} is {principal.role}.",
                f"此操作需要{_TITLES_ZH[role]}角色；{principal.label} 是{_TITLES_ZH[principal.role]}。",
                kind="role",
            )
        return principal

    may.role = role  # type: ignore[attr-defined]  # for `required`
    return may


def required(dependant: Dependant) -> Role | None:
    """The role that an endpoint asks for by `require`; None: none."""
    for dependency in dependant.dependencies:
        role: Role | None = getattr(dependency.call, "role", None) or required(dependency)
        if role is not None:
            return role
    return None


def check_origin(request: Request) -> None:
    """Refuse what another site makes a browser send with our cookie.

    Raises:
        Refusal: 403, it does not come from a page of ours.
    """
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site")
    if site not in (None, "same-origin", "none") or (origin and urlsplit(origin).netloc != request.url.netloc):
        raise Refusal(
            403,
            "A page of another site may not act with your session.",
            "其他网站的页面不得使用您的会话进行操作。",
            kind="origin",
        )


def address(request: Request) -> str:
    """Where a request comes from; behind a proxy that is told to trust, whom it names."""
    return request.client.host if request.client else "unknown"


async def on_this_machine_or_known(
    request: Request,
    context: Using,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    session: Annotated[str | None, Depends(_cookie)],
) -> None:
    """Let through a program on this machine that asks directly, not through a proxy, and whoever is known.

    Raises:
        Refusal: as `known`; 403, they don't see all of the city.
    """
    # By another name came a proxy, or a page of somebody else's.
    direct = is_loopback(request.url.hostname or "") and not any(
        name in request.headers for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via")
    )
    if direct and is_loopback(address(request)):
        return
    principal = await known(request, context, bearer, session)
    if not principal.scope.is_everything:
        raise Refusal(403, "This is about the whole city.", "此内容涉及整个城市。", kind="role")


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's only."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


Viewer = Annotated[Principal, Depends(require("viewer"))]
Operator = Annotated[Principal, Depends(require("operator"))]
Engineer = Annotated[Principal, Depends(require("engineer"))]
Administrator = Annotated[Principal, Depends(require("administrator"))]
