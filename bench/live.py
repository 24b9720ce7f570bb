"""The live stream: many clients, alerts at a steady rate, and the API asked meanwhile.

    python -m bench.live [CLIENTS] [SECONDS]

A client is a plain socket of one other process, which notes when each event came; the time from commit to receipt is
that of one clock. The limit of the same run: the same bytes from a bare asyncio server to the same clients.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import psycopg

from citybrain.access import tokens
from citybrain.catalogue.load import load
from citybrain.settings import PROJECT
from citybrain.store.connection import connect
from citybrain.store.migrate import migrate
from citybrain.store.sql import query
from deploy.local.servers import postgres

CLIENTS = 500
SECONDS = 30.0
RATE = 20.0  # alerts a second, each in a transaction of its own
TAIL_S = 3.0  # seconds that the last event may take
EVENT_BYTES = 800  # of an alert's event, about
ASK_S = 0.1  # seconds between two requests to the API meanwhile
SERVE = (
    "import sys; from api.server import serve; from citybrain.settings import Settings; serve(Settings(), sys.argv[1])"
)

RAISE = """
with raised as (
    insert into alert (rule, subject, subject_kind, region_id, domain_id, mode, version, title_zh, title_en, severity,
        worst, condition, raised_at, last_time, changed_at, past)
    values ('bench', %(subject)s, 'text', '150802', 'water', 'live', 1, '管网末梢压力过低',
        'Low pressure at the end of the network', 2, 2, 'raised', now(), now(), now(), false)
    returning id
)
insert into alert_event (alert_id, at, kind, event_time, severity, version)
select id, now(), 'raised', now(), 2, 1 from raised returning id
"""


# ── the clients: python -m bench.live listen PORT CLIENTS TOKEN ─────────────────────────────────────────────


class Client(asyncio.Protocol):
    """Notes the number and the time of arrival of each event that it is sent."""

    def __init__(self, request: bytes, heard: list[tuple[int, int]], greeted: asyncio.Semaphore) -> None:
        self._request = request
        self._heard = heard
        self._greeted = greeted
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        *blocks, self._rest = (self._rest + data).split(b"\n\n")
        for block in blocks:
            if b"event: alert\n" in block:
                self._heard.append((int(block.partition(b"id: ")[2].partition(b"\n")[0]), now))
            elif b"event: hello\n" in block:
                self._greeted.release()


async def listen(port: int, clients: int, token: str) -> None:
    """Open the streams, say so, and print what each heard as soon as a line comes on standard input."""
    heard: list[list[tuple[int, int]]] = [[] for _ in range(clients)]
    greeted = asyncio.Semaphore(0)
    request = f"GET /api/v1/stream HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    loop = asyncio.get_running_loop()
    for own in heard:
        await loop.create_connection(lambda own=own: Client(request, own, greeted), "127.0.0.1", port)  # type: ignore[misc]
    for _ in range(clients):
        await greeted.acquire()
    print("listening", flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    print(json.dumps(heard))


@contextmanager
def clients(port: int, number: int, token: str) -> Iterator[subprocess.Popen[str]]:
    """A process with so many open streams."""
    command = [sys.executable, "-m", "bench.live", "listen", str(port), str(number), token]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "listening\n"
        try:
            yield process
        finally:
            process.kill()


def delays(process: subprocess.Popen[str], sent: dict[int, int]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Milliseconds from each commit to each receipt; every client got every event once and in order."""
    assert process.stdin is not None
    assert process.stdout is not None
    print(file=process.stdin, flush=True)
    heard = json.loads(process.stdout.readline())
    for own in heard:
        assert [id for id, _ in own] == list(sent), "a client missed something"
    return np.array([(at - sent[id]) / 1e6 for own in heard for id, at in own])


# ── what is measured ────────────────────────────────────────────────────────────────────────────────────────


