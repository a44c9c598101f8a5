"""Runs the jobs of plugins when they are due by the clock, each in one process at a time (floor 7).

When a job is due stands in the database. It moves on only when a run has ended: so what was missed, or was cut with its
process, is done once as soon as somebody is there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from time import perf_counter
from typing import Any, NamedTuple, Protocol, cast

from crm_kernel.clock import Clock, moment_text
from crm_kernel.cron import next_after
from crm_kernel.errors import Error, near
from crm_kernel.fields.moment import read_moment
from crm_kernel.manifest import Job
from crm_kernel.operations.calls import Calls, Overrun
from crm_kernel.operations.leases import Leases, Taken
from crm_kernel.plugins import PluginHost
from crm_kernel.settings import Settings
from crm_kernel.storage import leases, schedule
from crm_kernel.storage.ports import Database, Tx
from crm_kernel.storage.schedule import Due

LOOK_SECONDS = 1.0
"""How often it is seen whether a job is due; there is no statement as long as none is."""
AGAIN_SECONDS = 5.0
"""After how long it is seen whether another process has done what was due."""

_log = logging.getLogger(__name__)


class Entry(NamedTuple):
    """A job with its plugin."""

    plugin: str
    job: Job

    @property
    def name(self) -> str:
        """How people and the database call it."""
        return f"{self.plugin}.{self.job.name}"

    @property
    def label(self) -> str:
        """What it is metered as."""
        return f"job {self.job.name}"


class Services(Protocol):
    """What jobs need of their kernel."""

    @property
    def database(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def plugins(self) -> PluginHost: ...
    @property
    def calls(self) -> Calls: ...


class Schedule:
    """The jobs of plugins in one kernel. `crm_for(plugin)` makes what a job works with."""

    def __init__(self, services: Services, crm_for: Callable[[str], Any]) -> None:
        self._database = services.database
        self._clock = services.clock
        self._zone = services.settings.app.timezone
        self._plugins = services.plugins
        self._calls = services.calls
        self._crm_for = crm_for
        self._leases = Leases(services.database, services.clock)
        self._look_at: dict[str, datetime] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    async def look(self) -> None:
        """Begin what is due; it goes on by itself."""
        for entry in await self._due():
            self._running[entry.name] = asyncio.create_task(self._in_background(entry), name=f"crm-job-{entry.name}")

    async def run_due(self) -> list[str]:
        """Do what is due now; the names of what was done by this process."""
        return [entry.name for entry in await self._due() if await self._run(entry)]

    async def run(self, name: str) -> Due:
        """Do one job now (`plugin.job`, or `job` where one plugin has it); how that went.

        Raises `Error`: not_found, conflict (it runs already).
        """
        entry = self._find(name)
        await self._learn()
        if not await self._run(entry, by_hand=True):
            raise Error("conflict", f"The job {entry.name} runs already.", hint="Wait until it has ended: `crm jobs`.")
        return cast("Due", await schedule.get(self._database, entry.name))

    async def stop(self) -> None:
        """End. What runs is cut, and done anew when a server is there again."""
        for task in (tasks := list(self._running.values())):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def states(self) -> list[dict[str, Any]]:
        """Every job: its rule, when it is due, how the last run went, and how the runs of this process were."""
        known: dict[str, Due] = {}
        held: set[str] = set()
        if await schedule.is_known(self._database):
            known = await schedule.everything(self._database)
            held = await leases.held(self._database, [_lease(e.name) for e in self._entries()], self._clock.now_text())
        return [self._state(e, known.get(e.name), running=_lease(e.name) in held) for e in self._entries()]

    def _state(self, entry: Entry, due: Due | None, *, running: bool) -> dict[str, Any]:
        meter = self._plugins.call_meter(entry.plugin, entry.label)
        return {
            "plugin": entry.plugin,
            "name": entry.job.name,
            "title": entry.job.title,
            "every": entry.job.every,
            "next_at": due.next_at if due else None,
            "last_at": due.last_at if due else None,
            "seconds": float(due.seconds) if due and due.seconds else None,
            "error": due.error if due else None,
            "running": running,
            **meter.render(),
        }

    # What is due ----------------------------------------------------------------------------------------------------

    def _entries(self) -> Iterator[Entry]:
        return (Entry(plugin, job) for plugin, job in self._plugins.jobs())

    def _find(self, name: str) -> Entry:
        found = [e for e in self._entries() if name in (e.name, e.job.name)]
        if len(found) == 1:
            return found[0]
        names = [e.name for e in (found or self._entries())]
        hint = f"It may be {' or '.join(names)}." if found else near(name, names).strip() or "See `crm jobs`."
        raise Error("not_found", f"There is no one job {name!r}.", hint=hint)

    async def _due(self) -> list[Entry]:
        now = self._clock.now()
        active = [e for e in self._entries() if self._plugins.is_active(e.plugin) and e.name not in self._running]
        if not active:
            return []
        if any(e.name not in self._look_at for e in active):
            await self._learn()
        return [e for e in active if e.name in self._look_at and self._look_at[e.name] <= now]

    async def _learn(self) -> None:
        """Know when each job is due; one that is new, or has another rule, is due by it from now on."""
        if not await schedule.is_known(self._database):
            return
        known = await schedule.everything(self._database)
        new = [e for e in self._entries() if e.name not in known or known[e.name].every != self._rule(e)]
        if new:
            await self._database.write(lambda tx: self._know(tx, new))
            known = await schedule.everything(self._database)
        self._look_at = {e.name: read_moment(known[e.name].next_at) for e in self._entries()}

    async def _know(self, tx: Tx, entries: list[Entry]) -> None:
        for entry in entries:
            await schedule.know(tx, entry.name, self._rule(entry), self._next(entry))

    def _rule(self, entry: Entry) -> str:
        return f"{entry.job.every} {self._zone}"

    def _next(self, entry: Entry) -> str:
        return moment_text(next_after(entry.job.every, self._clock.now(), self._zone))

    # Running --------------------------------------------------------------------------------------------------------

    async def _in_background(self, entry: Entry) -> None:
        try:
            await self._run(entry)
        except Error as error:  # the database is away, locked or full
            _log.warning("job %s is put off: %s", entry.name, error)
        except Exception:  # nobody waits for it
            _log.exception("job %s is put off", entry.name)
        finally:
            self._running.pop(entry.name, None)

    async def _run(self, entry: Entry, *, by_hand: bool = False) -> bool:
        """Do a job unless another process does, or has done what was due; whether this one did."""
        self._look_at[entry.name] = self._clock.now() + timedelta(seconds=AGAIN_SECONDS)

        async def work() -> bool:
            due = await schedule.get(self._database, entry.name)
            if due is None or (not by_hand and read_moment(due.next_at) > self._clock.now()):
                if due is not None:
                    self._look_at[entry.name] = read_moment(due.next_at)
                return False
            ended = await self._call(entry, due)
            await self._database.write(lambda tx: schedule.ran(tx, ended))
            self._look_at[entry.name] = read_moment(ended.next_at)
            return True

        try:
            return await self._leases.alone(_lease(entry.name), work)
        except Taken:
            return False

    async def _call(self, entry: Entry, due: Due) -> Due:
        """How a run went. Whatever the job raises is the plugin's fault and ends here."""
        at, begun = self._clock.now_text(), perf_counter()
        error: str | None = None

        async def handled() -> None:
            await entry.job.handle(self._crm_for(entry.plugin))

        try:
            await self._calls.run(entry.plugin, entry.label, handled(), seconds=entry.job.timeout)
        except Exception as fault:
            cut = isinstance(fault, Overrun)
            error = f"It was cut after {entry.job.timeout:g} s." if cut else f"{type(fault).__name__}: {fault}"[:500]
            _log.error("job %s failed: %s", entry.name, error, exc_info=fault)
        return Due(entry.name, due.every, self._next(entry), at, f"{perf_counter() - begun:.3f}", error)


def _lease(job: str) -> str:
    return f"job {job}"
