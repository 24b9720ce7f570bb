"""The command `citybrain`. Each command imports its part when it runs, so that no command waits for another's."""

from __future__ import annotations

import signal
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Column, Table

from citybrain import log
from citybrain.access.commands import audit, person, token
from citybrain.access.dataset_commands import dataset
from citybrain.devices.commands import device, tls
from citybrain.duty.commands import crew
from citybrain.errors import Correctable
from citybrain.settings import settings
from deploy.boards.commands import boards
from deploy.local import addresses
from rules.alerts.commands import alert
from rules.commands import notify, plan, rules
from simulators.commands import simulate_command
from simulators.replay import replay_command

if TYPE_CHECKING:
    from citybrain.store.connection import Connection

app = typer.Typer(
    name="citybrain",
    help="Urban-operations telemetry: MQTT readings into TimescaleDB, with proof that nothing was lost.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
db = typer.Typer(help="The database.", no_args_is_help=True)
quarantine = typer.Typer(help="What could not be understood.", no_args_is_help=True)
sessions = typer.Typer(help="The collectors' MQTT sessions, which the broker keeps for ever.", no_args_is_help=True)
app.add_typer(db, name="db")
app.add_typer(quarantine, name="quarantine")
app.add_typer(sessions, name="sessions")
for name, commands in (
    ("rules", rules),
    ("plan", plan),
    ("alert", alert),
    ("crew", crew),
    ("notify", notify),
    ("device", device),
    ("tls", tls),
    ("person", person),
    ("token", token),
    ("audit", audit),
    ("dataset", dataset),
    ("boards", boards),
):
    app.add_typer(commands, name=name)

console = Console()


def main() -> None:
    """Run the command line; what a person can put right is one sentence, not a traceback."""
    import psycopg

    try:
        app()
    except Correctable as error:
        sys.exit(str(error))
    except psycopg.errors.UndefinedTable:
        sys.exit("The database lacks our tables: run `citybrain db migrate`.")
    except psycopg.OperationalError as error:
        sys.exit(f"The database can't be reached: {error}")


def _writer(application: str) -> Connection:
    """A connection to the store in use, as a writer."""
    from citybrain.store.connection import connect

    return connect(addresses.database_url(settings()), "writer", application)


@app.command()
def up(
    *,
    detach: Annotated[bool, typer.Option("--detach", help="Return when everything runs.")] = False,
    demo: Annotated[bool, typer.Option(help="Simulate the demo city, too.")] = True,
) -> None:
    """Start everything on this machine: servers, collector, API and the simulated demo city."""
    from deploy.local import stack

    stack.up(settings(), detach=detach, demo=demo)


@app.command()
def down() -> None:
    """Stop what `up` started; data stays."""
    from deploy.local import stack

    stack.down(settings())


@db.command()
def migrate() -> None:
    """Bring the database to this release and write the catalogue into it; again changes nothing."""
    from citybrain.catalogue.load import load
    from citybrain.store import migrate as migrations

    chosen = settings()
    catalogue = load(chosen.catalogue_dir, chosen.generated_sites)
    with console.status("Bringing the database up to date"):
        edition = migrations.migrate(addresses.database_url(chosen), catalogue, chosen.chunk_hours)
    console.print(f"Up to date; TimescaleDB {edition.version}, {edition.license} edition.")


@db.command()
def maintain() -> None:
    """Drop what the retention settings no longer keep, and make loose indexes anew; run it daily."""
    from citybrain.store import retention
    from citybrain.store.connection import connect

    chosen = settings()
    with connect(addresses.database_url(chosen), "owner", "maintain") as connection:
        for what, number in retention.enforce(connection, chosen, datetime.now(UTC)).items():
            console.print(f"{what}: {number} dropped")
        console.print(f"indexes of rollups: {retention.tighten(connection)} made anew")


@app.command()
def collect(
    region: Annotated[str | None, typer.Option(help="Region to own, with all below it; default: all of city/.")] = None,
) -> None:
    """Collect readings from the broker into the store; stands by while another collector does."""
    from citybrain import metrics
    from ingest.broker import BrokerWatch
    from ingest.collector import Collector

    chosen = settings()
    if region is not None:
        chosen = chosen.model_copy(update={"collect_region": region})
    log.configure(chosen.log_level)
    metrics.serve(chosen)
    mqtt_url = addresses.collector_url(chosen)
    collector = Collector(chosen, addresses.database_url(chosen), mqtt_url)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: collector.stop())
    with BrokerWatch(mqtt_url):
        collector.run()


@app.command()
def derive() -> None:
    """Compute derived series (AQI and the like) where their inputs changed; one process works, others stand by."""
    from functools import partial

    from citybrain import metrics
    from citybrain.derived.runner import Runner
    from rules.host import Host

    chosen = settings()
    log.configure(chosen.log_level)
    metrics.serve(chosen)
    rules = partial(Host, "derive", chosen.zone, derived=True)
    runner = Runner(addresses.database_url(chosen), chosen.zone, rules)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: runner.stop())
    runner.run()


