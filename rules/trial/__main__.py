"""`python -m rules.trial`: one trial, asked on standard input, answered on standard output."""

from __future__ import annotations

import os
import resource
import signal
import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import psycopg

from citybrain.errors import Correctable
from citybrain.store.connection import connect
from rules.trial import draft, history
from rules.trial.draft import Basis
from rules.trial.job import LONGEST_S, MEMORY_BYTES, REFUSED, UNAVAILABLE, Check, Found, Job, Refused, Test

LATER_S = 5  # seconds; whoever asked has stopped us before, if he still is there


def main() -> int:
    """Make the trial; the exit status, which tells what standard output holds."""
    signal.alarm(LONGEST_S + LATER_S)
    os.nice(10)  # collectors and whoever reads go first
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    job = Job.model_validate_json(sys.stdin.buffer.read())
    try:
        answer: Found | Refused = made(job, datetime.now(UTC))
    except Correctable as error:
        answer = Refused(en=str(error), zh=error.zh)
    except MemoryError:
        answer = Refused(en="This takes more memory than a trial may have.", zh="此操作所需内存超过试运行的上限。")
    except psycopg.OperationalError as error:
        sys.stderr.write(str(error))
        return UNAVAILABLE
    sys.stdout.write(answer.model_dump_json(by_alias=True))
    return REFUSED if isinstance(answer, Refused) else 0


def made(job: Job, now: datetime) -> Found:
    """What a trial says.

    Raises:
        Correctable: it can't be made.
        psycopg.OperationalError: the database can't be reached.
    """
    zone, asked = ZoneInfo(job.time_zone), job.trial
    with connect(job.database_url, "writer", "trial") as connection:
        basis = Basis.load(connection, job.catalogue_dir, job.more_sites)
        if isinstance(asked, Check):
            return draft.check(basis, asked.text)
        if isinstance(asked, Test):
            return draft.test(basis, asked.text, zone)
        with connect(job.database_url, "rules", "trial") as reader:
            return history.dry_run(connection, reader, basis, asked, zone, now)


if __name__ == "__main__":
    sys.exit(main())
