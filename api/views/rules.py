"""Rules as the API tells them."""

from __future__ import annotations

from pydantic import BaseModel, Field


class RuleLimit(BaseModel):
    """A limit of a rule, and where its number comes from: a value, an attribute of the site, or a plan's indicator."""

    name: str = Field(description="As conditions call it.", examples=["limit"])
    severity: int | None = Field(description="The step of the ladder that it belongs to; null: the rule's own.")
    value: float | None = Field(examples=[0.2])
    attribute: str | None
    plan: str | None
    use: str | None = Field(description="Of a plan's indicator: `target` or `path`.")
    unit: str | None = Field(examples=["MPa"])
    source: str | None = Field(examples=["CJJ 58"])
    clause: str | None = Field(examples=["3.1.3"])
    confidence: str | None = Field(
        description="A two independent sources, B one, C from memory of the text, S a platform default.", examples=["B"]
    )
    where: str | None = Field(description="The series that it counts for; null: all.")
    since: str | None = Field(description="First day on which it counts.", examples=["2026-10-15"])
    until: str | None = Field(description="Last day on which it counts.")
