"""The audit: who changed what, when, from where."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query
from pydantic import AwareDatetime, BaseModel, Field

from api.access.door import Administrator
from api.context import Using
from api.v1 import new_router
from api.web.pages import Cursor, Limit, Page, decode, encode
from api.web.problems import Refusal, responses
from citybrain.access import audit

router = new_router("audit")


class AuditEntry(BaseModel):
    """One change, or somebody who came in or was not let in."""

    id: int = Field(examples=[42])
    at: datetime
    actor: str = Field(description="A person's name, `token:NAME`, `command:USER`, or `nobody`.", examples=["li.na"])
    action: str = Field(examples=["alert.confirm"])
    target: str = Field(examples=["alert 7"])
    details: dict[str, Any] = Field(description="What else there is to say; never a secret.")
    address: str | None = Field(description="Where it came from; null: the command line.", examples=["192.0.2.7"])
    request_id: str | None = Field(description="By which the log knows the request.")


@router.get("/audit", responses=responses(400))
async def audit_entries(
    context: Using,
    principal: Administrator,
    actor: Annotated[str | None, Query(max_length=128, description="Exactly this one.")] = None,
    action: Annotated[str | None, Query(max_length=64, description="What it begins with: `alert.`.")] = None,
    target: Annotated[str | None, Query(max_length=200, description="Exactly this one.")] = None,
    from_: Annotated[AwareDatetime | None, Query(alias="from", description="The first moment.")] = None,
    to: Annotated[AwareDatetime | None, Query(description="Before this moment.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[AuditEntry]:
    """What was done, the newest first. For administrators of everything: an entry may be about any region."""
    if not principal.scope.is_everything:
        raise Refusal(
            403,
            "The audit is about the whole city: only administrators of everything read it.",
            "审计记录涉及整个城市：仅全局管理员可以查看。",
            kind="role",
        )
    after = decode(cursor, tuple[int])[0] if cursor else None
    wanted = audit.Filter(actor, action, target, from_, to)
    found = await context.write(lambda connection: audit.page(connection, wanted, after, limit + 1))
    entries = [AuditEntry.model_validate(entry, from_attributes=True) for entry in found[:limit]]
    return Page(items=entries, next=encode([entries[-1].id]) if len(found) > limit else None)
