"""The commands `citybrain rules`, `citybrain plan` and `citybrain notify`."""

from __future__ import annotations

import getpass
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from citybrain import log
from citybrain.settings import settings
from deploy.local import addresses

if TYPE_CHECKING:
    from citybrain.catalogue.model import Catalogue
    from citybrain.store.connection import Connection
    from rules.grammar.load import Checked
    from rules.plans.model import Plan

rules = typer.Typer(help="Rules: check, test, try on history, put in force.", no_args_is_help=True)
plan = typer.Typer(help="Plans: where their indicators stand.", no_args_is_help=True)
notify = typer.Typer(help="Who is told of alerts.", no_args_is_help=True)

console = Console(emoji=False)

Actor = Annotated[str, typer.Option("--by", help="Who does it.", default_factory=getpass.getuser)]


@rules.command()
def check(
    *,
    database: Annotated[bool, typer.Option("--database", help="Also have the database prepare every query.")] = False,
) -> None:
    """Report every mistake in the rule files, with file, line, reason and hint; exit with 1 if there is one."""
    from rules.grammar.check import check_command

    check_command(settings().catalogue_dir)
    if database:
        _prepare_queries()


@rules.command("test")
def run_tests(
    which: Annotated[str | None, typer.Argument(help="A rule, or a file of rules; default: all.")] = None,
) -> None:
    """Run the tests in the rule files; show what fired against what was expected, and what no test covers."""
    from rules.testing.report import test_command

    test_command(settings().catalogue_dir, which, settings().zone)


@rules.command()
def backtest(
    which: Annotated[str | None, typer.Argument(help="A rule, a pattern of names, or a file; default: all.")] = None,
    *,
    since: Annotated[str, typer.Option("--from", help="Begin in city time, such as 2026-03-01 or 2026-03-01T10:00.")],
    until: Annotated[str, typer.Option("--to", help="End likewise, exclusive; a date counts with its whole day.")],
    against: Annotated[str | None, typer.Option(help="`live`: also what differs from the rules in force.")] = None,
    truth: Annotated[Path | None, typer.Option(help="CSV of what did happen, for precision and recall.")] = None,
    csv: Annotated[Path | None, typer.Option(help="File that takes the alerts.")] = None,
    json: Annotated[Path | None, typer.Option(help="File that takes the alerts.")] = None,
    late: Annotated[bool, typer.Option("--late", help="Also as if late readings had come in time.")] = False,
) -> None:
    """Replay stored readings through rules of the files, in force or not; show the alerts there would have been."""
    from citybrain.store.connection import connect
    from rules.backtest.command import backtest_command

    chosen = settings()
    url = addresses.database_url(chosen)
    _, checked, plans = _checked()
    with _writer() as connection, connect(url, "rules", "rules backtest") as reader:
        backtest_command(
            connection,
            reader,
            chosen.catalogue_dir,
            checked.rules,
            plans,
            which,
            since,
            until,
            chosen.zone,
            datetime.now(UTC),
            console,
            against=against,
            truth=truth,
            csv=csv,
            json=json,
            late=late,
        )


@rules.command()
def apply(by: Actor) -> None:
    """Put the rules of the files in force, all or none; running processes take them up within seconds."""
    from rules.sets import apply as put_in_force

    _, checked, plans = _checked()
    with _writer() as connection:
        done = put_in_force(connection, checked, plans, by, datetime.now(UTC))
        several = _several(checked, connection)
    for warning in [*map(str, checked.warnings), *several]:
        console.print(f"{warning} (warning)", style="yellow", markup=False, soft_wrap=True)
    for what, names in (("added", done.added), ("changed", done.changed), ("removed", done.removed)):
        for name in names:
            console.print(f"{what:8} {name}")
    console.print("Nothing changed." if done.nothing else f"Set {done.set_id} is in force.")


