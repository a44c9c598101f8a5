"""Runs the jobs of one node, one after another, each in a process of its own (floor 7).

So an import takes the processor of another core, and its Python lock is not the server's. The process ends with the
server: it holds the other end of its standard input. What it left is gone on with at the next start.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from contextlib import suppress
from time import monotonic

from crm_kernel.errors import Error
from crm_kernel.operations.job_files import JobFiles
from crm_kernel.operations.jobs import Jobs
from crm_kernel.settings import Settings

LOOK_SECONDS = 1.0
"""How often the folder of jobs is looked into; there is no statement as long as it is empty."""
AGAIN_SECONDS = 2.0
"""After how long a job is tried again whose process did not end it."""
TRIES = 3
"""How many processes in a row may break down over one job."""
LATER = 75
"""The exit status of a process that wants to be started again: the database is busy, or the disk full."""

_COMMAND = "from crm_kernel.cli.main import main; main()"

_log = logging.getLogger(__name__)


class JobRunner:
    """The jobs of one node in the background of its kernel."""

    def __init__(self, settings: Settings, files: JobFiles, jobs: Jobs) -> None:
        self._settings = settings
        self._files = files
        self._jobs = jobs
        self._alarm = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._running: tuple[str, asyncio.subprocess.Process] | None = None
        self._broken: dict[str, int] = {}
        self._not_before: dict[str, float] = {}

    def start(self) -> None:
        """Begin to look for jobs."""
        self._task = asyncio.create_task(self._look(), name="crm-jobs")

    async def stop(self) -> None:
        """End, and the process of a job with it; the job goes on at the next start."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def wake(self) -> None:
        """Look at once."""
        self._alarm.set()

    def end(self, id: str) -> None:
        """End the process of a job that was cancelled, where it runs here."""
        if self._running is not None and self._running[0] == id:
            _end(self._running[1])

    async def _look(self) -> None:
        while True:
            try:
                await self._all()
            except Error as error:  # the database is away, locked or full
                _log.warning("Jobs are put off: %s", error)
            except Exception:  # the next time may go better; nobody waits for it
                _log.exception("Jobs cannot be run.")
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._alarm.wait()
            self._alarm.clear()

    async def _all(self) -> None:
        unknown: set[str] = set()
        for id in self._files.waiting():
            waits = await self._jobs.waits(id)
            if waits is None:
                unknown.add(id)  # its request is still under way, or was cut
            elif not waits:
                self._ended(id)
            elif self._not_before.get(id, 0.0) <= monotonic():
                await self._run(id)
        self._files.sweep(unknown)

    def _ended(self, id: str) -> None:
        self._broken.pop(id, None)
        self._not_before.pop(id, None)
        self._files.forget(id)

    async def _run(self, id: str) -> None:
        status = await self._process(id)
        if not await self._jobs.waits(id):
            self._ended(id)
            return
        if status == 0:
            return  # it is to be undone already
        self._not_before[id] = monotonic() + AGAIN_SECONDS
        if status == LATER:
            return
        self._broken[id] = self._broken.get(id, 0) + 1
        _log.warning("The process of job %s ended with %s.", id, status)
        if self._broken[id] >= TRIES:
            detail = f"The process of this job broke down {TRIES} times; the log of the server says more."
            await self._jobs.fail(id, {"code": "conflict", "detail": detail})
            self._ended(id)

    async def _process(self, id: str) -> int:
        """The exit status of the process that does a job."""
        environment = {**os.environ, "CRM_DATABASE__URL": self._settings.database.url}
        if self._settings.secret:
            environment["CRM_SECRET"] = self._settings.secret
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _COMMAND,
            "run-job",
            id,
            "--app",
            str(self._settings.folder),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            env=environment,
            start_new_session=True,  # Ctrl-C is for the server, which ends it
        )
        self._running = (id, process)
        try:
            return await process.wait()
        finally:
            self._running = None
            if process.returncode is None:
                _end(process)
                await process.wait()


def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()  # it bears that at any moment: each transaction holds rows and position together
