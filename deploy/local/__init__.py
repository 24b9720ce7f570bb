"""Private servers on one machine: real PostgreSQL with TimescaleDB, real Mosquitto, no Docker, no root."""

from __future__ import annotations

from collections.abc import Callable

from citybrain.errors import Correctable

Report = Callable[[str, float], None]
"""Told what is going on, and which share of it (0 to 1) is done."""


Notice = Callable[[str], None]
"""Told one sentence that the user should keep."""


class LocalError(Correctable):
    """Something on this machine stands in the way; the text says what, where, and what to do."""
