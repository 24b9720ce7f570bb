"""The commands `citybrain device` and `citybrain tls`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from citybrain.settings import settings
from deploy.local import addresses

if TYPE_CHECKING:
    from citybrain.devices.credentials import Credential
    from citybrain.devices.dynsec import Broker
    from citybrain.devices.rights import Key
    from citybrain.store.connection import Connection

device = typer.Typer(help="Devices: their credentials for the broker.", no_args_is_help=True)
tls = typer.Typer(help="Certificates of a private authority, for a pilot.", no_args_is_help=True)

console = Console(soft_wrap=True, highlight=False)

Named = Annotated[str, typer.Argument(metavar="DEVICE", help="The device: REGION/DOMAIN/NAME, as in its topics.")]


@device.command("add")
def add_device(
    named: Named,
    site: Annotated[str | None, typer.Option(help="Site that it stands at.")] = None,
    gateway: Annotated[str | None, typer.Option(help="Gateway that publishes for it.")] = None,
) -> None:
    """Give a device credentials, and tell its password, once; without them nobody publishes for it any more."""
    from citybrain.devices import credentials

    new = credentials.NewDevice(*_key(named), site, gateway)
    with _acting("device.add", named) as (connection, broker, by, now):
        (added,) = credentials.add(connection, broker, [new], by, now)
    _tell(added)


@device.command("import")
def import_devices(
    file: Annotated[Path, typer.Argument(help="CSV with the columns region,domain,name and perhaps site,gateway.")],
    credentials_file: Annotated[
        Path | None,
        typer.Option("--credentials", help="New file for the passwords.", show_default="FILE.credentials.csv"),
    ] = None,
) -> None:
    """Give all devices of a file credentials, or with one mistake none; the passwords go into a new file."""
    from citybrain.devices import credentials, importing

    new, labels = importing.read(file)
    target = credentials_file or file.with_suffix(".credentials.csv")
    if target.exists():
        raise credentials.DeviceError(f"{target} is there already: name another file with --credentials.")
    # The file comes before the commit: passwords that nobody can read would be of no use.
    with (
        console.status(f"Giving {len(new):,} devices credentials"),
        _acting("device.import", f"{len(new)} devices") as (connection, broker, by, now),
    ):
        importing.write(target, credentials.add(connection, broker, new, by, now, labels=labels))
    console.print(
        f"{len(new):,} devices have credentials; the passwords are in {escape(str(target))}, and nowhere else."
    )


@device.command("list")
def list_devices(
    *,
    region: Annotated[str | None, typer.Option(help="Only this region and those below it.")] = None,
    domain: Annotated[str | None, typer.Option(help="Only this domain.")] = None,
    site: Annotated[str | None, typer.Option(help="Only this site.")] = None,
    gateway: Annotated[str | None, typer.Option(help="Only those behind this gateway.")] = None,
    text: Annotated[str | None, typer.Option(help="Only those with this in their name, or their site's.")] = None,
    online: Annotated[bool | None, typer.Option("--online/--offline", help="Only those that said so last.")] = None,
    verified: Annotated[
        bool | None, typer.Option("--verified/--unverified", help="Only those that somebody listed, or nobody did.")
    ] = None,
    state: Annotated[
        Literal["active", "revoked", "none"] | None, typer.Option("--credentials", help="Only those whose are so.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Devices to show.", min=1)] = 100,
) -> None:
    """Show devices, by name."""
    from psycopg.rows import dict_row

    from citybrain.store.connection import connect
    from citybrain.store.sql import query

    within = None
    table = Table(Column("device", overflow="fold"), "site", "gateway", "online", "credentials", box=box.SIMPLE_HEAD)
    with connect(addresses.database_url(settings()), "board", "device") as connection:
        if region:
            below = connection.execute(query("api_catalogue", "below"), {"region": region})
            within = [id for (id,) in below]
        filters = {"within": within, "domain": domain, "site": site, "gateway": gateway, "text": text, "name": None}
        states = {"online": online, "verified": verified, "credentials": state}
        place = ("after_region", "after_domain", "after_name", "after_since", "after_id")
        page = dict.fromkeys(("regions", "domains", "state", "sort", *place))
        with connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(query("devices", "list"), {**filters, **states, **page, "limit": limit + 1})
            found = cursor.fetchall()
    for row in found[:limit]:
        name = "/".join((row["region"], row["domain"], row["name"]))
        said = {True: "yes", False: "no", None: "-"}[row["online"]]
        mark = "" if row["verified"] else " (unverified)"
        table.add_row(escape(name + mark), row["site"] or "-", escape(row["gateway"] or "-"), said, row["credentials"])
    console.print(table)
    if len(found) > limit:
        console.print(f"There are more than {limit}: see them with --limit, or fewer with the other options.")


@device.command()
def rotate(named: Named) -> None:
    """Give a device a new password, and tell it, once; a connection with the old one ends. A revoked one is back."""
    from citybrain.devices import credentials

    with _acting("device.rotate", named) as (connection, broker, _, now):
        renewed = credentials.rotate(connection, broker, _key(named), now)
    _tell(renewed)


@device.command()
def revoke(named: Named) -> None:
    """Let a device in no longer, and end its connection; its readings stay."""
    from citybrain.devices import credentials

    with _acting("device.revoke", named) as (connection, broker, by, now):
        credentials.revoke(connection, broker, _key(named), by, now)
    console.print(f"{escape(named)} is shut out; `citybrain device rotate` lets it in again.")


@device.command()
def sync(*, repair: Annotated[bool, typer.Option("--repair", help="Have the broker put them right.")] = False) -> None:
    """Compare the broker's credentials with the database, and exit with 1 where they differ and were not repaired."""
    from citybrain.devices import differences

    with _acting("device.sync", "repair" if repair else "") as (connection, broker, _, _now):
        found = differences.find(connection, broker)
        if repair:
            broker.do([command for difference in found for command in difference.repair])
    for difference in found:
        console.print(f"{escape(difference.device)}: {difference.what}")
    if found and not repair:
        sys.exit(f"{len(found)} differences; `citybrain device sync --repair` puts them right.")
    console.print(f"{len(found)} differences repaired." if found else "The broker agrees.")


