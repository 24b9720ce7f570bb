"""The API process."""

from __future__ import annotations

import logging
import signal
import socket

import structlog
import uvicorn

from api.app import create_app
from citybrain.errors import Correctable
from citybrain.settings import Settings

STOP_S = 1  # seconds that answers under way get to finish when the process shall end


class ServerError(Correctable):
    """The API can't be served; the text says why and what to do."""


def serve(settings: Settings, database_url: str) -> None:
    """Serve until SIGTERM or SIGINT, which end it in order within two seconds.

    Raises:
        ServerError: the address can't be listened on.
        citybrain.catalogue.errors.CatalogueError: the catalogue has mistakes.
    """
    listener = _listen(settings.http_host, settings.http_port)
    logging.basicConfig(level=settings.log_level.upper(), handlers=[_Lines()], force=True)
    # uvicorn raises the signal once more after it has stopped in order: that must not look like a crash.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    config = uvicorn.Config(
        create_app(settings, database_url),
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=STOP_S,
    )
    structlog.get_logger().info("serving", host=settings.http_host, port=settings.http_port)
    uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ServerError(
            f"The API can't listen on {host} port {port}: {error.strerror}. Stop what uses it, or set "
            "CITYBRAIN_HTTP_HOST or CITYBRAIN_HTTP_PORT."
        ) from error


class _Lines(logging.Handler):
    """Passes what libraries log on to our lines of JSON."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)
