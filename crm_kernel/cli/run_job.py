"""`crm run-job`: one job of the server, in a process of its own; the server calls it (floor 10)."""

from __future__ import annotations

import gc
import os
import threading

import click

from crm_kernel.cli.app import with_kernel
from crm_kernel.cli.import_file import PAUSE
from crm_kernel.cli.options import Given, app_option, pass_given
from crm_kernel.errors import Error
from crm_kernel.kernel import Kernel
from crm_kernel.operations import jobs
from crm_kernel.operations.job_runner import LATER

_STDIN = 0
NICE = 5
"""Requests go first where both want the processor."""


@click.command("run-job", hidden=True)
@click.argument("job")
@app_option
@pass_given
def command(given: Given, job: str) -> int:
    """Do a job of the server to its end, or as long as somebody holds the standard input."""
    os.nice(NICE)
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    gc.freeze()
    gc.set_threshold(50_000)

    async def work(kernel: Kernel) -> int:
        try:
            await kernel.jobs.work(job)
        except Error as error:
            if error.code in jobs.LATER:
                return LATER
            raise
        return 0

    return with_kernel(given, work, pause_after_commit=PAUSE)


def _end_with_the_server() -> None:
    """Whoever started this process is gone once the standard input ends: another one will go on with the job."""
    while os.read(_STDIN, 1):  # unbuffered: a lock of Python's file would stand against the end of this process
        pass
    os._exit(LATER)
