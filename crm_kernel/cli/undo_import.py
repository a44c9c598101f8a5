"""`crm undo-import`: all that an import wrote, taken back (floor 10)."""

from __future__ import annotations

from typing import Any

import click

from crm_kernel.cli.app import caller_of, with_kernel
from crm_kernel.cli.import_file import PAUSE
from crm_kernel.cli.options import Given, app_option, as_option, json_option, pass_given
from crm_kernel.cli.output import print_json
from crm_kernel.cli.sentences import note
from crm_kernel.kernel import Kernel

_SHOWN = 20


@click.command("undo-import")
@click.argument("job")
@app_option
@json_option
@as_option
@pass_given
def command(given: Given, job: str) -> int:
    """Take back what the import JOB wrote; 1 where records stay as they are, because they were changed since."""

    async def work(kernel: Kernel) -> dict[str, Any]:
        caller = await caller_of(kernel, given)
        await kernel.jobs.undo(job, caller, here=True)
        await kernel.jobs.work(job)
        return await kernel.jobs.get(job, caller)

    answer = with_kernel(given, work, pause_after_commit=PAUSE)
    undone = answer["undone"]
    if given.json:
        print_json(answer)
    else:
        click.echo(
            f"{undone['records']:,} records of {answer['entity']} are as before; the import is {answer['state']}."
        )
    for error in answer["errors"][:_SHOWN]:
        which = f"{error.get('entity', 'job')} {error.get('record', job)}"
        note(f"{which}, {error['pointer'] or 'as a whole'}: {error['detail']}")
    if undone["refused"] > _SHOWN:
        note(f"{undone['refused']:,} records stay as they are; --json names 100 of them.")
    return 0 if answer["state"] == "undone" and not undone["refused"] else 1
