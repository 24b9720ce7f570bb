"""Sessions: signing in and out, who one is, one's own password."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Literal

from fastapi import Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, SecretStr

from api.access import browsers, scopes
from api.access.door import Viewer, address, check_origin, find
from api.access.hashing import hashing
from api.access.limits import Budget, Limits
from api.access.scopes import Titled
from api.context import Context, Using
from api.live import feed
from api.v1 import new_router
from api.views.documents import Words
from api.views.rows import rows
from api.web.bodies import Body
from api.web.changes import Changes, Changing
from api.web.pages import Cursor, Limit, Page, decode, encode
from api.web.problems import Refusal, responses
from citybrain.access import audit, passwords, people, sessions
from citybrain.access.model import Principal, Role, Scope
from citybrain.access.sessions import NotAdmitted, Try
from citybrain.store.connection import Connection

router = new_router("sessions", body_bytes=10_000)

Password = Annotated[SecretStr, Field(min_length=1, max_length=passwords.LONGEST)]


class Options(BaseModel):
    """Ways to sign in here."""

    password: Literal[True] = True
    single_sign_on: bool = Field(description="`GET /api/v1/session/sign-on` leads to the city's single sign-on.")


class Credentials(Body):
    """Who wants to sign in."""

    name: str = Field(max_length=64, examples=["li.na"])
    password: Password = Field(examples=["a sentence is easy to remember"])


class Me(BaseModel):
    """Who asks, and what they may see and do."""

    kind: Literal["person", "token"]
    name: str = Field(examples=["li.na"])
    title: str = Field(examples=["李娜"])
    role: Role
    place: Words | None = Field(description="The first region of the scope; of everything, the city with most sites.")
    regions: list[Titled] | None = Field(description="Each with all regions below it; null: all.")
    domains: list[Titled] | None = Field(description="null: all.")
    crew: str | None = Field(description="A member of a crew acts only on what it was sent.", examples=["crew-1"])
    expires_at: datetime = Field(description="Until then at the latest, this holds.")
    now: datetime = Field(description="The server's clock.")
    time_zone: str = Field(description="The city's.", examples=["Asia/Shanghai"])
    grafana: str | None = Field(
        description="Address of the Grafana that has our boards; null: none is known.",
        examples=["https://grafana.example.org"],
    )
    event: int = Field(
        description="The newest event of an alert: lists that are read from now on, with a stream of "
        "`last_event_id` so much, have no gap between them.",
        examples=[4711],
    )


class Ended(BaseModel):
    """What is over."""

    ended: Literal[True] = True


class NewPassword(Body):
    """The password in use, and the one to come."""

    present: Password = Field(examples=["what was told to me once"])
    new: Password = Field(
        description=f"{passwords.SHORTEST} characters or more.", examples=["a sentence is easy to remember"]
    )


class SessionEntry(BaseModel):
    """A session of one's own."""

    id: str = Field(examples=["5f2b8c1d0a9e7f36"])
    created_at: datetime
    expires_at: datetime
    address: str = Field(description="Where it was begun.", examples=["192.0.2.7"])
    agent: str = Field(description="What the browser calls itself.", examples=["Mozilla/5.0"])
    present: bool = Field(description="It is the one that asks.")


@router.get("/session/options")
async def sign_in_options(request: Request) -> Options:
    """How one can sign in here. Open to all."""
    await _spend(request, "reads")
    return Options(single_sign_on=request.app.state.sign_on.is_configured)


@router.post("/session", response_model=Me)
async def sign_in(request: Request, context: Using, given: Credentials) -> Response:
    """Sign in with a password: a new session, as a cookie.

    The answer is the same whether the name is unknown, the password wrong, or the person locked out.
    """
    check_origin(request)
    await _spend(request, "sign_ins")
    name, password = given.name.strip().lower(), given.password.get_secret_value()
    try:
        right = await _right(request, context, name, password)
        renewed = await hashing(passwords.renewed, right.password_hash, password)
        secret = await context.write(partial(_begin, right=right, renewed=renewed, request=request, context=context))
    except NotAdmitted as refused:
        raise Refusal(
            401, str(refused), refused.zh, kind="sign_in", headers={"WWW-Authenticate": 'Bearer realm="citybrain"'}
        ) from None
    principal = await find(context, secret)
    assert principal is not None  # noqa: S101  the session has just begun
    response = JSONResponse((await _me(principal, context)).model_dump(mode="json"))
    browsers.keep(response, request, secret, context)
    return response


@router.get("/session")
async def who_am_i(context: Using, principal: Viewer) -> Me:
    """Who asks: their role, and what they may see."""
    return await _me(principal, context)


