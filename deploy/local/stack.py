"""The whole platform on one machine: `up` starts private servers and our processes, `down` stops them."""

from __future__ import annotations

import http
import http.client
import os
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn
from urllib.parse import urlsplit, urlunsplit

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from citybrain.settings import PROJECT, Settings
from deploy.local import LocalError, Notice, Report, addresses, postgres, runtime
from deploy.local.mosquitto import Encrypted, Mosquitto
from deploy.local.postgres import Postgres
from deploy.local.supervision import Program, Supervisor

CITYBRAIN = str(Path(sysconfig.get_path("scripts")) / "citybrain")
DEMO = (CITYBRAIN, "simulate", "--resume")

EXAMPLE_TOPIC = "city/150802/water/example-1/reading"
EXAMPLE_PAYLOAD = '{"values": {"pressure": 0.31}}'

SERVER_PATIENCE = 300.0  # seconds: a killed database replays its log, a broker reads a queue of millions
PROGRAM_PATIENCE = 30.0  # seconds


@dataclass(frozen=True)
class Stack:
    """What runs on this machine; a server is None where the settings name another."""

    settings: Settings
    place: runtime.Place
    postgres: Postgres | None
    mosquitto: Mosquitto | None

    @property
    def supervisor(self) -> Supervisor:
        """What keeps it running."""
        return Supervisor(self.place.root)

    def servers(self) -> dict[str, Postgres | Mosquitto]:
        """The private servers by name."""
        both = {"postgres": self.postgres, "mosquitto": self.mosquitto}
        return {name: server for name, server in both.items() if server is not None}

    def programs(self, demo: bool) -> list[Program]:
        """The processes to keep running; servers first."""
        found = [
            Program(name, server.command, server.stop_signal, is_server=True) for name, server in self.servers().items()
        ]
        found.append(Program("collector", [CITYBRAIN, "collect"]))
        found.append(Program("derive", [CITYBRAIN, "derive"]))
        found.append(Program("rules", [CITYBRAIN, "rules", "run"]))
        found.append(Program("api", [CITYBRAIN, "api"]))
        if demo:
            found.append(Program("demo", DEMO, is_task=True))
        return found

    def environment(self) -> dict[str, str]:
        """What every process of ours is told."""
        return {
            **os.environ,
            "CITYBRAIN_DATABASE_URL": addresses.database_url(self.settings),
            "CITYBRAIN_MQTT_URL": addresses.collector_url(self.settings),
            "PROMETHEUS_MULTIPROC_DIR": str(self.place.root / "metrics"),
            "PYTHONUNBUFFERED": "1",
        }


def up(settings: Settings, *, detach: bool, demo: bool) -> None:
    """Start everything; stay until Ctrl-C, SIGTERM or `down`, unless `detach`.

    Raises:
        LocalError: it can't start here; what had started is stopped again.
    """
    console = Console(soft_wrap=True, highlight=False)
    place = runtime.prepare(settings.runtime_dir, console.print)
    supervisor = Supervisor(place.root)
    with _terminate_as_interrupt():
        try:
            with runtime.locked(place, "up"):
                if supervisor.running():
                    console.print("citybrain is already up; `citybrain down` stops it.")
                    return
                with _progress(console) as report:
                    stack = _assemble(settings, place, report, console.print)
                    process = _start(stack, demo, report, console.print)
                    administrator = _first_administrator(stack)
            _tell(stack, console, detach=detach, demo=demo, administrator=administrator)
            if not detach:
                _stay(process, place)
        except KeyboardInterrupt:
            console.print("Stopping; data stays.")
            with suppress(KeyboardInterrupt):  # a second Ctrl-C leaves; the supervisor goes on stopping
                supervisor.stop()
        except BaseException:
            supervisor.stop()
            raise


def down(settings: Settings) -> None:
    """Stop everything, and what a killed start left behind; the data stays."""
    console = Console(soft_wrap=True, highlight=False)
    place = runtime.existing(settings.runtime_dir)
    if place is not None:
        with console.status("stopping"):
            Supervisor(place.root).stop()
            _clear(place)
    console.print("citybrain is down.")


