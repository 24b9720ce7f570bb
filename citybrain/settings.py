"""Every setting of the platform, read from `CITYBRAIN_*` and checked at start."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from citybrain.errors import Correctable

PROJECT = Path(__file__).resolve().parent.parent

DATABASE_SCHEMES = ("postgresql", "postgres")
MQTT_SCHEMES = ("mqtt", "mqtts", "unix")

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


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("expected a zone of the IANA database, such as Asia/Shanghai") from error
    return value


class Settings(BaseSettings):
    """The settings; a field `x` is the environment variable `CITYBRAIN_X`."""

    model_config = SettingsConfigDict(env_prefix="CITYBRAIN_", extra="ignore", frozen=True)

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
        0, ge=0, le=65535, description="Port on which a collector serves its own /metrics. 0: none."
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
        SettingsError: one or more variables can't be used.
    """
    try:
        return Settings()
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            what = problem["msg"].removeprefix("Value error, ")
            if not problem["loc"]:  # settings that do not fit together: the text names them
                lines.append(what)
                continue
            name = "CITYBRAIN_" + str(problem["loc"][0]).upper()
            # An address may hold a password: it is not shown.
            value = "set" if name.endswith("_URL") else repr(problem["input"])
            lines.append(f"{name} is {value}: {what}")
        raise SettingsError("\n".join(lines)) from error
