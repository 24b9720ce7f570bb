"""The command `citybrain crew`: who there is to be sent to alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from citybrain.access.commands import EVERYTHING, PAGE, acting, writer

if TYPE_CHECKING:
    from citybrain.duty.crews import Changed

crew = typer.Typer(help="Crews, which alerts are dispatched to.", no_args_is_help=True)
console = Console()

Id = Annotated[str, typer.Argument(help="What alerts and people name it by.")]
Zh = Annotated[str, typer.Option("--zh", help="What it is called in Chinese.")]
En = Annotated[str, typer.Option("--en", help="What it is called in English.")]
Regions = Annotated[list[str] | None, typer.Option("--region", help="Only this region and all below it; repeatable.")]
Domains = Annotated[list[str] | None, typer.Option("--domain", help="Only this domain; repeatable.")]
Base = Annotated[
    tuple[float, float] | None, typer.Option("--base", help="Longitude and latitude that it sets out from (WGS 84).")
]
Contact = Annotated[str | None, typer.Option(help="Its duty phone; '' for none.")]
Channel = Annotated[str | None, typer.Option(help="How else it is reached, in words; '' for none.")]


@crew.command("add")
def add_crew(
    id: Id,
    zh: Zh,
    en: En,
    region: Regions = None,
    domain: Domains = None,
    base: Base = None,
    contact: Contact = None,
    channel: Channel = None,
) -> None:
    """Add a crew."""
    from citybrain.duty import crews

    longitude, latitude = base or (None, None)
    new = crews.NewCrew(
        id, zh, en, region or None, domain or None, longitude, latitude, contact or None, channel or None
    )
    details = {"regions": region or None, "domains": domain or None}
    with acting("crew.add", f"crew {id}", details) as (connection, by, now):
        crews.add(connection, new, EVERYTHING, by, now)
    console.print(f"The crew {id} can be sent.", highlight=False)


@crew.command("list")
def list_crews() -> None:
    """Show the crews that there are."""
    from citybrain.duty import crews

    table = Table("id", "crew", "regions", "domains", "reached by", "state", box=box.SIMPLE_HEAD, pad_edge=False)
    with writer() as connection:
        found = crews.page(connection, EVERYTHING, None, None, PAGE)
        while found:
            for one in found:
                reached = ", ".join(part for part in (one.contact, one.channel) if part)
                titles = f"{one.title_zh} ({one.title_en})"
                cells = (one.id, titles, _listed(one.regions), _listed(one.domains), reached)
                table.add_row(*map(escape, cells), "" if one.active else "retired")
            found = crews.page(connection, EVERYTHING, None, found[-1].id, PAGE)
    console.print(table if table.rows else "No crews: `citybrain crew add` adds one.")


@crew.command("change")
def change_crew(
    id: Id,
    zh: Annotated[str | None, typer.Option("--zh", help="What it is called in Chinese.")] = None,
    en: Annotated[str | None, typer.Option("--en", help="What it is called in English.")] = None,
    region: Regions = None,
    domain: Domains = None,
    base: Base = None,
    contact: Contact = None,
    channel: Channel = None,
    *,
    all_regions: Annotated[bool, typer.Option("--all-regions", help="All regions.")] = False,
    all_domains: Annotated[bool, typer.Option("--all-domains", help="All domains.")] = False,
    active: Annotated[bool, typer.Option("--active", help="It has retired, and is back.")] = False,
) -> None:
    """Change what is said, and leave the rest."""
    changed: Changed = {}
    if zh is not None:
        changed["title_zh"] = zh
    if en is not None:
        changed["title_en"] = en
    if region or all_regions:
        changed["regions"] = None if all_regions else region
    if domain or all_domains:
        changed["domains"] = None if all_domains else domain
    if base is not None:
        changed["longitude"], changed["latitude"] = base
    if contact is not None:
        changed["contact"] = contact or None
    if channel is not None:
        changed["channel"] = channel or None
    if active:
        changed["active"] = True
    _change(id, changed)
    console.print(f"The crew {id} is changed.", highlight=False)


@crew.command("retire")
def retire_crew(id: Id) -> None:
    """Send a crew to no more alerts; those that it was sent to still name it."""
    _change(id, {"active": False})
    console.print(f"The crew {id} has retired; `citybrain crew change {id} --active` brings it back.", highlight=False)


def _change(id: str, changed: Changed) -> None:
    from citybrain.duty import crews

    details = {name: value for name, value in changed.items() if name != "contact"}
    with acting("crew.change", f"crew {id}", details) as (connection, _, _):
        crews.change(connection, id, changed, EVERYTHING)


def _listed(ids: list[str] | None) -> str:
    return "all" if ids is None else " ".join(ids)
