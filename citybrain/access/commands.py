"""The commands `citybrain person`, `token` and `audit`: who may come in, systems that may, and what was done."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from citybrain.access.model import AccessError, Role, Scope
from citybrain.settings import settings

if TYPE_CHECKING:
    from citybrain.access.people import Changed
    from citybrain.store.connection import Connection

person = typer.Typer(help="People: who may sign in, and what they may see and do.", no_args_is_help=True)
token = typer.Typer(help="Tokens, by which other systems come in.", no_args_is_help=True)
audit = typer.Typer(help="What was done, and by whom.", no_args_is_help=True)
console = Console()

EVERYTHING = Scope()  # who may run commands here may read the database as well
PAGE = 1000  # rows of a list that are read at a time

Name = Annotated[str, typer.Argument(help="The name to sign in with.")]
TokenName = Annotated[str, typer.Argument(help="What the token is called.")]
RoleOption = Annotated[Role, typer.Option(help="viewer, operator, engineer or administrator.")]
Regions = Annotated[list[str] | None, typer.Option("--region", help="Only this region and all below it; repeatable.")]
Domains = Annotated[list[str] | None, typer.Option("--domain", help="Only this domain; repeatable.")]
Crew = Annotated[str | None, typer.Option(help="Of this crew: acts only on what it was sent.")]
Random = Annotated[bool, typer.Option("--random", help="Make the password; it is printed once.")]


@person.command("add")
def add_person(
    name: Name,
    role: RoleOption,
    title: Annotated[str, typer.Option(help="What others call them.")] = "",
    region: Regions = None,
    domain: Domains = None,
    crew: Crew = None,
    *,
    random: Random = False,
    single_sign_on: Annotated[
        bool, typer.Option("--single-sign-on", help="No password: whoever the single sign-on calls so.")
    ] = False,
) -> None:
    """Add a person. The password is asked for, or read from standard input."""
    from citybrain.access import passwords, people

    if random and single_sign_on:
        raise AccessError("Choose one of --random and --single-sign-on.", "--random 与 --single-sign-on 只能选一个。")
    password = None if single_sign_on else _password(name, random=random)
    new = people.NewPerson(name, role, title, region or None, domain or None, crew)
    details = {"role": role, "regions": region or None, "domains": domain or None, "crew": crew}
    with acting("person.add", f"person {name}", details) as (connection, by, now):
        people.add(connection, new, passwords.hashed(password) if password else None, EVERYTHING, by, now)
    _tell(f"{name} may sign in as {role}.", password if random else None)


@person.command("first")
def first_person() -> None:
    """If there is nobody at all, make the administrator `admin` with a random password, printed once."""
    from citybrain.access import passwords, people

    with writer() as connection:
        if not people.is_nobody(connection):
            return
    password = passwords.make()
    new = people.NewPerson(people.FIRST, "administrator")
    with acting("person.add", f"person {people.FIRST}", {"role": new.role}) as (connection, by, now):
        people.add(connection, new, passwords.hashed(password), EVERYTHING, by, now)
    print(
        f"sign in as {people.FIRST} / {password}   (shown only now; "
        f"`citybrain person password {people.FIRST} --random` makes a new one)"
    )


@person.command("list")
def list_people() -> None:
    """Show who there is."""
    from citybrain.access import people

    table = Table("name", "role", "regions", "domains", "signs in with", "state", box=box.SIMPLE_HEAD, pad_edge=False)
    now = datetime.now(UTC)
    with writer() as connection:
        found = people.page(connection, EVERYTHING, people.Filter(), None, PAGE)
        while found:
            for one in found:
                locked = one.locked_until is not None and one.locked_until > now
                way = "password" if one.password else "single sign-on" if one.bound else "single sign-on, never yet"
                table.add_row(
                    escape(one.name + (f" ({one.title})" if one.title else "")),
                    one.role + (f", crew {one.crew}" if one.crew else ""),
                    _listed(one.regions),
                    _listed(one.domains),
                    way,
                    "deactivated" if not one.active else "locked" if locked else "",
                )
            found = people.page(connection, EVERYTHING, people.Filter(), found[-1].name, PAGE)
    console.print(table if table.rows else "Nobody: `citybrain person add` adds somebody.")


@person.command("change")
def change_person(
    name: Name,
    role: Annotated[Role | None, typer.Option(help="viewer, operator, engineer or administrator.")] = None,
    title: Annotated[str | None, typer.Option(help="What others call them.")] = None,
    region: Regions = None,
    domain: Domains = None,
    crew: Annotated[str | None, typer.Option(help="Of this crew; '' for none.")] = None,
    *,
    all_regions: Annotated[bool, typer.Option("--all-regions", help="All regions.")] = False,
    all_domains: Annotated[bool, typer.Option("--all-domains", help="All domains.")] = False,
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="Whether they can sign in.")] = None,
) -> None:
    """Change what is said, and leave the rest; in force at once."""
    changed: Changed = {}
    if role is not None:
        changed["role"] = role
    if title is not None:
        changed["title"] = title
    if crew is not None:
        changed["crew"] = crew or None
    if region or all_regions:
        changed["regions"] = None if all_regions else region
    if domain or all_domains:
        changed["domains"] = None if all_domains else domain
    if active is not None:
        changed["active"] = active
    _change(name, changed)
    console.print(f"{name} is changed.", highlight=False)


@person.command("deactivate")
def deactivate_person(name: Name) -> None:
    """Sign a person out everywhere, and don't let them in again."""
    _change(name, {"active": False})
    console.print(f"{name} is deactivated; `citybrain person change {name} --active` lets them in again.")


