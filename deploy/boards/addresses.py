"""What is built, with the addresses of one city: the cockpit, and its servers as its Grafana reaches them."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from citybrain.errors import Correctable
from citybrain.settings import Settings
from deploy.boards.model import Board, Bundle, ContactPoint, Document, Source

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_POSTGRESQL = 5432  # its port, where the address has none


class Unaddressed(Correctable):
    """A setting is missing, or a file that it names can't be used."""


def grafana(chosen: Settings) -> tuple[str, str]:
    """Where the city's Grafana is, and the token for it.

    Raises:
        Unaddressed: one of them is missing, or the token would go over the network without TLS.
    """
    if not chosen.grafana_url:
        raise Unaddressed("Set CITYBRAIN_GRAFANA_URL: the address of the Grafana that gets the boards.")
    url = urlsplit(chosen.grafana_url)
    if url.scheme == "http" and url.hostname not in _LOOPBACK and not chosen.grafana_plain_http:
        raise Unaddressed(
            f"CITYBRAIN_GRAFANA_URL is {chosen.grafana_url}: the token would go there without TLS. Use https, or set "
            "CITYBRAIN_GRAFANA_PLAIN_HTTP=true where nobody else is on that network."
        )
    return chosen.grafana_url, secret(chosen.grafana_token_file, "CITYBRAIN_GRAFANA_TOKEN_FILE")


def secret(file: Path | None, setting: str) -> str:
    """What a file of a secret holds.

    Raises:
        Unaddressed: there is none, or it holds something else than one line of printable ASCII.
    """
    if file is None:
        raise Unaddressed(f"Set {setting}: the file that holds the secret.")
    try:
        held = file.read_text("ascii").strip()
    except OSError as error:
        raise Unaddressed(f"{setting} is {file}, which can't be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        held = ""
    if not held.isprintable() or not held:
        raise Unaddressed(f"{setting} is {file}, which holds no secret: one line of printable ASCII is expected.")
    return held


def addressed(bundle: Bundle, chosen: Settings, elsewhere: Set[str]) -> Bundle:
    """A bundle with a city's addresses in it.

    Args:
        bundle: what is built.
        chosen: the settings.
        elsewhere: uids of the data sources that Grafana has from files of its own; they need no address of ours.

    Raises:
        Unaddressed: a setting is missing.
    """
    return bundle._replace(
        boards=tuple(_linked(one, chosen.public_url.rstrip("/")) for one in bundle.boards),
        sources=tuple(one if one.uid in elsewhere else _reached(one, chosen) for one in bundle.sources),
        contact_points=tuple(_told(one, chosen.grafana_contact_url) for one in bundle.contact_points)
        if chosen.grafana_contact_url
        else (),
    )


def _linked(board: Board, cockpit: str) -> Board:
    """A board whose variable `cockpit` is the address of the city's cockpit, if that is known."""
    templating = board.document.get("templating", {})
    if not cockpit:
        return board
    variables = [
        {**one, "query": cockpit, "current": {"text": cockpit, "value": cockpit}} if one["name"] == "cockpit" else one
        for one in templating.get("list", [])
    ]
    return board._replace(document={**board.document, "templating": {**templating, "list": variables}})


def _reached(source: Source, chosen: Settings) -> Source:
    """A data source with the address at which Grafana finds its server."""
    if source.document["type"] == "prometheus":
        if not chosen.grafana_prometheus_url:
            raise Unaddressed(f"Set CITYBRAIN_GRAFANA_PROMETHEUS_URL, for the data source {source.uid}.")
        return source._replace(document={**source.document, "url": chosen.grafana_prometheus_url})
    if not chosen.grafana_database_url:
        raise Unaddressed(f"Set CITYBRAIN_GRAFANA_DATABASE_URL, for the data source {source.uid}.")
    url = urlsplit(chosen.grafana_database_url)
    details: Document = {**source.document.get("jsonData", {}), "database": unquote(url.path.strip("/"))}
    for mode in parse_qs(url.query).get("sslmode", []):
        details["sslmode"] = mode
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    password = secret(chosen.grafana_database_password_file, "CITYBRAIN_GRAFANA_DATABASE_PASSWORD_FILE")
    return source._replace(
        document={
            **source.document,
            "url": f"{host}:{url.port or _POSTGRESQL}",
            "user": unquote(url.username or ""),
            "jsonData": details,
            "secureJsonData": {"password": password},
        }
    )


def _told(point: ContactPoint, contact: str) -> ContactPoint:
    """A contact point that reaches the city's people: mail, or a webhook."""
    url = urlsplit(contact)
    if url.scheme == "mailto":
        way: Document = {"type": "email", "settings": {"addresses": ";".join(unquote(url.path).split(","))}}
    else:
        way = {"type": "webhook", "settings": {"url": contact, "httpMethod": "POST"}}
    return point._replace(document={**point.document, **way})
