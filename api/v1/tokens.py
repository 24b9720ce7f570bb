"""Tokens of systems: for administrators, each within his own regions and domains."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import Path, Query, Response
from pydantic import AwareDatetime, BaseModel, Field

from api.access import scopes
from api.access.door import Administrator
from api.access.scopes import Domains, Name, Regions, Titled
from api.context import Using
from api.v1 import new_router
from api.web.bodies import Body
from api.web.changes import Changing
from api.web.pages import Cursor, Limit, Page, decode, encode
from api.web.problems import responses
from citybrain.access import tokens
from citybrain.access.model import Role
from citybrain.access.tokens import Filter, NewToken
from citybrain.catalogue.model import Catalogue
from citybrain.store.connection import Connection

router = new_router("tokens")


class TokenEntry(BaseModel):
    """What a system may do; its secret is nowhere."""

    id: int = Field(examples=[7])
    name: str = Field(examples=["grid-platform"])
    role: Role
    regions: list[Titled] | None = Field(description="Each with all regions below it; null: all.")
    domains: list[Titled] | None = Field(description="null: all.")
    created_at: datetime
    created_by: str = Field(examples=["admin"])
    expires_at: datetime
    revoked_at: datetime | None
    revoked_by: str | None = Field(examples=["admin"])
    used_on: date | None = Field(description="The day it was last used (UTC).")


class TokenMade(BaseModel):
    """A token, with the secret that is told only now."""

    token: TokenEntry
    secret: str = Field(description="For the header `Authorization: Bearer SECRET`.", examples=["cbt_" + "x" * 43])


class TokenToAdd(Body):
    """A token that shall be."""

    name: Name = Field(examples=["grid-platform"])
    role: Role
    regions: Regions = None
    domains: Domains = None
    expires_at: AwareDatetime | None = Field(
        None, description=f"{tokens.LONGEST.days} days from now at most; null: in {tokens.LASTS.days} days."
    )


@router.get("/tokens", responses=responses(400))
async def list_tokens(
    context: Using,
    principal: Administrator,
    created_by: Annotated[str | None, Query(max_length=128, description="Exactly this one.")] = None,
    valid: Annotated[bool | None, Query(description="Neither expired nor revoked; false: one of both.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[TokenEntry]:
    """Tokens whose regions and domains are all within one's own, by name."""
    after = decode(cursor, tuple[str])[0] if cursor else None
    wanted, now = Filter(created_by, valid), context.clock()
    found = await context.write(
        lambda connection: tokens.page(connection, principal.scope, wanted, now, after, limit + 1)
    )
    entries = [_entry(token, context.catalogue) for token in found[:limit]]
    return Page(items=entries, next=encode([entries[-1].name]) if len(found) > limit else None)


@router.post("/tokens", status_code=201, response_model=TokenMade, responses=responses(409))
async def add_token(context: Using, principal: Administrator, changes: Changing, body: TokenToAdd) -> Response:
    """Make a token, within one's own regions and domains; its secret is told only in this answer."""
    now = context.clock()

    def add(connection: Connection) -> TokenMade:
        new = NewToken(body.name, body.role, body.expires_at or now + tokens.LASTS, body.regions, body.domains)
        secret = tokens.add(connection, new, principal.label, now, principal.scope)
        made = tokens.find(connection, body.name, principal.scope)
        return TokenMade(token=_entry(made, context.catalogue), secret=secret)

    details = body.model_dump(mode="json", exclude={"name"})
    return await changes.make("token.add", f"token {body.name}", add, details=details, status=201, secret=True)


@router.delete("/tokens/{id}", response_model=TokenEntry, responses=responses(404))
async def revoke_token(
    context: Using,
    principal: Administrator,
    changes: Changing,
    id: Annotated[int, Path(ge=1, le=2147483647, examples=[7])],
) -> Response:
    """Revoke a token: it ends now, and stays in the list."""
    now = context.clock()

    def revoke(connection: Connection) -> TokenEntry:
        return _entry(tokens.revoke(connection, id, principal.scope, principal.label, now), context.catalogue)

    return await changes.make("token.revoke", f"token {id}", revoke)


def _entry(token: tokens.Token, catalogue: Catalogue) -> TokenEntry:
    return TokenEntry(
        id=token.id,
        name=token.name,
        role=token.role,
        regions=scopes.regions(token.regions, catalogue),
        domains=scopes.domains(token.domains, catalogue),
        created_at=token.created_at,
        created_by=token.created_by,
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
        revoked_by=token.revoked_by,
        used_on=token.used_on,
    )