def status(settings: Settings) -> dict[str, str]:
    """The state of each process (`RUNNING`, `BACKOFF` ...); empty if citybrain is not up."""
    place = runtime.existing(settings.runtime_dir)
    return Supervisor(place.root).states() if place else {}


def _assemble(settings: Settings, place: runtime.Place, report: Report, notice: Notice) -> Stack:
    """Fetch the private servers that the settings ask for, and say where they live."""
    run = place.private("run")
    database = broker = None
    if not settings.database_url:
        programs = runtime.postgresql(place, report)
        database = Postgres(programs, place.root / "postgres", run, place.owner)
    if not settings.mqtt_url:
        programs = runtime.mosquitto(place, report, notice)
        data, encrypted = place.private("mosquitto"), Encrypted.of(settings)
        broker = Mosquitto(programs, data, run, settings.mqtt_port, place.owner, settings.mqtt_anonymous, encrypted)
        if not broker.durable:
            notice(
                "This Mosquitto loses its queue when it is killed: good for a demo only. Remove "
                f"{place.root / 'prefix'} to fetch it again."
            )
    return Stack(settings, place, database, broker)


def _start(stack: Stack, demo: bool, report: Report, notice: Notice) -> subprocess.Popen[bytes]:
    """Start servers, bring the database up to date, start our processes; returns the supervisor."""
    settings, supervisor = stack.settings, stack.supervisor
    _clear(stack.place)
    _require_port(settings.http_host, settings.http_port, "CITYBRAIN_HTTP_PORT")
    if stack.mosquitto:
        _require_port("127.0.0.1", settings.mqtt_port, "CITYBRAIN_MQTT_PORT")
        if settings.mqtt_tls_port:
            _require_port(settings.mqtt_tls_host, settings.mqtt_tls_port, "CITYBRAIN_MQTT_TLS_PORT")
    runtime.require_room(stack.place.root, runtime.START_ROOM, "Starting")
    metrics = stack.place.root / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir()
    (stack.place.root / "log").mkdir(exist_ok=True)

    servers = stack.servers()
    for server in servers.values():
        report("preparing the servers", 0.0)
        server.prepare()
    programs = stack.programs(demo)
    process = supervisor.start(programs, stack.environment())
    for program in programs:
        if program.is_server:
            report(f"starting {program.name}", 0.0)
            supervisor.wait_until(program, servers[program.name].ready, SERVER_PATIENCE)
    report("bringing the database up to date", 0.0)
    _migrate(stack, notice)
    ours = [program for program in programs if not program.is_server]
    # Tasks last: what a task publishes needs a collector that has subscribed.
    for some in ([p for p in ours if not p.is_task], [p for p in ours if p.is_task]):
        for program in some:
            supervisor.start_program(program)
        for program in some:
            report(f"starting {program.name}", 0.0)
            supervisor.wait_until(program, partial(_serves, stack, program), PROGRAM_PATIENCE)
    return process


def _serves(stack: Stack, program: Program) -> bool:
    """Whether a process of ours does its work, as far as it can be seen from outside."""
    if program.name == "api":
        return _answers(stack.settings)
    state = stack.supervisor.states().get(program.name)
    return state == "RUNNING" or (program.is_task and state == "EXITED")


