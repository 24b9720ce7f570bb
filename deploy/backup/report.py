"""Tell Prometheus how old the backups are, through the textfile collector of its node exporter.

    python3 report.py STANZA FILE

Runs on the database's machine as `postgres`, with Debian's Python and nothing else. What it tells is what the
repository holds, not that a command has ended. How far the log is archived the database tells itself.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FINISHED = "citybrain_backup_finished_timestamp_seconds"
BYTES = "citybrain_backup_bytes"


def text(backups: Sequence[dict[str, Any]]) -> str:
    """Prometheus' text about backups, those of `pgbackrest info --output=json`, oldest first."""
    newest = {backup["type"]: backup for backup in backups if not backup.get("error")}
    lines = [f"# HELP {FINISHED} When the newest good backup of each kind ended.", f"# TYPE {FINISHED} gauge"]
    lines += [f'{FINISHED}{{kind="{kind}"}} {backup["timestamp"]["stop"]}' for kind, backup in newest.items()]
    lines += [f"# HELP {BYTES} What that backup took in the repository.", f"# TYPE {BYTES} gauge"]
    lines += [f'{BYTES}{{kind="{kind}"}} {backup["info"]["repository"]["delta"]}' for kind, backup in newest.items()]
    return "\n".join(lines) + "\n"


def main(stanza: str, file: Path) -> None:
    """Write the file, whole or not at all: the collector may read it at any moment."""
    asked = ["pgbackrest", f"--stanza={stanza}", "--output=json", "info"]
    (known,) = json.loads(subprocess.run(asked, check=True, stdout=subprocess.PIPE, text=True).stdout)
    fresh = file.with_name(f".{file.name}.new")
    fresh.write_text(text(known["backup"]))
    fresh.chmod(0o644)
    fresh.replace(file)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
