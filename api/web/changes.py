"""Changes: in one transaction what is done, its entry in the audit, and the answer for whoever repeats the request."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from fastapi.responses import JSONResponse
from psycopg.types.json import Jsonb
from pydantic import BaseModel

from api.access.door import address, known
from api.context import Using
from api.web.problems import Refusal
from citybrain.access import audit
from citybrain.access.model import Principal
from citybrain.store.connection import Connection
from citybrain.store.sql import query

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,128}$",
        description="Any text that is new with each change, such as a UUID: a repetition with it changes nothing more "
        "and gets the first answer again, for a day.",
    ),
]


class Changes:
    """Makes the change that one request asks for."""

    def __init__(self, request: Request, context: Using, principal: Principal, key: str | None) -> None:
        self._request = request
        self._context = context
        self._principal = principal
        self._key = key

    async def make(
        self,
        action: str,
        target: str,
        work: Callable[[Connection], BaseModel],
        *,
        details: Mapping[str, object] | None = None,
        status: int = 200,
        secret: bool = False,
    ) -> Response:
        """Do `work` and answer with the document that it returns.

        Args:
            action: what the audit calls it, such as `alert.confirm`.
            target: of what, such as `alert 7`.
            work: is called in a thread, with a connection in a transaction; what it raises undoes all of it.
            details: for the audit; no secret among them.
            status: of the answer.
            secret: the document holds a secret, and is not kept for a repetition.

        Raises:
            Refusal: 409 or 422, the key was used before.
        """
        now = self._context.clock()
        digest = await self._digest() if self._key else b""
        entry = self.entry(action, target, details)

        def transact(connection: Connection) -> Response:
            if self._key and (earlier := self._earlier(connection, digest)):
                return earlier
            document = work(connection).model_dump(mode="json")
            audit.add(connection, entry, now)
            if self._key:
                kept = {"status": status, "document": None if secret else Jsonb(document)}
                names = {"actor": entry.actor, "key": self._key, "digest": digest, "at": now}
                connection.execute(query("access", "keep_request"), {**names, **kept})
            return JSONResponse(document, status)

        return await self._context.write(transact)

    @property
    def key(self) -> str | None:
        """The request's key for what keeps keys of its own; two people's are never the same."""
        return f"{self._principal.label} {self._key}" if self._key else None

    def entry(self, action: str, target: str, details: Mapping[str, object] | None = None) -> audit.Entry:
        """An entry for the audit that says who asked, and from where."""
        return audit.Entry(
            actor=self._principal.label,
            action=action,
            target=target,
            details=details or {},
            address=address(self._request),
            request_id=self._request.scope["state"]["request_id"],
        )

    async def _digest(self) -> bytes:
        body = await self._request.body()
        what = f"{self._request.method} {self._request.url.path}?{self._request.url.query}\n"
        return hashlib.sha256(what.encode() + body).digest()

    def _earlier(self, connection: Connection, digest: bytes) -> Response | None:
        """The answer to an earlier request with this key; waits for one that is under way."""
        names = {"actor": self._principal.label, "key": self._key}
        connection.execute(query("access", "claim_request"), names)
        row = connection.execute(query("access", "earlier_request"), names).fetchone()
        if row is None:
            return None
        before, status, document = row
        if bytes(before) != digest:
            raise Refusal(
                422,
                "This Idempotency-Key came with another request before: use a new one.",
                "此 Idempotency-Key 已用于另一请求：请使用新的键。",
                kind="key",
            )
        if document is None:
            raise Refusal(
                409,
                "This was done already, and its secret is told only once: make a new one.",
                "此操作已完成，密钥只显示一次：请重新生成。",
                kind="key",
            )
        return JSONResponse(document, status, {"Idempotency-Replayed": "true"})


def _changes(
    request: Request, context: Using, principal: Annotated[Principal, Depends(known)], key: IdempotencyKey = None
) -> Changes:
    return Changes(request, context, principal, key)


Changing = Annotated[Changes, Depends(_changes)]
"""What makes a change, as a parameter of an endpoint."""