@rules.command("list")
def list_rules() -> None:
    """Show the rules in force, each with its version and how its newest run went."""
    from citybrain.store.sql import query

    table = Table(
        Column("rule", overflow="fold"),
        Column("version", no_wrap=True, justify="right"),
        Column("newest run", no_wrap=True),
        Column("took", no_wrap=True, justify="right"),
        Column("error", overflow="fold"),
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    with _writer() as connection:
        for rule, version, title, ran, took_ms, error in connection.execute(query("rules", "in_force")):
            when = ran.astimezone(settings().zone).strftime("%m-%d %H:%M:%S") if ran else ""
            took = f"{took_ms:.0f} ms" if ran else ""
            table.add_row(f"{rule}\n[dim]{escape(title)}", str(version), when, took, escape(error or ""))
    console.print(table)


@rules.command()
def run() -> None:
    """Run scheduled rules, listen for silence, announce alerts and tell people; one works, others stand by."""
    from functools import partial

    from citybrain import metrics
    from citybrain.mqtt import plain_client
    from rules.alerts import deadlines
    from rules.notification import schema
    from rules.notification.notifier import Notifier
    from rules.runner import Runner

    chosen = settings()
    log.configure(chosen.log_level)
    metrics.serve(chosen)
    routes = schema.load(chosen.routes, _catalogue()) if chosen.routes else ()
    client = plain_client(addresses.collector_url(chosen))
    client.loop_start()
    url = addresses.database_url(chosen)
    notifier = partial(Notifier, url, routes, client, chosen.zone, chosen.public_url)
    runner = Runner(url, chosen.zone, deadlines.load(chosen.deadlines), notifier)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: runner.stop())
    runner.run()
    client.disconnect()
    client.loop_stop()


@plan.command()
def status(
    *, known: Annotated[bool, typer.Option("--known", help="Only indicators that have a value.")] = False
) -> None:
    """Show each indicator of the plans: actual value, path today, target, verdict, shortfall, clause."""
    from rules.plans.load import load
    from rules.plans.status import plan_status

    chosen = settings()
    plans = load(chosen.catalogue_dir, _catalogue())
    with _writer() as connection:
        plan_status(connection, plans, datetime.now(UTC), chosen.zone, console, known=known)


@plan.command()
def enter(
    file: Annotated[Path, typer.Argument(help="CSV with indicator, region, day, value and note.", dir_okay=False)],
    by: Actor,
) -> None:
    """Enter values of indicators that nothing measures; all of the file, or nothing where a line is wrong."""
    from rules.plans.entry import plan_enter, read
    from rules.plans.load import load

    chosen = settings()
    plans = load(chosen.catalogue_dir, _catalogue())
    with _writer() as connection:
        entered = plan_enter(connection, plans, read(file), by, datetime.now(UTC), chosen.zone)
    console.print(f"{entered} values entered.")


@notify.command("test")
def notify_test(route: Annotated[str, typer.Argument(help="A route of the file that CITYBRAIN_ROUTES names.")]) -> None:
    """Send a message for a trial by one route."""
    from rules.notification import schema
    from rules.notification.notifier import try_route

    chosen = settings()
    if chosen.routes is None:
        sys.exit("CITYBRAIN_ROUTES is empty: name the file of the routes there.")
    try_route(schema.load(chosen.routes, _catalogue()), route, datetime.now(UTC), chosen.zone, chosen.public_url)
    console.print(f"Sent by {route}.")


def _catalogue() -> Catalogue:
    from citybrain.catalogue.load import load

    chosen = settings()
    return load(chosen.catalogue_dir, chosen.generated_sites)


def _checked() -> tuple[Catalogue, Checked, dict[str, Plan]]:
    """The catalogue, the rules and the plans of the files, checked."""
    from rules.grammar.load import load
    from rules.plans.load import indicators
    from rules.plans.load import load as load_plans

    root, catalogue = settings().catalogue_dir, _catalogue()
    plans = load_plans(root, catalogue)
    return catalogue, load(root, catalogue, {name: found.unit for name, found in indicators(plans).items()}), plans


def _several(checked: Checked, connection: Connection) -> list[str]:
    """What `with` does not find because more than one series matches, with the series there are now."""
    from rules.engine.plan import compile_rules
    from rules.host import directory

    plan = compile_rules(checked.rules, directory(connection), settings().zone)
    return [
        f"{program.rule.file}:{program.rule.line}: {program.rule.name}: {name} is NULL for {alias.several} series of "
        f"{program.group.metric}, because more than one series of {program.rule.with_[name].metric} matches each; "
        "choose another `same`"
        for program in plan.programs
        for name, alias in program.aliases.items()
        if alias.several and program.position == 0
    ]


def _prepare_queries() -> None:
    """Have the database prepare every query, in the role that runs it."""
    from citybrain.store.connection import connect
    from rules.model import Query
    from rules.scheduled import QueryError, prepare

    failed = False
    with connect(addresses.database_url(settings()), "rules", "rules check") as connection:
        for rule in _checked()[1].rules.rules.values():
            if isinstance(rule.source, Query):
                try:
                    prepare(connection, rule)
                except QueryError as error:
                    failed = True
                    console.print(f"{rule.file}:{rule.line}: {rule.name}: {error}", markup=False, soft_wrap=True)
    if failed:
        sys.exit("The database refuses some queries.")


def _writer() -> Connection:
    from citybrain.store.connection import connect

    return connect(addresses.database_url(settings()), "writer", "rules")
