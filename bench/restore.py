"""A database lost and restored to an instant, every table compared to the row; what that takes beside a bare copy.

    python -m bench.restore [MILLIONS]

The drill of docs/backup.md with so many readings. The bar is a copy of the lost data directory to the same disk, made
in the same run.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from deploy.backup.drill import run


def main() -> None:
    """Measure and print."""
    millions = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as name:
        outcome = run(Path(name), int(millions * 1e6))
    readings, rows = outcome.state["public.reading"].rows, sum(content.rows for content in outcome.state.values())
    down = outcome.restore_s + outcome.recovery_s
    print(
        f"restore: {readings:,} readings, {outcome.database_bytes / 1e6:,.0f} MB, repository "
        f"{outcome.repository_bytes / 1e6:,.0f} MB; full backup {outcome.full_s:.1f} s, differential "
        f"{outcome.diff_s:.1f} s, files back {outcome.restore_s:.1f} s, recovery {outcome.recovery_s:.1f} s; "
        f"{down / outcome.copy_s:.1f} times a bare copy ({outcome.copy_s:.1f} s)"
    )
    if outcome.failures:
        sys.exit("\n".join(outcome.failures))
    print(f"restore: proven, {rows:,} rows in {len(outcome.state)} tables by count and checksum; the ledger agrees")


if __name__ == "__main__":
    main()
