"""The command `citybrain alert`: see alerts, understand one, act on it, silence it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from citybrain.settings import settings

if TYPE_CHECKING:
    from citybrain.store.connection import Connection
    from rules.alerts.handling import Action

alert = typer.Typer(help="Alerts: what is open, why, and what people do about it.", no_args_is_help=True)
console = Console()

STYLES = {1: "red", 2: "dark_orange", 3: "yellow", 4: "blue"}

Id = Annotated[int, typer.Argument(help="Number of the alert, as `alert list` shows it.")]
By = Annotated[str, typer.Option("--by", help="Who does it.")]
Note = Annotated[str | None, typer.Option(help="Why, or what was found.")]
Why = Annotated[str, typer.Option("--note", help="Why, or what was found.")]
Crew = Annotated[str, typer.Option(help="The crew that it goes to.")]


@alert.command("list")
def list_alerts(
    *,
    all_: Annotated[bool, typer.Option("--all", help="Closed and false ones, too.")] = False,
    domain: Annotated[str | None, typer.Option(help="Only this domain.")] = None,
    region: Annotated[str | None, typer.Option(help="Only this region and those below it.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only rules of this pattern, such as 'water.*'.")] = None,
    handling: Annotated[str | None, typer.Option(help="Only those in this state of handling, such as new.")] = None,
    limit: Annotated[int, typer.Option(help="Alerts to show.", min=1)] = 50,
) -> None:
    """Show alerts, what needs attention first on top."""
    from citybrain.store.sql import query
    from rules.alerts.wording import SEVERITY, STEP

    # Narrow enough for a terminal of 80 columns: what belongs together stands in one cell.
    table = Table(
        Column("id", no_wrap=True),
        Column("", no_wrap=True),
        Column("alert", overflow="fold"),
        Column("value", justify="right"),
        Column("since", no_wrap=True),
        Column("state", overflow="fold"),
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    parameters = {
        "all": all_,
        "domain": domain,
        "region": region,
        "rule": rule,
        "handling": handling,
        "limit": limit,
    }
    with _writer() as connection:
        rows = connection.execute(query("alerts", "list"), parameters).fetchall()
    for id, attention, title, place, value, limits, condition, raised, state, step, due, overdue, shelf, work in rows:
        quiet = " (shelved)" * bool(shelf) + " (maintenance)" * bool(work)
        table.add_row(
            str(id),
            SEVERITY[attention].zh,
            f"{escape(title)}\n{escape(place)}",
            _amount(value, limits),
            _time(raised),
            f"{condition}{quiet}, {state}" + (f"\n{STEP[step].zh} {_time(due)}" + " 超时" * overdue if due else ""),
            style=STYLES[attention] if condition == "raised" else "dim",
        )
    console.print(table if rows else "No alerts.")


@alert.command("explain")
def explain_alert(id: Id) -> None:
    """Explain an alert: readings, rule and version, limits with their source, deadlines, who was told and why not."""
    from rules.alerts.deadlines import load
    from rules.alerts.explain import explain, lines

    with _writer() as connection:
        found = explain(connection, id)
    for line in lines(found, load(settings().deadlines), settings().zone):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


@alert.command()
def confirm(id: Id, by: By, note: Note = None) -> None:
    """Judge an alert to be real (确认属实)."""
    _act(id, "confirm", by, note)


@alert.command()
def refute(id: Id, by: By, note: Why) -> None:
    """Judge an alert to be false (判为误报)."""
    _act(id, "refute", by, note)


@alert.command()
def dispatch(id: Id, by: By, crew: Crew, note: Note = None) -> None:
    """Send a crew (派单)."""
    _act(id, "dispatch", by, note, crew)


@alert.command()
def reassign(id: Id, by: By, crew: Crew, note: Note = None) -> None:
    """Send another crew (改派)."""
    _act(id, "reassign", by, note, crew)


@alert.command()
def accept(id: Id, by: By, note: Note = None) -> None:
    """The crew has the order (签收)."""
    _act(id, "accept", by, note)


@alert.command()
def start(id: Id, by: By, note: Note = None) -> None:
    """The crew has begun to work (开始处置)."""
    _act(id, "start", by, note)


@alert.command("feed-back")
def feed_back(id: Id, by: By, note: Why) -> None:
    """The crew reports what it found and did (反馈结果)."""
    _act(id, "feed_back", by, note)


@alert.command()
def close(id: Id, by: By, note: Why) -> None:
    """Close an alert, after verifying what was reported (核查通过并办结)."""
    _act(id, "close", by, note)


@alert.command("return")
def return_(id: Id, by: By, note: Why) -> None:
    """Return an order, or a report that does not hold (退回重办)."""
    _act(id, "return", by, note)


@alert.command()
def reopen(id: Id, by: By, note: Why) -> None:
    """Take back that an alert was closed or judged false."""
    _act(id, "reopen", by, note)


@alert.command()
def assign(
    id: Id, by: By, to: Annotated[str, typer.Option(help="Name of the operator who has it in hand.")], note: Note = None
) -> None:
    """Hand an alert over to another operator (转交)."""
    _act(id, "assign", by, note, operator=to)


@alert.command()
def comment(id: Id, by: By, note: Why) -> None:
    """Add a note to what happened."""
    _act(id, "comment", by, note)


@alert.command()
def shelve(
    by: By,
    reason: Annotated[str, typer.Option(help="Why.")],
    id: Annotated[int | None, typer.Argument(help="Number of the alert; or give --rule and --subject.")] = None,
    hours: Annotated[float, typer.Option("--for", help="Hours, 24 at most.", min=0.01)] = 2,
    rule: Annotated[str | None, typer.Option(help="Rules of this pattern, such as 'water.*'.")] = None,
    subject: Annotated[str, typer.Option(help="Subjects of this pattern.")] = "*",
) -> None:
    """Announce nothing of an alert, or of those that match, for a time (搁置)."""
    from datetime import timedelta

    from rules.alerts import silence
    from rules.alerts.case import one

    if (id is None) == (rule is None):
        raise typer.BadParameter("name an alert by its number, or rules by --rule")
    now = datetime.now(UTC)
    with _writer() as connection:
        patterns = one(connection, id).key if id is not None else (str(rule), subject)
        number = silence.shelve(connection, *patterns, now + timedelta(hours=hours), reason, by, now)
    console.print(f"Shelf {number}: {escape(' on '.join(patterns))} until {_time(now + timedelta(hours=hours))}.")


@alert.command()
def unshelve(number: Annotated[int, typer.Argument(help="Number of the shelf.")], by: By) -> None:
    """End a shelf early."""
    from rules.alerts import silence

    with _writer() as connection:
        silence.unshelve(connection, number, by, datetime.now(UTC))
    console.print(f"Shelf {number} has ended.")


@alert.command()
def maintenance(
    by: By,
    reason: Annotated[str, typer.Option(help="Why.")],
    until: Annotated[datetime, typer.Option(help="City time at which it ends.")],
    since: Annotated[datetime | None, typer.Option(help="City time at which it begins; default: now.")] = None,
    region: Annotated[str | None, typer.Option(help="A region, with all below it.")] = None,
    domain: Annotated[str | None, typer.Option(help="A domain.")] = None,
    site: Annotated[str | None, typer.Option(help="A site.")] = None,
    device: Annotated[str | None, typer.Option(help="A device, as region/domain/name.")] = None,
) -> None:
    """Announce nothing of what lies in a maintenance window while it lasts (维护窗口)."""
    from rules.alerts.silence import Window, open_window

    zone, now = settings().zone, datetime.now(UTC)
    begin = since.replace(tzinfo=zone) if since else now
    window = Window(begin, until.replace(tzinfo=zone), region, domain, site, device)
    with _writer() as connection:
        number = open_window(connection, window, reason, by, now)
    console.print(f"Maintenance window {number} from {_time(window.start)} to {_time(window.end)}.")


@alert.command()
def statistics() -> None:
    """Show the statistics of the last 30 days, each figure beside what ISA-18.2 wants."""
    from rules.alerts.statistics import statistics, tables

    with _writer() as connection:
        found = statistics(connection)
    for table in tables(found):
        console.print(table)


def _act(
    id: int, action: Action, by: str, note: str | None, crew: str | None = None, operator: str | None = None
) -> None:
    from rules.alerts.case import act
    from rules.alerts.deadlines import load
    from rules.alerts.handling import Actor, Request
    from rules.alerts.wording import STEP

    with _writer() as connection:
        request = Request(action, Actor(by), note, crew, operator)
        done = act(connection, id, request, load(settings().deadlines), datetime.now(UTC))
    due = f"; next: {STEP[done.due_step].en} by {_time(done.due_at)}" if done.due_step and done.due_at else ""
    console.print(f"Alert {id} is {done.handling}{due}.")


@contextmanager
def _writer() -> Iterator[Connection]:
    from citybrain.store.connection import connect
    from deploy.local import addresses

    with connect(addresses.database_url(settings()), "writer", "alert") as connection:
        yield connection


def _amount(value: Any, limits: dict[str, dict[str, Any]]) -> str:
    """A value beside the first of its limits."""
    limit = next(iter(limits.values()), None)
    if value is None or limit is None:
        return _number(value)
    return f"{_number(value)} / {_number(limit['value'])} {limit.get('unit', '')}".rstrip()


def _number(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _time(moment: datetime) -> str:
    return f"{moment.astimezone(settings().zone):%m-%d %H:%M:%S}"