def platform(number: int, seconds: float) -> None:
    """The API over PostgreSQL."""
    with tempfile.TemporaryDirectory() as directory, postgres(Path(directory)) as database:
        migrate(database.url, load(PROJECT))
        now = datetime.now(UTC)
        with connect(database.url, "writer", "bench") as connection:
            token = tokens.add(connection, tokens.NewToken("bench", "viewer", now + timedelta(hours=1)), "bench", now)
            with serving(database.url) as port, clients(port, number, token) as process:
                asked: list[float] = []
                with httpx.Client(headers={"Authorization": f"Bearer {token}"}, trust_env=False) as client:
                    sent = publish(connection, seconds, lambda: ask(client, port, asked))
                took = delays(process, sent)
    print(f"{number} clients, {len(sent)} alerts in {seconds:.0f} s, all delivered once and in order")
    print(f"  commit to receipt: {figures(took)}; to reach: p99 1000 ms")
    print(f"  API meanwhile (/api/v1/status): {figures(np.array(asked))}")


def publish(connection: psycopg.Connection[tuple[object, ...]], seconds: float, between: object) -> dict[int, int]:
    """Raise alerts at the rate; when each was committed, in nanoseconds, by the number of its event."""
    sent: dict[int, int] = {}
    begun = time.monotonic()
    asked = begun
    for number in range(int(seconds * RATE)):
        while time.monotonic() < begun + number / RATE:
            if time.monotonic() >= asked + ASK_S:
                asked = time.monotonic()
                between()  # type: ignore[operator]
            time.sleep(0.001)
        with connection.transaction():
            connection.execute(query("alerts", "lock"))
            row = connection.execute(RAISE, {"subject": str(number)}).fetchone()
        assert row is not None
        sent[int(str(row[0]))] = time.monotonic_ns()
    time.sleep(TAIL_S)
    return sent


def ask(client: httpx.Client, port: int, asked: list[float]) -> None:
    """One request, and the milliseconds that its answer took."""
    begun = time.monotonic()
    client.get(f"http://127.0.0.1:{port}/api/v1/status").raise_for_status()
    asked.append((time.monotonic() - begun) * 1000)


@contextmanager
def serving(url: str) -> Iterator[int]:
    """The API process; its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {**os.environ, "CITYBRAIN_HTTP_PORT": str(port), "CITYBRAIN_RATE_READS": "1000000"}
    command = [sys.executable, "-c", SERVE, url]
    with subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            await_port(port)
            yield port
        finally:
            process.terminate()


def await_port(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("The API does not come up.")


def bare(number: int, seconds: float) -> None:
    """A server that does nothing but write the same bytes to all, in a thread."""
    port, sent = 0, {}
    ready = threading.Event()

    async def run() -> None:
        nonlocal port
        writers: list[asyncio.StreamWriter] = []

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\n\r\nevent: hello\ndata: {}\n\n")
            writers.append(writer)

        server = await asyncio.start_server(accept, "127.0.0.1", 0, backlog=1000)
        port = server.sockets[0].getsockname()[1]
        ready.set()
        while len(writers) < number:
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        for event in range(1, int(seconds * RATE) + 1):
            sent[event] = time.monotonic_ns()
            for writer in writers:
                writer.write(b'id: %d\nevent: alert\ndata: {"text":"%s"}\n\n' % (event, b"x" * EVENT_BYTES))
            await asyncio.sleep(1 / RATE)

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    ready.wait()
    with clients(port, number, "none") as process:
        thread.join()
        print(f"  limit, a bare server: {figures(delays(process, sent))}")


def figures(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    """The middle, the 99th percentile and the most, in milliseconds."""
    p50, p99, most = np.percentile(values, (50, 99, 100))
    return f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, most {most:.0f} ms"


if __name__ == "__main__":
    if sys.argv[1:2] == ["listen"]:
        asyncio.run(listen(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
    else:
        number, seconds = int(sys.argv[1]) if sys.argv[1:] else CLIENTS, float((sys.argv[2:] or [SECONDS])[0])
        platform(number, seconds)
        bare(number, seconds)
