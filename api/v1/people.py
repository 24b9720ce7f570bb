"""People: for administrators, each within his own regions and domains."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.access import scopes
from api.access.door import Administrator
from api.access.hashing import hashing
from api.access.scopes import Domains, Name, Regions, Titled
from api.context import Using
from api.v1 import new_router
from api.web.bodies import Body, without_defaults
from api.web.changes import Changing
from api.web.pages import Cursor, Limit, Page, decode, encode
from api.web.problems import responses
from citybrain.access import passwords, people
from citybrain.access.model import Role
from citybrain.access.people import Changed, Filter, NewPerson
from citybrain.catalogue.model import Catalogue
from citybrain.store.connection import Connection

router = new_router("people")

Title = Annotated[str, Field(max_length=100, description="What others call them.", examples=["李娜"])]
Crew = Annotated[
    str | None,
    Field(min_length=1, max_length=100, description="Of a crew: acts only on what it was sent.", examples=["crew-1"]),
]
Named = Annotated[Name, Path(examples=["li.na"])]


class PersonEntry(BaseModel):
    """Somebody who may sign in."""

    name: str = Field(examples=["li.na"])
    title: str = Field(examples=["李娜"])
    role: Role
    regions: list[Titled] | None = Field(description="Each with all regions below it; null: all.")
    domains: list[Titled] | None = Field(description="null: all.")
    crew: str | None = Field(examples=["crew-1"])
    active: bool = Field(description="False: can't sign in.")
    password: bool = Field(description="There is one; without one, by single sign-on only.")
    bound: bool = Field(description="To an account of the single sign-on.")
    locked_until: datetime | None = Field(description="After too many wrong passwords.")
    created_at: datetime
    created_by: str = Field(examples=["admin"])


class PersonMade(BaseModel):
    """A person, with the password that is told only now."""

    person: PersonEntry
    password: str | None = Field(
        description="Random; the person chooses another. null: single sign-on.",
        examples=["k7dwp-x2m9a-vq4zt-h8rcn-e3jby"],
    )


class PersonToAdd(Body):
    """A person that shall be."""

    name: Name = Field(examples=["li.na"])
    title: Title = ""
    role: Role
    regions: Regions = None
    domains: Domains = None
    crew: Crew = None
    single_sign_on: bool = Field(
        False, description="No password: the first of that name who comes from the single sign-on is the person."
    )


class PersonChanges(Body):
    """What of a person shall be another; what is absent stays."""

    model_config = ConfigDict(json_schema_extra=without_defaults)  # those below stand for "absent"

    title: Title = ""
    role: Role = "viewer"
    regions: Regions = None
    domains: Domains = None
    crew: Crew = None
    active: bool = True


@router.get("/people", responses=responses(400))
async def list_people(
    context: Using,
    principal: Administrator,
    role: Annotated[Role | None, Query()] = None,
    crew: Annotated[str | None, Query(max_length=100)] = None,
    active: Annotated[bool | None, Query()] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[PersonEntry]:
    """People whose regions and domains are all within one's own, by name."""
    after = decode(cursor, tuple[str])[0] if cursor else None
    wanted = Filter(role, crew, active)
    found = await context.write(lambda connection: people.page(connection, principal.scope, wanted, after, limit + 1))
    entries = [_entry(person, context.catalogue) for person in found[:limit]]
    return Page(items=entries, next=encode([entries[-1].name]) if len(found) > limit else None)


@router.post("/people", status_code=201, response_model=PersonMade, responses=responses(409))
async def add_person(context: Using, principal: Administrator, changes: Changing, body: PersonToAdd) -> Response:
    """Add a person, with a random password that is told only in this answer."""
    password = None if body.single_sign_on else passwords.make()
    password_hash = await hashing(passwords.hashed, password) if password else None
    now = context.clock()

    def add(connection: Connection) -> PersonMade:
        new = NewPerson(body.name, body.role, body.title, body.regions, body.domains, body.crew)
        made = people.add(connection, new, password_hash, principal.scope, principal.label, now)
        return PersonMade(person=_entry(made, context.catalogue), password=password)

    details = body.model_dump(mode="json", exclude={"name"})
    return await changes.make("person.add", f"person {body.name}", add, details=details, status=201, secret=True)


@router.get("/people/{name}", responses=responses(404))
async def one_person(context: Using, principal: Administrator, name: Named) -> PersonEntry:
    """A person."""
    return _entry(await context.write(partial(people.find, name=name, within=principal.scope)), context.catalogue)


@router.patch("/people/{name}", response_model=PersonEntry, responses=responses(404, 409))
async def change_person(
    context: Using, principal: Administrator, changes: Changing, name: Named, body: PersonChanges
) -> Response:
    """Change what a person may do, or whether they can sign in at all; in force with their next request."""
    changed = Changed(**body.model_dump(exclude_unset=True))  # type: ignore[typeddict-item]

    def change(connection: Connection) -> PersonEntry:
        return _entry(people.change(connection, name, changed, principal.scope), context.catalogue)

    details = body.model_dump(mode="json", exclude_unset=True)
    return await changes.make("person.change", f"person {name}", change, details=details)


@router.post("/people/{name}/password", response_model=PersonMade, responses=responses(404, 409))
async def make_new_password(context: Using, principal: Administrator, changes: Changing, name: Named) -> Response:
    """Give a person a random password, told only in this answer: they are signed out everywhere, a lock ends."""
    password = passwords.make()
    password_hash = await hashing(passwords.hashed, password)

    def change(connection: Connection) -> PersonMade:
        person = people.set_password(connection, name, password_hash, principal.scope)
        return PersonMade(person=_entry(person, context.catalogue), password=password)

    return await changes.make("person.password", f"person {name}", change, secret=True)


@router.post("/people/{name}/single-sign-on", response_model=PersonEntry, responses=responses(404))
async def leave_to_single_sign_on(context: Using, principal: Administrator, changes: Changing, name: Named) -> Response:
    """Take a person's password away; the first of that name who comes from the single sign-on is the person."""

    def change(connection: Connection) -> PersonEntry:
        return _entry(people.unbind(connection, name, principal.scope), context.catalogue)

    return await changes.make("person.single_sign_on", f"person {name}", change)


def _entry(person: people.Person, catalogue: Catalogue) -> PersonEntry:
    return PersonEntry(
        name=person.name,
        title=person.title,
        role=person.role,
        regions=scopes.regions(person.regions, catalogue),
        domains=scopes.domains(person.domains, catalogue),
        crew=person.crew,
        active=person.active,
        password=person.password,
        bound=person.bound,
        locked_until=person.locked_until,
        created_at=person.created_at,
        created_by=person.created_by,
    )
