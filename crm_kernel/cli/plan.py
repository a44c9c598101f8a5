"""`crm plan`: what `crm apply` would do, and what stands against it."""

from __future__ import annotations

import asyncio
from typing import cast

import click

from crm_kernel.cli.app import looked_at, settings_of
from crm_kernel.cli.documents import is_nothing, plan_faults, plan_lines
from crm_kernel.cli.options import Given, app_option, json_option, pass_given
from crm_kernel.cli.output import print_json
from crm_kernel.cli.sentences import note
from crm_kernel.operations.file_sync import Take
from crm_kernel.operations.plan import OnInvalid, Plan
from crm_kernel.settings import Settings


@click.command("plan")
@click.option(
    "--on-invalid",
    type=click.Choice(["reject", "keep", "backfill"]),
    help="What becomes of stored records that a document makes invalid.",
)
@click.option("--take", type=click.Choice(["files", "database"]), help="Whose version holds where both were changed.")
@app_option
@json_option
@pass_given
def command(given: Given, *, on_invalid: str | None, take: str | None) -> int:
    """Tell what `crm apply` would do; 1 where somebody has to decide or to mend something first."""
    settings = settings_of(given)
    plan, faults = asyncio.run(_plan(settings, cast("OnInvalid | None", on_invalid), cast("Take | None", take)))
    if given.json:
        print_json(plan.answer)
    else:
        for line in plan_lines(plan.answer):
            click.echo(line)
        if is_nothing(plan.answer) and not faults:
            click.echo("Nothing to apply.")
    for fault in faults:
        note(fault)
    return 1 if faults or not plan.is_ready else 0


async def _plan(settings: Settings, on_invalid: OnInvalid | None, take: Take | None) -> tuple[Plan, list[str]]:
    async with looked_at(settings) as kernel:
        plan, problems = await kernel.documents.plan_files(settings.documents, take=take, on_invalid=on_invalid)
        return plan, [*(problem.sentence() for problem in problems), *plan_faults(settings, plan)]
