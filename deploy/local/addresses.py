"""Where the servers in use are reached: those that the settings name, or else the private ones."""

from __future__ import annotations

from pathlib import Path

from citybrain.settings import Settings
from deploy.local import mosquitto, postgres


def database_url(settings: Settings) -> str:
    """The database."""
    return settings.database_url or postgres.url(_run(settings))


def mqtt_url(settings: Settings) -> str:
    """The broker, as devices reach it."""
    return settings.mqtt_url or mosquitto.device_url(settings.mqtt_port)


def collector_url(settings: Settings) -> str:
    """The broker, as our own processes reach it: the private one trusts who can open its socket."""
    return settings.mqtt_url or mosquitto.collector_url(_run(settings))


def broker_admin_url(settings: Settings) -> str:
    """The broker, as somebody who may change its credentials."""
    return settings.mqtt_admin_url or collector_url(settings)


def _run(settings: Settings) -> Path:
    return settings.runtime_dir.resolve() / "run"
