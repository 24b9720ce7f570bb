"""The command `citybrain dataset`: what is shared with whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from citybrain.access.model import AccessError, Scope
from citybrain.settings import settings

dataset = typer.Typer(
    help="Shared datasets: who outside of a domain or region may read a metric.", no_args_is_help=True
)
console = Console()

EVERYTHING = Scope()  # who may run commands here may read the database as well
PAGE = 1000  # rows of a list that are read at a time

Name = Annotated[str, typer.Argument(metavar="DATASET", help="A domain and its metric, such as water.pressure.")]


@dataset.command("list")
def list_grants(
    name: Annotated[str | None, typer.Argument(metavar="DATASET", help="Only this one.")] = None,
    *,
    over: Annotated[bool, typer.Option("--all", help="Also grants that are over or revoked.")] = False,
) -> None:
    """Show what is granted to whom."""
    from citybrain.access import datasets
    from citybrain.access.commands import writer

    domain, metric = _parts(name) if name else (None, None)
    wanted = datasets.Filter(domain, metric, None if over else True)
    now, zone = datetime.now(UTC), settings().zone
    table = Table(
        "number", "dataset", "region", "granted to", "until", "by", "reason", box=box.SIMPLE_HEAD, pad_edge=False
    )
    with writer() as connection:
        found = datasets.page(connection, EVERYTHING, wanted, now, PAGE)
        while found:
            for one in found:
                until = one.expires_at if one.revoked_at is None else one.revoked_at
                table.add_row(
                    str(one.id),
                    f"{one.domain}.{one.metric}",
                    one.region or "all",
                    f"person {one.person}" if one.person else f"token {one.token}",
                    f"{until.astimezone(zone):%Y-%m-%d %H:%M}" + ("" if one.revoked_at is None else " (revoked)"),
                    escape(one.granted_by),
                    escape(one.reason),
                    style=None if one.lasts(now) else "dim",
                )
            found = datasets.page(connection, EVERYTHING, wanted, now, PAGE, after=found[-1].id)
    console.print(table if table.rows else "Nothing is granted.")


@dataset.command("grant")
def grant_dataset(
    name: Name,
    *,
    person: Annotated[str | None, typer.Option(help="The person that shall read it.")] = None,
    token: Annotated[str | None, typer.Option(help="Or the token that shall.")] = None,
    region: Annotated[str | None, typer.Option(help="Only in this region and all below it.")] = None,
    days: Annotated[int, typer.Option(help="Days until it ends.", min=1, max=366)] = 90,
    reason: Annotated[str, typer.Option(help="What it is for.")],
) -> None:
    """Let a person or a system read a dataset, until a day; at once."""
    from citybrain.access import datasets
    from citybrain.access.commands import acting

    if (person is None) == (token is None):
        raise AccessError("Say who: one of --person and --token.", "请指定 --person 或 --token 之一。")
    domain, metric = _parts(name)
    until = datetime.now(UTC) + timedelta(days=days)
    details = {"person": person, "token": token, "region": region, "until": until.isoformat(), "reason": reason}
    with acting("dataset.grant", f"dataset {name}", details) as (connection, by, now):
        new = datasets.NewGrant(domain, metric, region, person, token, reason, until)
        made = datasets.grant(connection, new, EVERYTHING, by, now)
    console.print(
        f"Grant {made.id}: {person or token} may read {name} until {until.astimezone(settings().zone):%Y-%m-%d}."
    )


@dataset.command("revoke")
def revoke_grant(number: Annotated[int, typer.Argument(help="The grant, as `dataset list` shows it.", min=1)]) -> None:
    """End a grant, at once; it stays on record."""
    from citybrain.access import datasets
    from citybrain.access.commands import acting

    with acting("dataset.revoke", f"grant {number}", {}) as (connection, by, now):
        ended = datasets.revoke(connection, number, EVERYTHING, by, now)
    console.print(f"{ended.person or ended.token} may no longer read {ended.domain}.{ended.metric} by it.")


def _parts(name: str) -> tuple[str, str]:
    """Domain and metric of a dataset."""
    domain, dot, metric = name.partition(".")
    if not (domain and dot and metric):
        raise AccessError(f"{name} is no dataset: write domain.metric.", f"{name} 不是数据集：应写作 领域.指标。")
    return domain, metric
