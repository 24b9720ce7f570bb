"""What an API process of the tests runs; to import this is to import all that it needs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module

from api.server import serve
from api.v1 import routers
from citybrain.settings import Settings

routers()


def run(environment: Mapping[str, str], database_url: str, constants: Mapping[str, float]) -> None:
    """Serve until it is told to stop, with these settings, and with other values of some modules' constants."""
    os.environ.clear()
    os.environ.update(environment)
    for path, value in constants.items():
        module, _, name = path.rpartition(".")
        assert hasattr(import_module(module), name)
        setattr(import_module(module), name, value)
    serve(Settings(), database_url)