def _answers(settings: Settings) -> bool:
    place = _reached(settings.http_host), settings.http_port
    connection = http.client.HTTPConnection(*place, timeout=1)
    if settings.http_tls:
        # Whether the certificate is right for other clients is not asked here.
        connection = http.client.HTTPSConnection(*place, timeout=1, context=ssl._create_unverified_context())  # noqa: S323
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _reached(host: str) -> str:
    """The address at which one reaches a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - nothing is bound here


def _migrate(stack: Stack, notice: Notice) -> None:
    """Bring database and rules up to date; rules with mistakes leave those in force that were."""
    failure = _failure(stack, "db", "migrate")
    if failure:
        raise LocalError(f"The database could not be brought up to date:\n{failure}")
    failure = _failure(stack, "rules", "apply", "--by", "up")
    if failure:
        notice(f"The rules of the files are not in force, for they have mistakes:\n{failure}")


def _first_administrator(stack: Stack) -> str:
    """Where there is nobody yet, make an administrator: what to sign in with, which is told here and nowhere else."""
    command = [CITYBRAIN, "person", "first"]
    done = subprocess.run(command, env=stack.environment(), capture_output=True, text=True, cwd=PROJECT)
    if done.returncode:
        raise LocalError(f"The first administrator could not be made:\n{done.stderr}")
    return done.stdout.strip()


def _failure(stack: Stack, *command: str) -> str:
    """What a command of ours said if it failed; empty if it did not."""
    done = subprocess.run([CITYBRAIN, *command], env=stack.environment(), capture_output=True, text=True, cwd=PROJECT)
    return f"{done.stdout}{done.stderr}" if done.returncode else ""


def _require_port(host: str, port: int, setting: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise LocalError(
                f"Port {port} on {host} can't be used ({error.strerror}). Stop the program that holds it, or "
                f"choose another port with {setting}=PORT."
            ) from error


def _clear(place: runtime.Place) -> None:
    """End what is left of an earlier start whose supervisor was killed."""
    Supervisor(place.root).clear()
    for programs in place.root.glob("prefix/postgresql/usr/lib/postgresql/*/bin"):
        postgres.clear(programs, place.root / "postgres")


def _stay(process: subprocess.Popen[bytes], place: runtime.Place) -> None:
    """Wait until somebody stops it."""
    if process.wait() != 0:
        _clear(place)
        log = place.root / "log" / "supervisord.log"
        raise LocalError(f"The supervisor ended by itself, so all was stopped; {log} may tell why.")


def _tell(stack: Stack, console: Console, *, detach: bool, demo: bool, administrator: str) -> None:
    """Print where everything is, and who may come in first."""
    settings, root = stack.settings, stack.place.root
    host, scheme = _reached(settings.http_host), "https" if settings.http_tls else "http"
    console.print("[bold]citybrain is up[/bold]")
    console.print(f"  cockpit   {scheme}://{f'[{host}]' if ':' in host else host}:{settings.http_port}/", markup=False)
    if administrator:
        console.print(f"            {administrator}", markup=False)
    console.print(f"  devices   {_without_password(addresses.mqtt_url(settings))}")
    if stack.mosquitto:
        publish = shutil.which("mosquitto_pub") or str(stack.mosquitto.programs / "bin" / "mosquitto_pub")
        example = [
            publish,
            "-p",
            str(settings.mqtt_port),
            "-q",
            "1",
            "-t",
            EXAMPLE_TOPIC,
            "-m",
            EXAMPLE_PAYLOAD,
        ]
        console.print(f"            {shlex.join(example)}", markup=False)
    console.print(f"  database  {_without_password(addresses.database_url(settings))}", markup=False)
    if stack.postgres:
        psql = [str(stack.postgres.programs / "psql"), stack.postgres.url]
        console.print(f"            {shlex.join(psql)}", markup=False)
    console.print(f"  logs      {root / 'log'}", markup=False)
    if demo:
        console.print(
            f"  demo      a simulated city: thirty days of history in about five minutes, then it runs live;\n"
            f"            what happens is said in {root / 'log' / 'demo.log'}",
            markup=False,
        )
    console.print("`citybrain down` stops it." if detach else "Ctrl-C stops it; data stays.")


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    hidden = parts.netloc.replace(f":{parts.password}@", ":***@") if parts.password else parts.netloc
    return urlunsplit(parts._replace(netloc=hidden))


@contextmanager
def _progress(console: Console) -> Iterator[Report]:
    """Show what is going on: as a moving line on a terminal, as one line a step elsewhere."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        last = ""

        def report(what: str, share: float) -> None:
            nonlocal last
            if what != last and not console.is_terminal:
                console.print(what)
            last = what
            progress.update(task, description=what, total=1.0 if share else None, completed=share)

        yield report


@contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    """Let SIGTERM and a closed terminal do what Ctrl-C does.

    A shell starts background jobs deaf to Ctrl-C's signal; an `up` there hears it all the same.
    """

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    numbers = signal.SIGINT, signal.SIGTERM, signal.SIGHUP
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
