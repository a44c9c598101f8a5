"""`crm apply`: the documents of the folder into the database."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, cast

import click

from crm_kernel.cli.app import make_database_folder, settings_of
from crm_kernel.cli.documents import is_nothing, plan_faults, plan_lines, removals
from crm_kernel.cli.lock import write_lock
from crm_kernel.cli.options import Given, app_option, json_option, pass_given
from crm_kernel.cli.output import print_json
from crm_kernel.cli.sentences import note
from crm_kernel.errors import Error
from crm_kernel.kernel import Kernel
from crm_kernel.operations.file_sync import Take
from crm_kernel.operations.plan import OnInvalid
from crm_kernel.settings import Settings


@click.command("apply")
@click.option("--yes", is_flag=True, help="Also what takes something away, without a question.")
@click.option(
    "--on-invalid",
    type=click.Choice(["reject", "keep", "backfill"]),
    help="What becomes of stored records that a document makes invalid.",
)
@click.option("--take", type=click.Choice(["files", "database"]), help="Whose version holds where both were changed.")
@app_option
@json_option
@pass_given
def command(given: Given, *, yes: bool, on_invalid: str | None, take: str | None) -> int:
    """Apply the documents; make the database where there is none."""
    settings = settings_of(given)
    make_database_folder(settings)

    async def go() -> dict[str, Any]:
        kernel = await Kernel.open(settings)
        try:
            return await _apply(kernel, settings, yes, cast("OnInvalid | None", on_invalid), cast("Take | None", take))
        finally:
            await kernel.close()

    answer = asyncio.run(go())
    if given.json:
        print_json({"applied": True, "plan": answer["plan"], "job": answer["job"]})
    else:
        for line in plan_lines(answer["plan"]):
            click.echo(line)
        click.echo("Nothing to apply." if is_nothing(answer["plan"]) else "Applied.")
    return 1 if answer["failed"] else 0


async def _apply(
    kernel: Kernel, settings: Settings, yes: bool, on_invalid: OnInvalid | None, take: Take | None
) -> dict[str, Any]:
    plan, problems = await kernel.documents.plan_files(settings.documents, take=take, on_invalid=on_invalid)
    faults = [problem.sentence() for problem in problems] + plan_faults(settings, plan)
    gone = removals(plan.answer)
    for fault in faults:
        note(fault)
    if faults:
        raise Error("plan_refused", "Nothing was applied; the lines above say why.", hint="", plan=plan.answer)
    if gone and not yes:
        _confirm(gone)
    answer = await kernel.documents.sync_files(settings.documents, take=take, on_invalid=on_invalid)
    left = await kernel.recompute.finish()
    if left is not None:
        note(f"Stored records are computed anew by a server: GET /api/jobs/{left} says how far it is.")
    if not await kernel.migrations.run():
        note("Data migrations are run by another process: `crm plugins` says how far they are.")
    failed = await kernel.migrations.problems()
    for problem in failed:
        note(problem)
    await kernel.dispatcher.adopt()  # so that listeners are told of what is written before the first `crm serve`
    write_lock(settings, kernel.plugins)
    return {**answer, "plan": plan.answer, "job": left, "failed": failed}


def _confirm(gone: list[str]) -> None:
    """Ask whoever sits at the terminal; refuse where nobody does."""
    what = ", ".join(gone)
    if not sys.stdin.isatty():
        detail = f"This would remove {what}; nothing was applied."
        raise Error("plan_refused", detail, hint="Confirm with --yes. Hidden columns keep their data.")
    click.confirm(f"This removes {what}. Apply it?", abort=True, err=True)
