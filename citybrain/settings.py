"""Every setting of the platform, read from `CITYBRAIN_*`, or files that hold secrets, and checked at start.

A file `citybrain_database_url` is what CITYBRAIN_DATABASE_URL would be, so that no password has to stand in an
environment: systemd and container engines both hand secrets over as files.
"""

from __future__ import annotations

import os
import re
import warnings
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pydantic_settings
from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

from citybrain.errors import Correctable

PROJECT = Path(__file__).resolve().parent.parent

DATABASE_SCHEMES = ("postgresql", "postgres")
MQTT_SCHEMES = ("mqtt", "mqtts", "unix")

CONTAINER_SECRETS = Path("/run/secrets")  # where the engines mount them

_TILES = re.compile(r"(https?://[A-Za-z0-9.-]+(:\d+)?)?/(?!/)\S*")  # its host stands in a header of every page


class SettingsError(Correctable):
    """One or more settings can't be used; the text names each, what it was and what was expected."""


def _database_url(value: str) -> str:
    if value and urlsplit(value).scheme not in DATABASE_SCHEMES:
        raise ValueError("expected postgresql://user:password@host:port/database")
    return value


def _mqtt_url(value: str) -> str:
    if value and urlsplit(value).scheme not in MQTT_SCHEMES:
        raise ValueError("expected mqtt://host:port, mqtts://user:password@host:port or unix:///path/to/socket")
    return value


def _issuer(value: str) -> str:
    url = urlsplit(value)
    safe = url.scheme == "https" or (url.scheme == "http" and url.hostname in ("127.0.0.1", "::1", "localhost"))
    if value and not safe:
        raise ValueError("expected https://host/path, as the provider's metadata gives its issuer")
    return value


def _tiles(value: str) -> str:
    if value and not (_TILES.fullmatch(value) and all(part in value for part in ("{z}", "{x}", "{y}"))):
        raise ValueError("expected https://host/{z}/{x}/{y}.png, or a path of our own host; a host has no placeholder")
    return value


def _web(value: str) -> str:
    url = urlsplit(value)
    plain = not (url.username or url.password or url.query or url.fragment) and url.port != 0
    if value and not (url.scheme in ("http", "https") and url.hostname and plain):
        raise ValueError("expected https://host:port/path, without a password")
    return value.rstrip("/")


def _boards_database(value: str) -> str:
    url = urlsplit(value)
    whole = url.scheme in DATABASE_SCHEMES and url.hostname and url.port != 0 and url.username and url.path.strip("/")
    if value and not (whole and not url.password):
        raise ValueError("expected postgresql://user@host:port/database?sslmode=verify-full; its password is in a file")
    return value


def _contact(value: str) -> str:
    url = urlsplit(value)
    if value and not ((url.scheme == "mailto" and "@" in url.path) or (url.scheme == "https" and url.hostname)):
        raise ValueError("expected mailto:one@example.org,other@example.org or https://host/path of a webhook")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("expected a zone of the IANA database, such as Asia/Shanghai") from error
    return value


def secrets_folder() -> Path:
    """Where secrets lie as files: what systemd's LoadCredential= made, else what a container engine mounts."""
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(credentials) if credentials else CONTAINER_SECRETS


