"""Rules: which are in force, what they say, and trying others out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, NamedTuple, Self

from fastapi import Path, Query, Request, Response
from msgspec import Meta
from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.access.door import Engineer, Viewer
from api.access.scopes import Titled
from api.context import Context, Using
from api.v1 import new_router
from api.views import titles
from api.views.documents import Words
from api.views.rows import rows
from api.views.rules import RuleLimit
from api.views.trials import Trials
from api.web.bodies import Body
from api.web.filters import Moment
from api.web.pages import Cursor, Limit, Page, decode, encode
from api.web.problems import Refusal, responses
from citybrain.access.model import Scope
from rules import definitions
from rules.definitions import Source
from rules.model import Mode
from rules.trial.job import ChangedLimit, Check, CheckedRules, DryRun, DryRunResult, Job, Test, TestedRules

router = new_router("rules")

LONGEST_TEXT = 262_144  # characters
LONGEST_SPAN = timedelta(days=31)
EARLIEST = 2000  # year; the store takes no reading of one before (0001_base.sql)

RuleId = Annotated[str, Path(alias="id", max_length=200, examples=["water.end_pressure"])]
Version = Annotated[int, Path(ge=1, le=2_147_483_647)]
_Name = Annotated[str, Field(max_length=200)]
_Text = Annotated[str, Meta(max_length=200)]
_Number = Annotated[int, Meta(ge=0, le=2_147_483_647)]

EXAMPLE = """\
- rule: water.trial
  title: {zh: 压力低, en: Low pressure}
  metric: pressure
  raise: value < limit
  for: 5m
  severity: 3
  limit: {value: 0.2, unit: MPa, source: platform default, confidence: S}
"""


class RuleEntry(BaseModel):
    """A rule that is in force."""

    id: str = Field(examples=["water.end_pressure"])
    version: int = Field(examples=[3])
    title: Words
    domain: Titled
    mode: Mode = Field(description="`live`, `shadow` (recorded, nobody is told) or `off`.")
    source: Source = Field(description="What it judges: readings, silence, rows of a query, a plan's indicator.")
    metrics: list[str] = Field(description="Of a stream rule; `*` is every metric.", examples=[["pressure"]])
    severities: list[int] = Field(
        description="1 red, 2 orange, 3 yellow, 4 blue; those it may raise.", examples=[[2, 3]]
    )
    limits: list[RuleLimit]
    applied_at: datetime
    last_run: datetime | None = Field(description="Of a scheduled rule: its newest instant.")
    took_ms: float | None = Field(description="How long that run took.")
    failing_since: datetime | None = Field(description="Since when its runs fail, so that nothing judges its alerts.")
    error: str | None = Field(description="Why it fails; told to those who see the whole city.")
    open_alerts: int = Field(description="Its open alerts, as far as the caller may see them.")


class Rule(RuleEntry):
    """A rule with all that its file says."""

    advice: Words | None
    definition: dict[str, Any] = Field(
        description="The rule's entry in its file; every value as it was written, as text.",
        examples=[{"rule": "water.end_pressure", "metric": "pressure", "raise": "value < limit"}],
    )
    versions: int = Field(description="How many versions of it there were.")


class RuleVersion(BaseModel):
    """A version of a rule."""

    version: int = Field(examples=[2])
    title: Words
    applied_at: datetime
    in_force: bool
    definition: dict[str, Any] = Field(examples=[{"rule": "water.end_pressure", "raise": "value < limit"}])


class RuleText(Body):
    """Rules as a file `rules.yaml` has them."""

    yaml: str = Field(max_length=LONGEST_TEXT, description="A list of rules in YAML.", examples=[EXAMPLE])


class DryRunRequest(Body):
    """Rules to try on history: either `yaml`, or `rule` that is in force, maybe with other limits."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "rule": "water.end_pressure",
                "limits": [{"severity": 3, "value": 0.22}],
                "from": "2026-11-01T00:00:00+08:00",
                "to": "2026-11-08T00:00:00+08:00",
                "regions": ["150802"],
            }
        }
    )

    yaml: str | None = Field(None, max_length=LONGEST_TEXT)
    rule: _Name | None = None
    limits: list[ChangedLimit] = Field([], max_length=50, description="Of `rule`: other numbers.")
    since: Moment = Field(alias="from")
    until: Moment = Field(alias="to", description="Exclusive, at most 31 days after `from`.")
    regions: list[_Name] | None = Field(
        None, min_length=1, max_length=1000, description="With all below each; left out: all that the caller sees."
    )

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        if (self.yaml is None) == (self.rule is None):
            raise ValueError("expected either yaml or rule")
        if self.yaml is not None and self.limits:
            raise ValueError("limits belong to rule; in yaml write them in the text")
        if not timedelta() < self.until - self.since <= LONGEST_SPAN:
            raise ValueError("expected to after from, by 31 days at most")
        if self.since.year <= EARLIEST:
            raise ValueError(f"expected a time after {EARLIEST}: there are no readings of so long ago")
        return self


