"""What bodies of requests have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """A body. A name that it does not know is refused, for it may be one that it knows, misspelt."""

    model_config = ConfigDict(extra="forbid")
