"""Topics: city/<region>/<domain>/<device>/reading and .../status, and the alerts of city/<region>/<domain>/alert."""

from __future__ import annotations

import re
from typing import NamedTuple

ALERT = re.compile(r"city/[^/]+/[^/]+/alert")  # what the platform itself says there is no reading
NAME_LENGTH = 128  # characters of a device's name at most


class Topic(NamedTuple):
    """A topic's parts; `leaf` is what comes after the device."""

    region: str
    domain: str
    device: str
    leaf: str

    @property
    def key(self) -> tuple[str, str, str]:
        """Region, domain and name: the device's identity."""
        return self[:3]


def parse(topic: str) -> Topic | None:
    """The parts of a well-formed topic, None of any other."""
    parts = topic.split("/")
    if len(parts) != 5 or parts[0] != "city" or not all(parts) or not topic.isprintable():
        return None
    if len(parts[3]) > NAME_LENGTH:
        return None
    return Topic(*parts[1:])


def filters(regions: list[str]) -> list[str]:
    """What to subscribe to for these regions; none: all of city/, wrong topics included."""
    return [f"city/{region}/#" for region in regions] or ["city/#"]