@tls.command("make")
def make_certificate(
    host: Annotated[list[str], typer.Option(help="Name or address that devices reach us by; may be given again.")],
) -> None:
    """Make a certificate for our TLS servers, and the authority that devices trust where there is none yet."""
    from citybrain.devices import certificates

    files = certificates.make(certificates.folder(settings()), host, datetime.now(UTC))
    days, authority = certificates.SERVER_LIFE.days, files.certificate.with_name("ca.crt")
    console.print(f"{escape(str(files.certificate))} is good for {days} days: make it anew before.")
    console.print(f"Devices trust {escape(str(authority))}; ca.key stays where it is, and secret.")


@contextmanager
def _acting(action: str, target: str) -> Iterator[tuple[Connection, Broker, str, datetime]]:
    """A transaction and the broker, for a change that the audit records."""
    from citybrain.access import audit
    from citybrain.devices.dynsec import broker
    from citybrain.store.connection import connect

    now, by = datetime.now(UTC), audit.commander()
    chosen = settings()
    with (
        broker(addresses.broker_admin_url(chosen)) as control,
        connect(addresses.database_url(chosen), "writer", "device") as connection,
        connection.transaction(),
    ):
        yield connection, control, by, now
        audit.add(connection, audit.Entry(by, action, target), now)


def _key(named: str) -> Key:
    from citybrain.devices import credentials, rights

    key = rights.key_of(named)
    if key is None:
        raise credentials.DeviceError(f"{named!r} names no device: expected REGION/DOMAIN/NAME, as in its topics.")
    return key


def _tell(credential: Credential) -> None:
    """Show a password. It is not logged, and kept nowhere."""
    console.print(f"username  {escape(credential.username)}")
    console.print(f"password  {credential.password}")
    console.print(f"topics    {escape(f'city/{credential.username}/reading')} and .../status")
    console.print("The password is shown this once.")
