"""The command `citybrain rules backtest`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from citybrain.store.connection import Connection
from rules.backtest import replay
from rules.backtest.replay import Version
from rules.backtest.report import Report
from rules.backtest.run import BacktestError, Outcome, in_force, run
from rules.backtest.score import read
from rules.choice import pick
from rules.model import RuleSet
from rules.plans.model import Plan


def backtest_command(
    connection: Connection,
    reader: Connection,
    root: Path,
    rules: RuleSet,
    plans: Mapping[str, Plan],
    chosen: str | None,
    since: str,
    until: str,
    zone: ZoneInfo,
    now: datetime,
    console: Console,
    *,
    against: str | None = None,
    truth: Path | None = None,
    csv: Path | None = None,
    json: Path | None = None,
    late: bool = False,
) -> Outcome:
    """Replay stored readings through rules of the files, and say which alerts there would have been.

    Args:
        connection: of the writer; nothing is written.
        reader: of the role in which queries run.
        root: folder of the catalogue and the rules.
        rules: those of the files, checked.
        plans: those of the files.
        chosen: a rule or a pattern of names, or a file of rules; None: all that are not off.
        since: begin of the span, `2026-03-01` or `2026-03-01T10:00`, in city time.
        until: its end likewise, exclusive; a date counts with its whole day.
        zone: the city's.
        now: the present, beyond which nothing is replayed.
        console: where it is shown.
        against: `live`: compare with the rules in force.
        truth: CSV of incidents that did happen.
        csv: file that takes the alerts.
        json: file that takes the alerts, also those of what was compared.
        late: also replay as if late readings had come in time.

    Raises:
        NoSuchRule: no rule is meant.
        BacktestError: an argument is wrong, or there is nothing to replay.
        TruthError: the list of incidents is wrong.
    """
    if against is not None and against.lower() != "live":
        raise BacktestError(f"--against is {against}: only `live`, the rules in force, can be compared with.")
    begin, end = span(since, until, zone)
    end = min(end, now.replace(microsecond=0))
    if begin >= end:
        raise BacktestError(f"--from {since} lies in the future.")
    picked = [rule for rule in pick(rules, chosen, root) if chosen is not None or rule.mode != "off"]
    incidents = read(truth, zone) if truth is not None else None
    live = in_force(connection) if against is not None else None
    version = Version(rules, plans, {})
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as progress:

        def bar(words: str) -> replay.Progress:
            task = progress.add_task(words, total=1.0)
            return lambda share: progress.update(task, completed=share)

        found = run(connection, reader, version, picked, begin, end, zone, bar, against=live, late=late)
    report = Report(found, zone)
    for part in report.tables(incidents):
        console.print(part)
    if csv is not None:
        report.write_csv(csv)
    if json is not None:
        report.write_json(json)
    return found


def span(since: str, until: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants between two times as they are written, in city time; the end exclusive, a date with its whole day.

    Raises:
        BacktestError: one of them is no time, or they are in the wrong order.
    """
    begin, end = _instant("--from", since, zone), _instant("--to", until, zone)
    if _is_date(until):
        end = (end.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    if begin >= end:
        raise BacktestError(f"--from {since} is not before --to {until}.")
    return begin, end


def _instant(option: str, text: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(text).replace(microsecond=0)
    except ValueError as error:
        raise BacktestError(f"{option} is {text}: write it as 2026-03-01 or 2026-03-01T10:00.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
