"""Crews: who there is to be sent, for administrators to list, and for operators to choose from."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.access import scopes
from api.access.door import Administrator, Operator, Viewer
from api.access.scopes import Domains, Name, Regions, Titled
from api.context import Using
from api.v1 import new_router
from api.views.documents import Words
from api.web.bodies import Body, without_defaults
from api.web.changes import Changing
from api.web.pages import Cursor, Limit, Page, decode, encode
from api.web.problems import responses
from citybrain.access.model import Principal
from citybrain.catalogue.model import Catalogue
from citybrain.duty import crews
from citybrain.duty.crews import Candidate, Changed, Crew, NewCrew
from citybrain.store.connection import Connection
from rules.alerts.case import seen

router = new_router("crews")

AlertId = Annotated[int, Path(alias="id", ge=1, le=9_223_372_036_854_775_807, examples=[42])]
CrewId = Annotated[Name, Path(alias="id", examples=["linhe-repair-1"])]
Text = Annotated[str, Field(min_length=1, max_length=100, pattern=r"\S")]
Contact = Annotated[
    str | None,
    Field(
        pattern=r"^[0-9+(][0-9+() #-]{2,39}$",
        description="Its duty phone: digits, spaces and + ( ) - #.",
        examples=["13800000000"],
    ),
]
Channel = Annotated[
    str | None,
    Field(min_length=1, max_length=100, description="How else it is reached, in words.", examples=["企业微信"]),
]


class Base(Body):
    """Where a crew sets out from, in degrees (WGS 84)."""

    longitude: float = Field(ge=-180, le=180, examples=[107.42])
    latitude: float = Field(ge=-90, le=90, examples=[40.75])


class CrewTitle(Body):
    """What a crew is called."""

    zh: Text = Field(examples=["抢修一班"])
    en: Text = Field(examples=["Repair crew 1"])


class CrewEntry(BaseModel):
    """A crew that alerts are dispatched to."""

    id: str = Field(examples=["linhe-repair-1"])
    title: Words = Field(examples=[{"zh": "抢修一班", "en": "Repair crew 1"}])
    regions: list[Titled] | None = Field(description="That it goes to, each with all below it; null: all.")
    domains: list[Titled] | None = Field(description="null: all.")
    base: Base | None
    contact: str | None = Field(description="All of it for administrators only.", examples=["138****0000"])
    channel: str | None
    active: bool = Field(description="False: it has retired.")


class Choice(CrewEntry):
    """A crew that could be sent to an alert."""

    distance_m: int | None = Field(
        description="Metres from its base to the alert's site, as the crow flies; null: one of the two has no place.",
        examples=[2400],
    )
    orders: int = Field(description="Alerts that it was sent to and has not reported back on.", examples=[1])


class Choices(BaseModel):
    """The crews that go to an alert; those without orders first, of these the nearest first."""

    items: list[Choice]


class CrewToAdd(Body):
    """A crew that shall be."""

    id: Name = Field(examples=["linhe-repair-1"])
    title: CrewTitle
    regions: Regions = None
    domains: Domains = None
    base: Base | None = None
    contact: Contact = None
    channel: Channel = None


class CrewChanges(Body):
    """What of a crew shall be another; what is absent stays."""

    model_config = ConfigDict(json_schema_extra=without_defaults)  # those below stand for "absent"

    title: CrewTitle = CrewTitle(zh="-", en="-")
    regions: Regions = None
    domains: Domains = None
    base: Base | None = None
    contact: Contact = None
    channel: Channel = None
    active: bool = Field(True, description="False: it retires; not while it has orders.")


@router.get("/crews", responses=responses(400))
async def list_crews(
    context: Using,
    principal: Viewer,
    active: Annotated[bool | None, Query(description="false: those that have retired.")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[CrewEntry]:
    """Crews that go anywhere within what the caller may see, by id."""
    after = decode(cursor, tuple[str])[0] if cursor else None
    found = await context.write(lambda connection: crews.page(connection, principal.scope, active, after, limit + 1))
    items = [CrewEntry(**_entry(crew, principal, context.catalogue)) for crew in found[:limit]]
    return Page(items=items, next=encode([items[-1].id]) if len(found) > limit else None)


@router.post("/crews", status_code=201, response_model=CrewEntry, responses=responses(409))
async def add_crew(context: Using, principal: Administrator, changes: Changing, body: CrewToAdd) -> Response:
    """Add a crew, within what the caller may see."""
    new = NewCrew(id=body.id, **_columns(body))  # type: ignore[arg-type]
    now = context.clock()

    def add(connection: Connection) -> CrewEntry:
        made = crews.add(connection, new, principal.scope, principal.label, now)
        return CrewEntry(**_entry(made, principal, context.catalogue))

    details = body.model_dump(mode="json", exclude={"id"})
    return await changes.make("crew.add", f"crew {body.id}", add, details=details, status=201)


@router.get("/crews/{id}", responses=responses(404))
async def one_crew(context: Using, principal: Viewer, id: CrewId) -> CrewEntry:
    """A crew."""
    found = await context.write(partial(crews.find, id=id, within=principal.scope))
    return CrewEntry(**_entry(found, principal, context.catalogue))


@router.patch("/crews/{id}", response_model=CrewEntry, responses=responses(404, 409))
async def change_crew(
    context: Using, principal: Administrator, changes: Changing, id: CrewId, body: CrewChanges
) -> Response:
    """Change a crew, or retire it; who sees all that it goes to may."""
    changed = Changed(**_columns(body))  # type: ignore[typeddict-item]

    def change(connection: Connection) -> CrewEntry:
        return CrewEntry(**_entry(crews.change(connection, id, changed, principal.scope), principal, context.catalogue))

    details = body.model_dump(mode="json", exclude_unset=True)
    return await changes.make("crew.change", f"crew {id}", change, details=details)


@router.get("/alerts/{id}/crews", responses=responses(404))
async def list_crews_of_alert(context: Using, principal: Operator, id: AlertId) -> Choices:
    """The crews that could be sent to an alert, the one to think of first at the top; send its `id` as `crew`."""

    def work(connection: Connection) -> list[Candidate]:
        seen(connection, id, principal.scope)
        return crews.of_alert(connection, id)

    found = await context.write(work)
    return Choices(
        items=[
            Choice(
                **_entry(one, principal, context.catalogue),
                distance_m=None if one.distance_m is None else round(one.distance_m),
                orders=one.orders,
            )
            for one in found
        ]
    )


def _columns(body: CrewToAdd | CrewChanges) -> dict[str, object]:
    """What the body says, as the columns of the table."""
    said = body.model_dump(exclude_unset=True, exclude={"id", "title", "base"})
    if "title" in body.model_fields_set:
        said |= {"title_zh": body.title.zh, "title_en": body.title.en}
    if "base" in body.model_fields_set:
        said["longitude"] = body.base.longitude if body.base else None
        said["latitude"] = body.base.latitude if body.base else None
    return said


def _entry(crew: Crew, principal: Principal, catalogue: Catalogue) -> dict[str, Any]:
    shown = crew.contact if crew.contact is None or principal.may("administrator") else crews.masked(crew.contact)
    return {
        "id": crew.id,
        "title": Words(zh=crew.title_zh, en=crew.title_en),
        "regions": scopes.regions(crew.regions, catalogue),
        "domains": scopes.domains(crew.domains, catalogue),
        "base": (
            Base(longitude=crew.longitude, latitude=crew.latitude)
            if crew.longitude is not None and crew.latitude is not None
            else None
        ),
        "contact": shown,
        "channel": crew.channel,
        "active": crew.active,
    }
