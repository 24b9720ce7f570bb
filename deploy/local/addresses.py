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
    """The broker, as collectors reach it: a listener of their own, and faster."""
    return settings.mqtt_url or mosquitto.collector_url(_run(settings))


def _run(settings: Settings) -> Path:
    return settings.runtime_dir.resolve() / "run"
