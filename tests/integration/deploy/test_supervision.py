"""What supervisor keeps running, and all that is started by it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from deploy.local.supervision import Program, Supervisor

# It has a child that ends a moment after it, as the broker has one that reads its log to the end.
PARENT = """
sh -c 'while kill -0 "$0"; do sleep 0.1; done; sleep 0.5; touch "$1"' $$ "$0" &
exec sleep 60
"""


def test_it_has_stopped_when_what_its_programs_started_has_ended() -> None:
    with tempfile.TemporaryDirectory(prefix="cb-", dir="/var/tmp") as name:  # a socket's path is short
        root = Path(name)
        for folder in ("run", "log"):
            (root / folder).mkdir()
        ended = root / "ended"
        supervisor = Supervisor(root)
        program = Program("parent", ["sh", "-c", PARENT, str(ended)], is_server=True)
        process = supervisor.start([program], os.environ)
        try:
            supervisor.wait_until(program, lambda: supervisor.states() == {"parent": "RUNNING"}, 10)
        finally:
            supervisor.stop()
            process.wait()

        assert ended.exists()
