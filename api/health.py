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
    """One thing that must be well."""

    ok: bool
    detail: str = Field(description="A sentence.", examples=["The database answers."])
    detail_zh: str | None = Field(
        None, description="The same in Chinese; null: a handover of an earlier release.", examples=["数据库应答正常。"]
    )


_ANSWERS = Check(ok=True, detail="The database answers.", detail_zh="数据库应答正常。")


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
                "database": _ANSWERS,
                "migrations": await self._migrations(),
                "collectors": collecting(collectors),
                "rules": running(rules),
            }
        return Readiness(ready=all(check.ok for check in checks.values()), checks=checks)

    async def _without_readers(self, error: Exception) -> dict[str, Check]:
        """Why nobody can read: the database is away, or it lacks our roles and views."""
        collectors = Check(
            ok=False,
            detail="Who collects is not known: the database can't be read.",
            detail_zh="采集情况不明：数据库无法读取。",
        )
        rules = Check(
            ok=False,
            detail="Whether rules run is not known: the database can't be read.",
            detail_zh="规则是否运行不明：数据库无法读取。",
        )
        try:
            connection = await psycopg.AsyncConnection.connect(
                conninfo(self._database_url, "health"), connect_timeout=int(pools.PATIENCE_S)
            )
        except psycopg.Error as refused:
            reason = " ".join(str(refused).split())
            database = Check(
                ok=False, detail=f"The database can't be reached: {reason}.", detail_zh=f"数据库连接失败：{reason}。"
            )
            migrations = Check(
                ok=False, detail="Not known: the database can't be reached.", detail_zh="不明：数据库连接失败。"
            )
        else:
            await connection.close()
            migrations = await self._migrations()
            database = _ANSWERS
            if migrations.ok:
                reason = " ".join(str(error).split())
                database = Check(
                    ok=False,
                    detail=f"The database answers, but can't be read: {reason}.",
                    detail_zh=f"数据库有应答，但无法读取：{reason}。",
                )
        return {"database": database, "migrations": migrations, "collectors": collectors, "rules": rules}

    async def _migrations(self) -> Check:
        if not self._migrated:
            try:
                missing = await asyncio.to_thread(pending, self._database_url)
            except psycopg.Error as error:
                reason = " ".join(str(error).split())
                return Check(ok=False, detail=f"Not known: {reason}.", detail_zh=f"不明：{reason}。")
            if missing:
                return Check(
                    ok=False,
                    detail=f"The database lacks {', '.join(missing)}: run `citybrain db migrate`.",
                    detail_zh=f"数据库缺少 {'、'.join(missing)}：请运行 `citybrain db migrate`。",
                )
            self._migrated = True
        return Check(ok=True, detail="The database is at this release.", detail_zh="数据库与本版本一致。")


def collecting(collectors: list[Collector]) -> Check:
    """Whether every unit is collected: its collector was heard lately and is connected to the broker."""
    if not collectors:
        return Check(
            ok=False,
            detail="No collector has ever run here: start one with `citybrain collect`.",
            detail_zh="此处从未运行过采集程序：请用 `citybrain collect` 启动。",
        )
    wrong = [_gone(one) for one in collectors if one.heard_s > HEARD_S or not one.connected]
    if not wrong:
        units = [one.unit for one in collectors]
        return Check(ok=True, detail=f"Collected: {', '.join(units)}.", detail_zh=f"正在采集：{'、'.join(units)}。")
    return Check(ok=False, detail=" ".join(en for en, _ in wrong), detail_zh="".join(zh for _, zh in wrong))


def _gone(one: Collector) -> tuple[str, str]:
    """What is wrong with a collector, in English and Chinese."""
    if one.heard_s <= HEARD_S:
        return (
            f"The collector of {one.unit} is not connected to the broker.",
            f"{one.unit} 的采集程序未连接消息服务器。",
        )
    return (
        f"The collector of {one.unit} has not been heard for {one.heard_s:.0f} s: start it, or "
        f"`citybrain sessions forget {one.unit}` if nobody shall collect it any more.",
        f"{one.unit} 的采集程序已 {one.heard_s:.0f} 秒无消息：请启动它；不再采集时运行 "
        f"`citybrain sessions forget {one.unit}`。",
    )


def running(rules: Rules) -> Check:
    """Whether a process runs the rules, where there are any."""
    if not rules.in_force:
        return Check(
            ok=True,
            detail="No rules are in force: `citybrain rules apply` puts them there.",
            detail_zh="没有生效的规则：用 `citybrain rules apply` 启用。",
        )
    if not rules.running:
        return Check(
            ok=False,
            detail="Nobody runs the rules: silence is not noticed and nobody is told of alerts. Start "
            "`citybrain rules run`.",
            detail_zh="规则程序未运行：静默无人发现，告警无人通知。请启动 `citybrain rules run`。",
        )
    return Check(
        ok=True,
        detail=f"{rules.in_force} rules are in force, and a runner is at work.",
        detail_zh=f"{rules.in_force} 条规则生效，规则程序运行正常。",
    )