@app.command()
def api() -> None:
    """Serve the API, the metrics and the cockpit."""
    from api.server import serve

    chosen = settings()
    log.configure(chosen.log_level)
    serve(chosen, addresses.database_url(chosen))


@app.command()
def ledger(
    hours: Annotated[int, typer.Option(help="Hours of receipt to show, back from now.", min=1)] = 24,
    *,
    verify: Annotated[bool, typer.Option("--verify", help="Also compare with the tables, row by row.")] = False,
) -> None:
    """Show that everything received was stored, a duplicate or quarantined; exit with 1 where it does not add up."""
    from citybrain.store import ledger as account

    with _writer("ledger") as connection:
        rows = account.hours(connection, datetime.now(UTC) - timedelta(hours=hours))
        totals = account.totals(connection)
        with console.status("Comparing the ledger with the tables"):
            differences = account.verify(connection) if verify else []
    # Narrow enough for a terminal of 80 columns; nothing is missing unless something is wrong.
    shown = ["received", "stored", "duplicate", "quarantined"] + ["missing"] * any(row.missing for row in rows)
    table = Table(
        "hour",
        Column("device", no_wrap=True),
        *shown,
        title=f"The last {hours} hours",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    zone = settings().zone
    for row in rows:
        device = "-" if row.device == "-" else f"{row.region}/{row.domain}/{row.device}"
        numbers = [str(getattr(row, name)) for name in shown]
        hour = row.hour.astimezone(zone).strftime("%m-%d %H:00")
        table.add_row(hour, device, *numbers, style="red" if row.missing else None)
    console.print(table)
    console.print(
        f"In all: received {totals.received} = stored {totals.stored} + duplicate {totals.duplicate}"
        f" + quarantined {totals.quarantined}; {totals.revised} of the stored replaced an earlier value",
        soft_wrap=True,
    )
    for difference in differences:
        console.print(
            f"[red]{difference.device}: the ledger says {difference.stored} stored readings, "
            f"there are {difference.rows} and the rollups count {difference.rolled}."
        )
    if totals.unbalanced or differences:
        sys.exit(f"The ledger does not add up: {totals.unbalanced} hours, {len(differences)} devices.")
    console.print("It adds up." + (" The tables agree." if verify else ""))


@quarantine.command("list")
def quarantine_list(
    reason: Annotated[str | None, typer.Option(help="Show the entries of this reason.")] = None,
    limit: Annotated[int, typer.Option(help="Entries to show.", min=1)] = 20,
) -> None:
    """Show what waits: by reason, or the entries of one reason with their bytes."""
    from citybrain.store import quarantine as kept

    zone = settings().zone
    with _writer("quarantine") as connection:
        if reason is None:
            table = Table("reason", "entries", "first", "last", "for example")
            for waiting in kept.summary(connection):
                first, last = (moment.astimezone(zone).strftime("%Y-%m-%d %H:%M") for moment in waiting[2:4])
                table.add_row(waiting.reason, str(waiting.entries), first, last, waiting.example)
        else:
            table = Table("id", "received", "topic", "detail", "bytes", "payload")
            for entry in kept.entries(connection, reason=reason, limit=limit):
                payload = entry.payload[:120].decode("utf-8", "backslashreplace")
                received = entry.received.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
                table.add_row(str(entry.id), received, entry.topic, entry.detail, str(entry.size), payload)
    console.print(table)


@quarantine.command("replay")
def quarantine_replay(
    reason: Annotated[str | None, typer.Option(help="Only entries of this reason.")] = None,
) -> None:
    """Publish what waits once more, as it came; what is still not understood comes back as a new entry."""
    from ingest.quarantine import replay

    with _writer("quarantine") as connection, console.status("Publishing what waits"):
        replayed, skipped = replay(connection, addresses.collector_url(settings()), reason, datetime.now(UTC))
    console.print(f"{replayed} entries replayed" + (f", {skipped} cut short and left" if skipped else "") + ".")


@sessions.command("list")
def sessions_list() -> None:
    """Show the units that were ever collected, and by whom."""
    from ingest import orphans

    with _writer("sessions") as connection:
        table = Table("unit", "held by", "last heard", "connected", "queued")
        for unit, holder, _, heartbeat, connected, queued in orphans.units(connection):
            heard = heartbeat.astimezone(settings().zone).strftime("%Y-%m-%d %H:%M:%S")
            table.add_row(unit, holder, heard, "yes" if connected else "no", str(queued))
    console.print(table)


@sessions.command("forget")
def sessions_forget(
    unit: Annotated[str, typer.Argument(help="The unit, as `sessions list` shows it.")],
) -> None:
    """Delete the session of a unit that nobody collects any more, with all that waits in it."""
    from ingest import orphans

    orphans.forget(addresses.database_url(settings()), addresses.collector_url(settings()), unit)
    console.print(f"The broker has forgotten the session of {unit}.")


app.command("replay")(replay_command)
app.command("simulate")(simulate_command)
app.command("simulate")(simulate_command)