class Settings(BaseSettings):
    """The settings; a field `x` is the environment variable `CITYBRAIN_X`, else the file `citybrain_x`."""

    model_config = SettingsConfigDict(env_prefix="CITYBRAIN_", extra="ignore", frozen=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment, and after it the files of secrets where there are any."""
        folder = secrets_folder()
        files = (SecretsSettingsSource(settings_cls, folder),) if folder.is_dir() else ()
        return init_settings, env_settings, *files

    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        "", description="TimescaleDB to use. Empty: the private one that `citybrain up` starts."
    )
    mqtt_url: Annotated[str, AfterValidator(_mqtt_url)] = Field(
        "", description="MQTT broker to use. Empty: the private one that `citybrain up` starts."
    )
    http_host: str = Field("127.0.0.1", description="Address the API listens on.")
    rate_reads: int = Field(1200, ge=1, description="Requests a minute that read, of each person, token or address.")
    rate_changes: int = Field(300, ge=1, description="Requests a minute that change something, likewise.")
    rate_sign_ins: int = Field(20, ge=1, description="Tries a minute to sign in, of each address.")
    session_hours: int = Field(12, ge=1, le=720, description="Hours after which a person signs in again.")
    oidc_issuer: Annotated[str, AfterValidator(_issuer)] = Field(
        "", description="Provider of the city's single sign-on (OpenID Connect). Empty: passwords only."
    )
    oidc_client_id: str = Field("", description="What that provider calls us.")
    oidc_client_secret_file: Path | None = Field(
        None, description="File that holds the secret it gave us. Empty: a public client."
    )
    oidc_name_claim: str = Field("preferred_username", description="The claim that holds a person's name here.")
    http_port: int = Field(8000, ge=1, le=65535, description="Port of the API and the cockpit.")
    http_tls: bool = Field(False, description="Whether the API speaks TLS itself, without a proxy in front.")
    mqtt_port: int = Field(1883, ge=1, le=65535, description="Port of the private broker, for devices.")
    mqtt_anonymous: bool = Field(
        True, description="Whether programs of this machine publish to the private broker without credentials."
    )
    mqtt_tls_port: int = Field(
        0, ge=0, le=65535, description="Port of the private broker for devices elsewhere, with TLS. 0: none."
    )
    mqtt_tls_host: str = Field("0.0.0.0", description="Address of that port.")  # noqa: S104  TLS and credentials
    mqtt_ca: Path | None = Field(
        None, description="Certificate of the authority that our own clients trust. Empty: the system's authorities."
    )
    mqtt_admin_url: Annotated[str, AfterValidator(_mqtt_url)] = Field(
        "", description="The broker, as somebody who may change its credentials. Empty: as for all else."
    )
    tls_certificate: Path | None = Field(
        None, description="Certificate of our TLS servers, with its chain. Empty: that of `citybrain tls make`."
    )
    tls_key: Path | None = Field(None, description="Its private key.")
    metrics_port: int = Field(
        0, ge=0, le=65535, description="Port on which a process other than the API serves its own /metrics. 0: none."
    )
    runtime_dir: Path = Field(
        PROJECT / ".runtime",
        description="Where the private servers, their data and their logs live, and the sites of the simulated city.",
    )
    catalogue_dir: Path = Field(PROJECT, description="Folder that holds regions/, domains/, sites/ and plans/.")
    time_zone: Annotated[str, AfterValidator(_zone)] = Field(
        "Asia/Shanghai",
        description="The city's zone: times without a zone are read, and days are cut, in it.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged.")

    collect_region: str = Field(
        "",
        description="Region that a collector owns, with all below it; one collector a region. "
        "Empty: all of city/, wrong topics included.",
    )
    batch_seconds: float = Field(
        0.1, gt=0, le=5, description="A batch is committed after so many seconds, or when it is full."
    )
    batch_readings: int = Field(5000, ge=1, le=100_000, description="Readings that make a batch full.")
    receive_maximum: int = Field(
        20_000, ge=1, le=65_000, description="Unacknowledged messages the broker may have under way to us."
    )
    receive_bytes: int = Field(
        64 * 1024 * 1024,
        ge=1_048_576,
        description="Bytes of received messages held at most; then reading stops.",
    )

    unknown_device: Literal["register", "quarantine"] = Field(
        "register", description="A device the catalogue lacks: register it as unverified, or quarantine."
    )
    unknown_metric: Literal["register", "quarantine"] = Field(
        "quarantine", description="A metric the domain lacks: register it as unverified, or quarantine."
    )
    unverified_limit: int = Field(
        200_000, ge=0, description="Unverified series that may be registered; beyond it, quarantine."
    )
    oldest_reading: date = Field(
        date(2010, 1, 1), ge=date(2000, 1, 1), description="Readings before this city date are quarantined."
    )
    routes: Path | None = Field(
        None, description="File of the routes that alerts are told by. Empty: the MQTT topic only."
    )
    deadlines: Path | None = Field(
        None, description="File of the deadlines of handling. Empty: the platform's own, rules/alerts/deadlines.yaml."
    )
    map_tiles: Annotated[str, AfterValidator(_tiles)] = Field(
        "", description="Address of a map's tiles with {z}, {x} and {y}. Empty: none; maps have outlines and networks."
    )
    map_tiles_crs: Literal["wgs84", "gcj02"] = Field(
        "wgs84", description="Coordinates of those tiles: GCJ-02 is that of Chinese web maps."
    )
    shifts: Path | None = Field(
        None, description="File of the shifts of a week. Empty: the platform's own, citybrain/duty/shifts.yaml."
    )
    public_url: str = Field("", description="What links in messages begin with, such as https://citybrain.example.org.")

    grafana_url: Annotated[str, AfterValidator(_web)] = Field(
        "", description="The city's Grafana. Empty: none; boards are built, but not pushed."
    )
    grafana_plain_http: bool = Field(
        False, description="Whether the token may go to a Grafana on another machine without TLS."
    )
    grafana_token_file: Path | None = Field(
        None, description="File that holds the token of a service account of Grafana, for pushing boards."
    )
    grafana_database_url: Annotated[str, AfterValidator(_boards_database)] = Field(
        "", description="The database as Grafana reaches it, as a user with the role citybrain_board."
    )
    grafana_database_password_file: Path | None = Field(None, description="File that holds that user's password.")
    grafana_prometheus_url: Annotated[str, AfterValidator(_web)] = Field(
        "", description="Prometheus as Grafana reaches it."
    )
    grafana_contact_url: Annotated[str, AfterValidator(_contact)] = Field(
        "", description="Whom Grafana tells of its own alerts: mailto: addresses, or a webhook. Empty: nobody."
    )

    retain_raw_days: int = Field(0, ge=0, description="Days that readings are kept, counted from now. 0: for ever.")
    retain_rollup_days: int = Field(0, ge=0, description="Days that hourly rollups are kept. 0: for ever.")
    retain_quarantine_days: int = Field(90, ge=0, description="Days that quarantine is kept. 0: for ever.")
    chunk_hours: int = Field(
        168, ge=1, le=8760, description="Hours in one chunk of readings; aim at no more than 10 million rows."
    )

    @model_validator(mode="after")
    def _rollups_outlive_readings(self) -> Self:
        if 0 < self.retain_rollup_days < (self.retain_raw_days or self.retain_rollup_days + 1):
            raise ValueError("CITYBRAIN_RETAIN_ROLLUP_DAYS: rollups are kept as long as readings, or longer")
        return self

    @model_validator(mode="after")
    def _single_sign_on_is_whole(self) -> Self:
        if self.oidc_issuer and not (self.oidc_client_id and self.public_url):
            raise ValueError("CITYBRAIN_OIDC_ISSUER: also set CITYBRAIN_OIDC_CLIENT_ID and CITYBRAIN_PUBLIC_URL")
        return self

    @property
    def generated_sites(self) -> Path:
        """Folder of the site files that a simulation has written; they count beside those of the catalogue."""
        return self.runtime_dir / "sites"

    @property
    def generated_networks(self) -> Path:
        """Folder of the lines of networks that a simulation has written; likewise."""
        return self.runtime_dir / "networks"

    @property
    def zone(self) -> ZoneInfo:
        """The city's zone."""
        return ZoneInfo(self.time_zone)

    @property
    def retain_raw(self) -> timedelta | None:
        """How long readings are kept; None: for ever."""
        return timedelta(days=self.retain_raw_days) if self.retain_raw_days else None


@cache
def settings() -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: one or more variables or files can't be used.
    """
    try:
        with warnings.catch_warnings():
            # Of a secret that is no file, such as the folder that an engine makes when its source is missing.
            warnings.filterwarnings("error", message="attempted to load secret")
            return Settings()
    except pydantic_settings.SettingsError as error:
        raise SettingsError(
            f"A secret can't be used: {error.__cause__ or error}\n"
            f"Secrets are files of UTF-8 text in {secrets_folder()} that the user whom citybrain runs as may read."
        ) from error
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            what = problem["msg"].removeprefix("Value error, ")
            if not problem["loc"]:  # settings that do not fit together: the text names them
                lines.append(what)
                continue
            name = "CITYBRAIN_" + str(problem["loc"][0]).upper()
            # An address may hold a password, and so may a file: what is not plainly in the environment is not shown.
            plain = os.environ.get(name) == problem["input"] and not name.endswith("_URL")
            value = repr(problem["input"]) if plain else "set"
            lines.append(f"{name} is {value}: {what}")
        raise SettingsError("\n".join(lines)) from error
