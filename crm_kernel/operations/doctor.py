"""Whether an app is well: each check says what it found, also where nothing is wrong (floor 7)."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import msgspec

from crm_kernel.clock import Clock
from crm_kernel.operations.lag import COUNTED, lags
from crm_kernel.operations.list_use import advice
from crm_kernel.operations.tamper import Tamper
from crm_kernel.registry import Registry
from crm_kernel.storage import health
from crm_kernel.storage.delivery import CUT, DEAD, RETRY
from crm_kernel.storage.evolution import ddl_plan
from crm_kernel.storage.ports import Database, Reads

LATE = timedelta(minutes=15)
"""A server tells a listener within seconds, and after a fault in ten minutes at most."""
LEAST_FREE = 256 << 20
"""Bytes of the disk below which writes will soon be refused."""
_MISSING = {"create_table": "table", "add_column": "column", "rename_column": "column", "add_index": "index"}


class Finding(msgspec.Struct, frozen=True):
    """What one check found."""

    name: str
    ok: bool
    detail: str


async def examine_database(database: Database, folder: Path) -> AsyncIterator[Finding]:
    """The database by itself; `folder`: whose disk it fills, as far as can be seen from here."""
    about = await health.about(database)
    yield Finding("database", True, f"{about.engine}, {_size(about.size)}")
    settings = await health.settings(database)
    told = ", ".join(f"{name} {value}" for name, (value, _) in settings.items())
    yield Finding("settings", all(sound for _, sound in settings.values()), told)
    free = shutil.disk_usage(folder).free
    yield Finding("disk", free >= LEAST_FREE, f"{_size(free)} free")
    async with database.snapshot() as snapshot:
        yield _finding("integrity", await health.damage(snapshot), "no damage found")


async def examine_app(database: Database, registry: Registry, tamper: Tamper, clock: Clock) -> AsyncIterator[Finding]:
    """What plugins and documents want of the database, and what became of changes and events."""
    plan = await ddl_plan(registry.entities, database)
    missing = [f"the {_MISSING[s.change]} {s.name} is missing" for s in plan.steps if s.change in _MISSING]
    wrong = [*(fault.detail.rstrip(".") for fault in plan.faults), *missing]
    yield _finding("tables", wrong, "all tables and indexes are there", hint="`crm apply` makes what is missing.")
    if any(step.change in ("create_table", "add_column") and step.entity is None for step in plan.steps):
        return
    history = await tamper.verify_last()
    sound = f"the last {history.sealed:,} sealed entries are sound"
    yield _finding("history", [history.bad.what] if history.bad else [], sound, hint="`crm history verify` says more.")
    waiting = await health.deliveries(database)
    dead, retried, cut = waiting.get(DEAD, 0), waiting.get(RETRY, 0), waiting.get(CUT, 0)
    yield Finding("deliveries", not dead + cut, f"{dead:,} given up, {retried:,} to be tried again, {cut:,} cut")
    yield _finding("listeners", *await _lag(database, registry, clock), hint="`crm serve` or `crm deliver` tells them.")
    told = await advice(database, registry, clock)
    yield Finding("lists", True, "; ".join(told) or "no list is asked for often without an index")


async def _lag(reads: Reads, registry: Registry, clock: Clock) -> tuple[list[str], str]:
    """The listeners that are late, and a sentence about those that are not."""
    found = await lags(reads, registry, clock)
    late = [
        f"{name} waits for {lag.events:,}{'+' if lag.events == COUNTED else ''} events since {lag.seconds:,.0f} s"
        for name, lag in found.items()
        if lag.seconds > LATE.total_seconds()
    ]
    most = max((lag.events for lag in found.values()), default=0)
    return late, f"{len(found)} listeners, at most {most:,} events behind"


def _finding(name: str, wrong: Sequence[str], sound: str, *, hint: str = "") -> Finding:
    if not wrong:
        return Finding(name, True, sound)
    told = "; ".join(wrong[:5]) + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else "")
    return Finding(name, False, f"{told.rstrip('.')}." + (f" Hint: {hint}" if hint else ""))


def _size(count: int) -> str:
    return f"{count / (1 << 30):,.1f} GiB" if count >= 1 << 30 else f"{count / (1 << 20):,.1f} MiB"
