"""Pages of long lists: a cursor says where the next begins, so that nothing is skipped or told twice."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Generic, TypeVar

import msgspec
from fastapi import Query
from pydantic import BaseModel, Field

from api.web.problems import Refusal

T = TypeVar("T")
K = TypeVar("K")

LONGEST = 1000  # entries of a page

Limit = Annotated[int, Query(ge=1, le=LONGEST, description="Entries of a page at most.")]
Cursor = Annotated[
    str | None, Query(max_length=1000, description="`next` of the page before; without it, the first page.")
]


class Page(BaseModel, Generic[T]):
    """Some entries of a list, in its order."""

    items: list[T]
    next: str | None = Field(
        None, description="Cursor of the next page; null: this is the last.", examples=["WyIxNTA4MDIiXQ"]
    )


def encode(key: Sequence[object]) -> str:
    """The cursor for what comes after the entry with this sort key."""
    return base64.urlsafe_b64encode(msgspec.json.encode(list(key))).rstrip(b"=").decode()


def decode(cursor: str, kind: type[K]) -> K:
    """The sort key in a cursor, of the type `kind`, such as `tuple[datetime, int]`.

    Raises:
        Refusal: 400, we made no such cursor for this list.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        return msgspec.json.decode(text, type=kind)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise Refusal(
            400,
            "There is no such cursor: take `next` of a page of this very list, or begin anew without one.",
            "游标无效：请使用本列表上一页的 `next`，或去掉游标重新开始。",
            kind="cursor",
        ) from None
