"""What an API process of the tests runs; to import this is to import all that it needs."""

from __future__ import annotations

import os
from collections.abc import Mapping

from api.server import serve
from api.v1 import routers
from citybrain.settings import Settings

routers()


def run(environment: Mapping[str, str], database_url: str) -> None:
    """Serve until it is told to stop, with these settings."""
    os.environ.clear()
    os.environ.update(environment)
    serve(Settings(), database_url)