@person.command("password")
def set_password(name: Name, *, random: Random = False) -> None:
    """Give a person another password, asked for or read from standard input; they are signed out everywhere."""
    from citybrain.access import passwords, people

    password = _password(name, random=random)
    with acting("person.password", f"person {name}", {}) as (connection, _, _):
        people.set_password(connection, name, passwords.hashed(password), EVERYTHING)
    _tell(f"{name} has another password.", password if random else None)


@token.command("add")
def add_token(
    name: TokenName,
    role: RoleOption,
    region: Regions = None,
    domain: Domains = None,
    days: Annotated[int, typer.Option(help="Days that it is good for.", min=1, max=1095)] = 365,
) -> None:
    """Make a token; it is printed once."""
    from citybrain.access import tokens

    details = {"role": role, "regions": region or None, "domains": domain or None, "days": days}
    with acting("token.add", f"token {name}", details) as (connection, by, now):
        new = tokens.NewToken(name, role, now + timedelta(days=days), region or None, domain or None)
        secret = tokens.add(connection, new, by, now)
    _tell(f"{name} may come in as {role} for {days} days, with the header `Authorization: Bearer TOKEN`.", secret)


@token.command("list")
def list_tokens() -> None:
    """Show which tokens there are; nobody can show their secrets."""
    from citybrain.access import tokens

    table = Table("name", "role", "regions", "domains", "made by", "used", "state", box=box.SIMPLE_HEAD, pad_edge=False)
    now = datetime.now(UTC)
    with writer() as connection:
        found = tokens.page(connection, EVERYTHING, tokens.Filter(), now, None, PAGE)
        while found:
            for one in found:
                end = one.expires_at.astimezone(settings().zone).strftime("%Y-%m-%d")
                state = "revoked" if one.revoked_at else "expired" if one.expires_at <= now else f"until {end}"
                used = one.used_on.isoformat() if one.used_on else "never"
                regions, domains = _listed(one.regions), _listed(one.domains)
                table.add_row(escape(one.name), one.role, regions, domains, escape(one.created_by), used, state)
            found = tokens.page(connection, EVERYTHING, tokens.Filter(), now, found[-1].name, PAGE)
    console.print(table if table.rows else "No tokens.")


@token.command("revoke")
def revoke_token(name: TokenName) -> None:
    """End a token now."""
    from citybrain.access import tokens

    with acting("token.revoke", f"token {name}", {}) as (connection, by, now):
        tokens.revoke(connection, name, EVERYTHING, by, now)
    console.print(f"{name} is revoked.", highlight=False)


@audit.command("list")
def list_audit(
    actor: Annotated[str | None, typer.Option(help="Only of this one, such as admin or token:NAME.")] = None,
    action: Annotated[str | None, typer.Option(help="Only actions that begin so, such as 'alert.'.")] = None,
    limit: Annotated[int, typer.Option(help="Entries to show.", min=1, max=10_000)] = 50,
) -> None:
    """Show what was done, the newest last."""
    from citybrain.access import audit as kept

    table = Table("time", "who", "what", "of", "details", "from", box=box.SIMPLE_HEAD, pad_edge=False)
    with writer() as connection:
        found = kept.page(connection, kept.Filter(actor=actor, action=action), None, limit)
    for entry in reversed(found):
        at = entry.at.astimezone(settings().zone).strftime("%Y-%m-%d %H:%M:%S")
        details = ", ".join(f"{name}: {value}" for name, value in entry.details.items())
        cells = (at, entry.actor, entry.action, entry.target, details, entry.address or "")
        table.add_row(*map(escape, cells))
    console.print(table if table.rows else "No entries.")


def _change(name: str, changed: Changed) -> None:
    from citybrain.access import people

    with acting("person.change", f"person {name}", dict(changed.items())) as (connection, _, _):
        people.change(connection, name, changed, EVERYTHING)


def _password(name: str, *, random: bool) -> str:
    """Made, or typed twice at a terminal, or the first line of standard input: never an argument, which others see."""
    from citybrain.access import passwords

    if random:
        return passwords.make()
    if sys.stdin.isatty():
        password = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    passwords.check(password, name)
    return password


def _tell(what: str, secret: str | None) -> None:
    """Say what is done; a secret goes to standard output, alone in its line, and all else beside it."""
    if secret is None:
        console.print(what, highlight=False, soft_wrap=True)
    else:
        typer.echo(f"{what} Shown only now:", err=True)
        typer.echo(secret)


def _listed(ids: list[str] | None) -> str:
    return "all" if ids is None else " ".join(ids)


@contextmanager
def acting(action: str, target: str, details: Mapping[str, object]) -> Iterator[tuple[Connection, str, datetime]]:
    """A change and its entry in the audit, in one transaction."""
    from citybrain.access import audit as kept

    by, now = kept.commander(), datetime.now(UTC)
    with writer() as connection, connection.transaction():
        yield connection, by, now
        kept.add(connection, kept.Entry(by, action, target, details), now)


@contextmanager
def writer() -> Iterator[Connection]:
    """A connection to the store in use."""
    from citybrain.store.connection import connect
    from deploy.local import addresses

    with connect(addresses.database_url(settings()), "writer", "access") as connection:
        yield connection
