"""What a trial is asked, and what it answers: JSON on standard input and output."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from rules.transition import Cell

LONGEST_S = 60  # seconds that a trial may take
MEMORY_BYTES = 2 * 1024**3  # that it may take for its data
REFUSED, UNAVAILABLE = 3, 4  # exit status: standard output holds a Refused; the database is away


class Check(BaseModel):
    """What is wrong with the rules of a text?"""

    ask: Literal["check"] = "check"
    text: str


class Test(BaseModel):
    """What do the tests in the rules of a text say?"""

    ask: Literal["test"] = "test"
    text: str


class ChangedLimit(BaseModel):
    """Another number for a limit of a rule."""

    severity: int | None = Field(
        None, ge=1, le=4, description="The step of the ladder; left out: the limit is the rule's own.", examples=[3]
    )
    name: str = Field("limit", max_length=63, description="As conditions call it.")
    value: float = Field(allow_inf_nan=False, examples=[0.22])


class DryRun(BaseModel):
    """What would rules have raised, by what was read in these regions and domains (None: all)?

    The rules are those of `text`, or else `rule`, which is in force, with changed limits.
    """

    ask: Literal["dry_run"] = "dry_run"
    since: datetime
    until: datetime
    text: str | None = None
    rule: str | None = None
    limits: list[ChangedLimit] = []
    regions: list[str] | None = None
    domains: list[str] | None = None


class Job(BaseModel):
    """One trial, and where it is made."""

    database_url: str
    catalogue_dir: Path
    more_sites: Path
    time_zone: str
    trial: Annotated[Check | Test | DryRun, Field(discriminator="ask")]


class RuleMistake(BaseModel):
    """What is wrong or doubtful in a text of rules."""

    line: int = Field(description="From 1.", examples=[7])
    column: int = Field(description="From 1.", examples=[3])
    where: str = Field(description="The rule and the keys to it.", examples=["water.end_pressure.raise"])
    what: str = Field(examples=["unknown name pressure; did you mean value?"])


class CheckedRules(BaseModel):
    """What `citybrain rules check` says of a text; without problems its rules can be used."""

    problems: list[RuleMistake]
    warnings: list[RuleMistake] = Field(description="What is allowed and probably not meant.")
    rules: list[str] = Field(description="The rules of the text, where nothing is wrong.", examples=[["water.trial"]])


class RuleTest(BaseModel):
    """What one test said."""

    rule: str = Field(examples=["water.end_pressure"])
    name: str = Field(examples=["a dip shorter than five minutes"])
    passed: bool
    lines: list[str] = Field(description="Why it failed: what was expected and did not fire (-), what else fired (+).")


class TestedRules(BaseModel):
    """What `citybrain rules test` says of a text; without tests, and with problems, there are no results."""

    problems: list[RuleMistake]
    results: list[RuleTest]
    uncovered: dict[str, list[str]] = Field(description="By rule: what no test shows at work.")


class RuleTrial(BaseModel):
    """What one rule would have raised, beside the version in force; null where none is."""

    rule: str = Field(examples=["water.end_pressure"])
    alerts: int
    minutes: float = Field(description="How long its alerts were raised within the span, together.")
    version: int | None = Field(description="The version in force that it is compared with.")
    in_force: int | None = Field(description="Alerts of the version in force.")
    same: int | None = Field(description="Alerts that both raise, with the same times and severities.")
    only_here: int | None
    only_in_force: int | None
    changed: int | None = Field(description="Alerts of both with other times or severities.")


class TrialDay(BaseModel):
    """Alerts that were raised on a city day."""

    day: date
    alerts: int
    in_force: int = Field(description="By the versions in force.")


class TrialAlert(BaseModel):
    """An alert that there would have been."""

    rule: str
    subject: str = Field(examples=["150802/water/gauge-7/pressure"])
    site: str | None
    device: str | None
    region: str | None
    severity: int = Field(description="The worst that it became.")
    raised_at: datetime
    cleared_at: datetime | None = Field(description="null: not within the span.")
    values: dict[str, Cell] = Field(description="What the condition saw, and its limits, when it was raised.")


class DryRunResult(BaseModel):
    """What rules would have raised; like `citybrain rules backtest --against live`."""

    model_config = ConfigDict(populate_by_name=True)

    since: datetime = Field(alias="from")
    until: datetime = Field(alias="to", description="Exclusive; never after the present.")
    readings: int = Field(description="Readings of the span that were judged.")
    rows: int = Field(description="Rows of queries and plans that were judged.")
    count: int = Field(description="Alerts in all.")
    rules: list[RuleTrial]
    days: list[TrialDay] = Field(description="City days on which any alert was raised.")
    alerts: list[TrialAlert] = Field(description="The first 200.")
    silent: dict[str, str] = Field(description="Rules that could not be run, and why.")


class Refused(BaseModel):
    """Why a trial can't be made, in both languages."""

    en: str
    zh: str


Found = CheckedRules | TestedRules | DryRunResult
