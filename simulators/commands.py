"""The command `citybrain simulate`. What is slow to import is imported when it runs."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO
from zoneinfo import ZoneInfo

import typer
from rich import box
from rich.console import Console
from rich.table import Column, Table

from citybrain.settings import Settings, settings
from simulators.model import SECOND, SimulationError

if TYPE_CHECKING:
    from citybrain.catalogue.model import Catalogue
    from citybrain.devices.rights import Key
    from simulators.pace import Pace
    from simulators.scenario import Incident, Scenario
    from simulators.simulation import Simulation

SITES = "simulated.yaml"  # in the folder of generated sites
NETWORKS = "simulated.geojson"  # in that of generated networks
CREDENTIALS = "simulated-credentials.csv"  # in the runtime folder
NOTE = "simulated-until.json"  # in the runtime folder
MICROSECOND = timedelta(microseconds=1)


def simulate_command(
    *,
    name: Annotated[str, typer.Option("--scenario", help="What happens: one that ships, or a file.")] = "demo",
    devices: Annotated[
        int | None, typer.Option(min=1, max=200_000, help="How many, about.", show_default="as the scenario says")
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            min=0.001, max=1e6, help="Times real time, until it has caught up with the clock.", show_default="full"
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all chance; the same gives the same city and readings.")] = 1,
    since: Annotated[
        str | None,
        typer.Option("--from", help="First instant in city time, such as 2026-03-01 or 2026-03-01T10:00."),
    ] = None,
    truth: Annotated[
        Path | None, typer.Option(help="File that takes what truly happens, as CSV for backtests.")
    ] = None,
    credentials: Annotated[
        Path | None,
        typer.Option(help="Passwords of the devices, as `device import` writes them.", show_default="made by itself"),
    ] = None,
    anonymous: Annotated[bool, typer.Option("--anonymous", help="Publish without credentials.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the last simulation ended.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Say what would happen; publish nothing.")] = False,
) -> None:
    """Simulate a city: its physics, its devices, and what goes wrong; publish it through MQTT."""
    from citybrain.catalogue.load import load as load_catalogue
    from deploy.local import addresses
    from simulators import enrolment, scenario
    from simulators.city import FAULTS
    from simulators.publisher import Address
    from simulators.simulate import Plan, Show, now

    chosen, console = settings(), Console()
    catalogue = load_catalogue(chosen.catalogue_dir)
    found = scenario.load(name, FAULTS, Path.cwd(), list(catalogue.domains))
    offset = (datetime.now(chosen.zone).utcoffset() or timedelta()) // MICROSECOND
    begin, start, end = timeline(found, since, speed, datetime.now(UTC), chosen.zone, chosen.oldest_reading)
    note = Note(chosen.runtime_dir / NOTE, found.name, seed, devices)
    resumed = resume and note.until() > begin
    if resumed:
        begin = note.until()
    plan = Plan(found, catalogue, seed, devices, begin, start, end, speed, offset, resumed)
    if check and start is None:
        plan = plan.started(begin, now())

    def tell(incidents: list[Incident]) -> None:
        console.print(table(incidents, chosen.zone))
        if truth is not None:
            with _opened(truth) as file:
                scenario.write_truth(incidents, file, chosen.zone)

    if truth is not None:
        _opened(truth).close()  # What can't be written is told before anything is published.

    with console.status("Building the city"):
        show = Show(plan, console, tell)
    console.print(
        f"{found.file.title.en}: {len(show.simulation.roster):,} devices, {len(show.simulation.city.sites):,} sites."
    )
    if check:
        tell(show.simulation.incidents)
        return
    passwords: Mapping[Key, str | None] | None
    if credentials:
        passwords = enrolment.read_credentials(credentials)
    else:
        passwords = _enrolled(chosen, catalogue, show.simulation, anonymous=anonymous)
    if out := ["/".join(key) for key, password in (passwords or {}).items() if password is None]:
        console.print(f"Left out, for their credentials are revoked: {', '.join(out)}.")
    with _pace(chosen, console) as pace:
        asyncio.run(show.run(Address.parse(addresses.mqtt_url(chosen)), passwords, pace))
    note.write(show.totals.until)
    console.print(f"Published {show.totals}.{' Stopped before the end.' if show.totals.interrupted and end else ''}")
    if show.totals.unacknowledged:
        console.print(f"{show.totals.unacknowledged:,} messages may not have arrived.")
    if show.totals.unacknowledged or (show.totals.interrupted and end is not None):
        raise typer.Exit(1)


def timeline(
    scenario: Scenario, since: str | None, speed: float | None, now: datetime, zone: ZoneInfo, oldest: date
) -> tuple[int, int | None, int | None]:
    """First instant, start and end of a simulation, us UTC; see `simulate.Plan`.

    Args:
        scenario: What happens. One that says when it starts does so then; any other starts live or, with a speed, so
            that the first that happens in it does so at the first instant, without history.
        since: First instant in city time.
        speed: Times real time.
        now: The present.
        zone: The city's.
        oldest: The first day in city time that the platform takes readings of.

    Raises:
        SimulationError: it can't be then.
    """
    file = scenario.file
    before = (file.history or scenario.lead) // MICROSECOND
    lead, lasts = scenario.lead // MICROSECOND, file.lasts // MICROSECOND if file.lasts else None
    present, first = _us(now), _instant(since, zone) if since is not None else None
    start = None
    if file.starts is not None:
        start = _us(file.starts.replace(tzinfo=zone))
        begin = start - before if first is None else first
    elif speed is not None:
        if first is None and lasts is None:
            raise SimulationError(f"{scenario.name} never ends: with --speed say --from when it begins.")
        # Without a first instant it catches up with the clock just when it ends.
        begin = present - lead - int((lasts or 0) * max(0.0, 1 - 1 / speed)) if first is None else first
        start = begin + lead
    else:
        begin = present - before if first is None else first
    end = start + lasts if start is not None and lasts is not None else None
    if begin < _us(datetime.combine(oldest, time.min, zone)):
        raise SimulationError(f"It would begin before {oldest}, where the platform takes no readings yet.")
    if begin > present:
        moment = datetime.fromtimestamp(begin / SECOND, zone)
        raise SimulationError(f"It would begin {moment:%Y-%m-%d %H:%M}, which lies in the future.")
    if end is not None and begin >= end:
        moment = datetime.fromtimestamp(end / SECOND, zone)
        raise SimulationError(f"{scenario.name} ends {moment:%Y-%m-%d %H:%M}: say an earlier --from.")
    return begin, start, end


@dataclass(frozen=True, slots=True)
class Note:
    """The file that says how far the last simulation came."""

    path: Path
    scenario: str
    seed: int
    devices: int | None

    def until(self) -> int:
        """Until when it came, us UTC, if it was the same; else 0."""
        try:
            known = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return 0
        if not isinstance(known, dict) or not known.items() >= self._same.items():
            return 0
        until = known.get("until")
        return until if type(until) is int and until > 0 else 0

    def write(self, until: int) -> None:
        """Note that all until then was acknowledged."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps({**self._same, "until": until}), encoding="utf-8")

    @property
    def _same(self) -> dict[str, object]:
        return {"scenario": self.scenario, "seed": self.seed, "devices": self.devices}