class _InForce(NamedTuple):
    rule: str
    version: int
    title_zh: str
    title_en: str
    definition: dict[str, Any]
    applied_at: datetime
    last_run: datetime | None
    took_ms: float | None
    error: str | None
    failing_since: datetime | None
    open: int


class _Version(NamedTuple):
    version: int
    title_zh: str
    title_en: str
    definition: dict[str, Any]
    applied_at: datetime
    in_force: bool


@router.get("/rules", responses=responses(400))
async def list_rules(
    context: Using,
    principal: Viewer,
    domain: Annotated[list[_Name] | None, Query(max_length=100)] = None,
    mode: Annotated[list[Mode] | None, Query(max_length=3)] = None,
    metric: Annotated[str | None, Query(max_length=200, description="A metric that it judges.")] = None,
    severity: Annotated[list[Annotated[int, Field(ge=1, le=4)]] | None, Query(max_length=4)] = None,
    failing: Annotated[bool | None, Query(description="Whether its runs fail at present.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Page[RuleEntry]:
    """The rules in force, by id."""
    filters = {
        "domain": domain,
        "mode": mode,
        "metric": metric,
        "severity": None if severity is None else [str(one) for one in severity],
        "failing": failing,
        "after": decode(cursor, tuple[_Text])[0] if cursor else None,
    }
    found = await _in_force(context, principal.scope, limit + 1, **filters)
    items = [RuleEntry(**_entry(row, context, principal.scope)) for row in found[:limit]]
    return Page(items=items, next=encode([items[-1].id]) if len(found) > limit else None)


@router.get("/rules/{id}", responses=responses(404))
async def get_rule(context: Using, principal: Viewer, id: RuleId) -> Rule:
    """A rule that is in force, with its definition."""
    found = await _in_force(context, principal.scope, 1, rule=id)
    versions = await _versions(context, principal.scope, id, 1)
    if not found:
        raise _no_rule(id)
    advice = found[0].definition.get("advice")
    return Rule(
        **_entry(found[0], context, principal.scope),
        advice=Words.model_validate(advice) if advice else None,
        definition=found[0].definition,
        versions=versions[0].version,
    )


@router.get("/rules/{id}/versions", responses=responses(400, 404))
async def list_rule_versions(
    context: Using, principal: Viewer, id: RuleId, limit: Limit = 20, cursor: Cursor = None
) -> Page[RuleVersion]:
    """Every version that a rule ever had, also of one that is no longer in force; the newest first."""
    before = decode(cursor, tuple[_Number])[0] if cursor else None
    found = await _versions(context, principal.scope, id, limit + 1, before=before)
    if not found and before is None:
        raise _no_rule(id)
    items = [_version(row) for row in found[:limit]]
    return Page(items=items, next=encode([items[-1].version]) if len(found) > limit else None)


@router.get("/rules/{id}/versions/{version}", responses=responses(404))
async def get_rule_version(context: Using, principal: Viewer, id: RuleId, version: Version) -> RuleVersion:
    """One version of a rule, such as the one that raised an old alert."""
    found = await _versions(context, principal.scope, id, 1, version=version)
    if not found:
        raise _no_rule(id)
    return _version(found[0])


@router.post("/rules/check", response_model=CheckedRules, responses=responses(400))
async def check_rules(request: Request, context: Using, principal: Engineer, body: RuleText) -> Response:
    """What is wrong with rules, beside the catalogue, calendars, plans and other rules in force; nothing is changed."""
    return await _trial(request, context, Check(text=body.yaml))


@router.post("/rules/test", response_model=TestedRules, responses=responses(400))
async def test_rules(request: Request, context: Using, principal: Engineer, body: RuleText) -> Response:
    """What the tests in rules say: which passed, why others did not, and what no test covers."""
    return await _trial(request, context, Test(text=body.yaml))


@router.post("/rules/dry-run", response_model=DryRunResult, responses=responses(400))
async def dry_run_rules(request: Request, context: Using, principal: Engineer, body: DryRunRequest) -> Response:
    """What rules would have raised over a span of history, beside what the versions in force say of it.

    Only series that the caller may see are judged. Rules on queries and plans see the whole city, so that only who does
    so too may try them; a query is never run unless it is the one in force. Takes up to a minute.
    """
    asked = DryRun(
        since=body.since,
        until=body.until,
        text=body.yaml,
        rule=body.rule,
        limits=body.limits,
        regions=_regions(context, principal.scope, body.regions),
        domains=None if principal.scope.domains is None else sorted(principal.scope.domains),
    )
    if body.rule is not None and not await _in_force(context, principal.scope, 1, rule=body.rule):
        raise Refusal(422, f"No rule {body.rule} is in force.", f"没有生效的规则 {body.rule}。", kind="trial")
    return await _trial(request, context, asked)


async def _trial(request: Request, context: Context, asked: Check | Test | DryRun) -> Response:
    trials: Trials = request.app.state.trials
    job = Job(
        database_url=context.writers.conninfo,
        catalogue_dir=context.settings.catalogue_dir,
        more_sites=context.settings.generated_sites,
        time_zone=context.settings.time_zone,
        trial=asked,
    )
    return Response(await trials.make(request, job), media_type="application/json")


def _regions(context: Context, scope: Scope, named: list[str] | None) -> list[str] | None:
    """The regions that are meant, those below included, as far as they are in the scope; None: all of the city."""
    if named is None:
        return None if scope.regions is None else sorted(scope.regions)
    meant = {below for one in named for below in context.catalogue.below(one)}
    known = {
        one for one in meant if one in context.catalogue.regions and (scope.regions is None or one in scope.regions)
    }
    for one in named:
        if one not in known:
            raise Refusal(422, f"There is no region {one}.", f"没有行政区划 {one}。", kind="request")
    return sorted(known)


async def _in_force(context: Context, scope: Scope, most: int, **filters: object) -> list[_InForce]:
    every = dict.fromkeys(("rule", "after", "domain", "mode", "metric", "failing", "severity"))
    async with context.readers.connection() as reader:
        return await rows(
            reader, _InForce, "api_rules", "rules", **{**every, **filters}, **scope.parameters(), most=most
        )


async def _versions(
    context: Context, scope: Scope, rule: str, most: int, version: int | None = None, before: int | None = None
) -> list[_Version]:
    values = {
        "rule": rule,
        "version": version,
        "before": before,
        "domains": scope.parameters()["domains"],
        "most": most,
    }
    async with context.readers.connection() as reader:
        return await rows(reader, _Version, "api_rules", "versions", **values)


def _entry(row: _InForce, context: Context, scope: Scope) -> Mapping[str, Any]:
    definition = row.definition
    return {
        "id": row.rule,
        "version": row.version,
        "title": Words(zh=row.title_zh, en=row.title_en),
        "domain": titles.domain(context.catalogue, row.rule.partition(".")[0]),
        "mode": definitions.mode(definition),
        "source": definitions.source(definition),
        "metrics": definitions.metrics(definition),
        "severities": definitions.severities(definition),
        "limits": [RuleLimit.model_validate(one, from_attributes=True) for one in definitions.limits(definition)],
        "applied_at": row.applied_at,
        "last_run": row.last_run,
        "took_ms": row.took_ms,
        "failing_since": row.failing_since,
        "error": row.error if scope.is_everything else None,
        "open_alerts": row.open,
    }


def _version(row: _Version) -> RuleVersion:
    return RuleVersion(
        version=row.version,
        title=Words(zh=row.title_zh, en=row.title_en),
        applied_at=row.applied_at,
        in_force=row.in_force,
        definition=row.definition,
    )


def _no_rule(id: str) -> Refusal:
    return Refusal(404, f"There is no rule {id}, or no such version of it.", f"没有规则 {id}，或没有这一版本。")
