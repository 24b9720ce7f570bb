"""Is the platform well? What load balancers, supervisors and the cockpit ask."""

from __future__ import annotations

import asyncio

import psycopg
from pydantic import BaseModel, Field

from citybrain.store import boards, pools
from citybrain.store.boards import Collector, Rules
from citybrain.store.connection import conninfo
from citybrain.store.migrate import pending
from citybrain.store.pools import Readers

HEARD_S = 10.0  # seconds; a collector that has been silent for longer is gone. It is heard about once a second.


class Check(BaseModel):
    """One thing that must be well; `detail` is a sentence."""

    ok: bool
    detail: str


class Readiness(BaseModel):
    """Whether all checks are well."""

    ready: bool = Field(description="All checks are ok.")
    checks: dict[str, Check] = Field(description="`database`, `migrations`, `collectors` and `rules`.")


class Health:
    """Checks what the platform needs: its database at this release, collectors and rules at work."""

    def __init__(self, database_url: str, readers: Readers) -> None:
        self._database_url = database_url
        self._readers = readers
        # Migrations are forward-only: once complete for this process's release, they stay so.
        self._migrated = False

    async def readiness(self) -> Readiness:
        """Check everything; needs a few seconds at most when the database is away."""
        try:
            async with self._readers.connection() as reader:
                collectors = await boards.collectors(reader)
                rules = await boards.rules(reader)
        except pools.UNAVAILABLE as error:
            checks = await self._without_readers(error)
        else:
            checks = {
                "database": Check(ok=True, detail="The database answers."),
                "migrations": await self._migrations(),
                "collectors": collecting(collectors),
                "rules": running(rules),
            }
        return Readiness(ready=all(check.ok for check in checks.values()), checks=checks)

    async def _without_readers(self, error: Exception) -> dict[str, Check]:
        """Why nobody can read: the database is away, or it lacks our roles and views."""
        collectors = Check(ok=False, detail="Who collects is not known: the database can't be read.")
        rules = Check(ok=False, detail="Whether rules run is not known: the database can't be read.")
        try:
            connection = await psycopg.AsyncConnection.connect(
                conninfo(self._database_url, "health"), connect_timeout=int(pools.PATIENCE_S)
            )
        except psycopg.Error as refused:
            reason = " ".join(str(refused).split())
            database = Check(ok=False, detail=f"The database can't be reached: {reason}.")
            migrations = Check(ok=False, detail="Not known: the database can't be reached.")
        else:
            await connection.close()
            migrations = await self._migrations()
            database = Check(ok=True, detail="The database answers.")
            if migrations.ok:
                reason = " ".join(str(error).split())
                database = Check(ok=False, detail=f"The database answers, but can't be read: {reason}.")
        return {"database": database, "migrations": migrations, "collectors": collectors, "rules": rules}

    async def _migrations(self) -> Check:
        if not self._migrated:
            try:
                missing = await asyncio.to_thread(pending, self._database_url)
            except psycopg.Error as error:
                return Check(ok=False, detail=f"Not known: {' '.join(str(error).split())}.")
            if missing:
                return Check(ok=False, detail=f"The database lacks {', '.join(missing)}: run `citybrain db migrate`.")
            self._migrated = True
        return Check(ok=True, detail="The database is at this release.")


def collecting(collectors: list[Collector]) -> Check:
    """Whether every unit is collected: its collector was heard lately and is connected to the broker."""
    if not collectors:
        return Check(ok=False, detail="No collector has ever run here: start one with `citybrain collect`.")
    wrong = [
        f"The collector of {c.unit} has not been heard for {c.heard_s:.0f} s: start it, or "
        f"`citybrain sessions forget {c.unit}` if nobody shall collect it any more."
        if c.heard_s > HEARD_S
        else f"The collector of {c.unit} is not connected to the broker."
        for c in collectors
        if c.heard_s > HEARD_S or not c.connected
    ]
    units = ", ".join(c.unit for c in collectors)
    return Check(ok=not wrong, detail=" ".join(wrong) or f"Collected: {units}.")


def running(rules: Rules) -> Check:
    """Whether a process runs the rules, where there are any."""
    if not rules.in_force:
        return Check(ok=True, detail="No rules are in force: `citybrain rules apply` puts them there.")
    if not rules.running:
        return Check(
            ok=False,
            detail="Nobody runs the rules: silence is not noticed and nobody is told of alerts. Start "
            "`citybrain rules run`.",
        )
    return Check(ok=True, detail=f"{rules.in_force} rules are in force, and a runner is at work.")
