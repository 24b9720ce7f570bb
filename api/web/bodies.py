"""What bodies of requests have in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """A body. A name that it does not know is refused, for it may be one that it knows, misspelt."""

    model_config = ConfigDict(extra="forbid")


def without_defaults(schema: dict[str, Any]) -> None:
    """For the schema of a body of changes, whose defaults stand for "absent"."""
    for field in schema["properties"].values():
        field.pop("default", None)
