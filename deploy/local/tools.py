"""Programs that are no servers of ours, for tests and drills: each from its package of Debian, unpacked privately.

    promtool = tools.usr("promtool", "bin/promtool") / "bin/promtool"

They lie beside the private servers in the runtime directory of the settings, and are fetched there on first use.
"""

from __future__ import annotations

from pathlib import Path

from citybrain.settings import settings
from deploy.local import runtime


def usr(package: str, *programs: str) -> Path:
    """The `usr` folder of a package of Debian stable.

    Args:
        package: what it is called; what it depends on comes with it.
        programs: those of it that will be run, by their paths in that folder; no other one is ready to be.

    Raises:
        deploy.local.LocalError: no apt, no network, no room, no such package.
    """
    return runtime.tool(runtime.prepare(settings().runtime_dir, _quiet), package, programs, _quiet)


def _quiet(what: str, share: float = 0.0) -> None:
    """Tell nobody."""