def table(incidents: Iterable[Incident], zone: ZoneInfo) -> Table:
    """What truly happens, to be read."""
    names = (Column(name, overflow="fold") for name in ("incident", "what", "when"))
    sites, shows_as = Column("sites", justify="right"), Column("shows as", overflow="fold")
    found = Table(*names, sites, shows_as, box=box.SIMPLE_HEAD)
    for one in incidents:
        start, end = (datetime.fromtimestamp(time / SECOND, zone) for time in (one.start, one.end))
        until = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%m-%d %H:%M}"
        shows = ", ".join(one.shows_as) or "nothing"
        found.add_row(one.incident, one.kind, f"{start:%m-%d %H:%M} to {until}", str(len(one.subjects)), shows)
    return found


def _enrolled(
    chosen: Settings, catalogue: Catalogue, simulation: Simulation, *, anonymous: bool
) -> dict[Key, str | None] | None:
    """Make the city known to the platform; the passwords of its devices, if these have any (see `Fleet`)."""
    from citybrain.devices.dynsec import broker as changing
    from citybrain.store.connection import connect
    from deploy.local import addresses
    from deploy.local.stack import CITYBRAIN
    from simulators import enrolment

    sites = [site for site in simulation.city.sites if site.id not in catalogue.sites]
    enrolment.write_sites(chosen.generated_sites / SITES, sites, [d for _, d in simulation.city.devices])
    enrolment.write_networks(chosen.generated_networks / NETWORKS, simulation.city.sources)
    # In a process of its own, as the catalogue of a large city takes a gigabyte.
    done = subprocess.run([CITYBRAIN, "db", "migrate"], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SimulationError(f"The city can't be made known to the platform: {done.stderr.strip()}")
    if anonymous:
        return None
    kept = chosen.runtime_dir / CREDENTIALS
    with (
        changing(addresses.broker_admin_url(chosen)) as broker,
        connect(addresses.database_url(chosen), "writer", "simulate") as connection,
        connection.transaction(),
    ):
        return enrolment.enrol(connection, broker, simulation.roster, kept, datetime.now(UTC))


@contextmanager
def _pace(chosen: Settings, console: Console) -> Iterator[Pace | None]:
    """The pace of the platform; None where its ledger can't be read, as where only the broker is ours to reach."""
    import psycopg

    from deploy.local import addresses
    from simulators.pace import Pace

    try:
        pace = Pace(addresses.database_url(chosen), datetime.now(UTC))
    except psycopg.Error as error:
        console.print(f"The platform's ledger can't be read, so the broker sets the pace: {str(error).strip()}")
        yield None
        return
    with closing(pace):
        yield pace


def _opened(path: Path) -> TextIO:
    try:
        return path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise SimulationError(f"{path} can't be written: {error.strerror}.") from error


def _instant(text: str, zone: ZoneInfo) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SimulationError(f"--from is {text}: write it as 2026-03-01 or 2026-03-01T10:00.") from error
    return _us(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def _us(moment: datetime) -> int:
    return int(moment.timestamp()) * SECOND
