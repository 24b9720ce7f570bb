"""The API process."""

from __future__ import annotations

import logging
import os
import resource
import signal
import socket

import structlog
import uvicorn

from api.access.door import is_loopback
from api.app import create_app
from citybrain.devices import certificates
from citybrain.errors import Correctable
from citybrain.settings import Settings

STOP_S = 1  # seconds that answers under way get to finish when the process shall end
SILENT_MS = 30_000  # milliseconds in which a client acknowledges what it is sent; then its connection is dropped
FILES = 8192  # that may be open: each live stream and each connection is one


class ServerError(Correctable):
    """The API can't be served; the text says why and what to do."""


def serve(settings: Settings, database_url: str) -> None:
    """Serve until SIGTERM or SIGINT, which end it in order within two seconds.

    Raises:
        ServerError: the address can't be listened on, or the certificate can't be read.
        citybrain.catalogue.errors.CatalogueError: the catalogue has mistakes.
    """
    listener = _listen(settings.http_host, settings.http_port)
    logging.basicConfig(level=settings.log_level.upper(), handlers=[_Lines()], force=True)
    # uvicorn raises the signal once more after it has stopped in order: that must not look like a crash.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    _allow_files()
    files = _certificate(settings)
    config = uvicorn.Config(
        create_app(settings, database_url),
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=STOP_S,
        ssl_certfile=files.certificate if files else None,
        ssl_keyfile=files.key if files else None,
    )
    structlog.get_logger().info("serving", host=settings.http_host, port=settings.http_port)
    _Server(config).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Ends live streams first of all when it stops, for it waits for all answers that are under way."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.app.state.streams.close()  # type: ignore[union-attr]
        await super().shutdown(sockets)


def _certificate(settings: Settings) -> certificates.Files | None:
    """What is shown to clients that speak TLS; None: they don't.

    Raises:
        ServerError: the certificate or its key can't be read.
    """
    if not settings.http_tls:
        if not is_loopback(settings.http_host):
            structlog.get_logger().warning(
                "serving without TLS to other machines: set CITYBRAIN_HTTP_TLS=true, or put a proxy with TLS in front",
                host=settings.http_host,
            )
        return None
    files = certificates.served(settings)
    for file in (files.certificate, files.key):
        if not os.access(file, os.R_OK):
            raise ServerError(
                f"CITYBRAIN_HTTP_TLS is set, but {file} can't be read: run `citybrain tls make --host NAME`, or name "
                "your files with CITYBRAIN_TLS_CERTIFICATE and CITYBRAIN_TLS_KEY."
            )
    return files


def _allow_files() -> None:
    """Raise our own limit of open files as far as we may, if it is lower."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
        # asyncio does so only for sockets that name their protocol; without it a client that delays its acknowledgement
        # of the headers waits 40 ms for each short body. Connections inherit it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Connections inherit it. A client whose network has gone says no goodbye.
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_MS)
        return listener
    except OSError as error:
        raise ServerError(
            f"The API can't listen on {host} port {port}: {error.strerror}. Stop what uses it, or set "
            "CITYBRAIN_HTTP_HOST or CITYBRAIN_HTTP_PORT."
        ) from error


class _Lines(logging.Handler):
    """Passes what libraries log on to our lines of JSON."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)