@router.delete("/session", response_model=Ended)
async def sign_out(request: Request, principal: Viewer, changes: Changing) -> Response:
    """Sign out: the session ends, and no copy of its cookie is good for anything."""
    secret = _own_session(request, principal)

    def end(connection: Connection) -> Ended:
        sessions.end(connection, secret)
        return Ended()

    response = await changes.make("session.end", f"person {principal.name}", end)
    browsers.forget(response, request)
    return response


@router.put("/session/password", response_model=Ended)
async def change_own_password(request: Request, context: Using, principal: Viewer, given: NewPassword) -> Response:
    """Choose another password; all other sessions end. Wrong tries at the present one count as at signing in."""
    secret = _own_session(request, principal)
    new = given.new.get_secret_value()
    passwords.check(new, principal.name)
    try:
        await _right(request, context, principal.name, given.present.get_secret_value())
    except NotAdmitted as refused:
        raise Refusal(403, str(refused), refused.zh, kind="password") from None
    new_hash = await hashing(passwords.hashed, new)

    def change(connection: Connection) -> Ended:
        people.set_password(connection, principal.name, new_hash, Scope(), but=secret)
        return Ended()

    # Without an idempotency key: the digest of the request that is kept with it would be one of passwords.
    changes = Changes(request, context, principal, key=None)
    return await changes.make("person.password", f"person {principal.name}", change)


@router.get("/sessions", responses=responses(400))
async def own_sessions(
    request: Request, context: Using, principal: Viewer, cursor: Cursor = None, limit: Limit = 100
) -> Page[SessionEntry]:
    """One's own sessions that last, the newest first."""
    secret = _own_session(request, principal)
    after = decode(cursor, tuple[datetime, str]) if cursor else None
    now = context.clock()
    found = await context.write(
        lambda connection: sessions.of_person(connection, principal.id, secret, now, after, limit + 1)
    )
    entries = [SessionEntry.model_validate(session._asdict()) for session in found[:limit]]
    last = entries[-1] if len(found) > limit else None
    return Page(items=entries, next=encode((last.created_at, last.id)) if last else None)


@router.delete("/sessions/{id}", response_model=Ended, responses=responses(404))
async def end_own_session(
    request: Request,
    principal: Viewer,
    changes: Changing,
    id: Annotated[str, Path(pattern="^[0-9a-f]{16}$", examples=["5f2b8c1d0a9e7f36"])],
) -> Response:
    """End one of one's own sessions, such as that of a browser left open elsewhere."""
    _own_session(request, principal)

    def end(connection: Connection) -> Ended:
        sessions.end_by_id(connection, principal.id, id)
        return Ended()

    return await changes.make("session.end", f"person {principal.name}", end, details={"session": id})


async def _right(request: Request, context: Context, name: str, password: str) -> Try:
    """The try of a person whose password is right.

    Raises:
        NotAdmitted: it is wrong, or nobody of that name has tries left.
    """
    now = context.clock()
    taken = await context.write(partial(sessions.attempt, name=name, now=now))
    right = await hashing(passwords.matches, taken.password_hash if taken else None, password)
    if taken is not None and right:
        return taken
    # An unknown name is not kept: it may be a password in the wrong field.
    target = f"person {taken.name}" if taken else "nobody who has tries left"
    refused = browsers.entry(request, "nobody", "session.lock" if taken and taken.locks else "session.refuse", target)
    await context.write(partial(audit.add, entry=refused, now=now))
    raise NotAdmitted


def _begin(connection: Connection, right: Try, renewed: str | None, request: Request, context: Context) -> str:
    sessions.admit(connection, right, renewed)
    return browsers.begin(connection, right.person_id, right.name, "session.begin", request, context)


async def _me(principal: Principal, context: Context) -> Me:
    regions = scopes.regions(principal.scope.regions, context.catalogue)
    async with context.readers.connection() as reader:
        event = await feed.newest_event(reader)
        cities = await rows(reader, Words, "api_catalogue", "place")
    return Me(
        kind=principal.kind,
        name=principal.name,
        title=principal.title,
        role=principal.role,
        place=regions[0].title if regions else next(iter(cities), None),
        regions=regions,
        domains=scopes.domains(principal.scope.domains, context.catalogue),
        crew=principal.crew,
        expires_at=principal.expires_at,
        now=context.clock(),
        time_zone=context.settings.time_zone,
        grafana=context.settings.grafana_url.rstrip("/") or None,
        event=event,
    )


def _own_session(request: Request, principal: Principal) -> str:
    """The secret of the session that asks."""
    if principal.kind != "person":
        raise Refusal(403, "A token has no session: sign in.", "令牌没有会话：请登录。", kind="session")
    secret: str = request.scope["state"]["secret"]
    return secret


async def _spend(request: Request, budget: Budget) -> None:
    limits: Limits = request.app.state.limits
    await limits.spend(budget, f"address {address(request)}")
