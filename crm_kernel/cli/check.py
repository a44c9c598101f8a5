"""`crm check`: everything that is wrong with an app, at once."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import msgspec

from crm_kernel.cli.app import settings_of
from crm_kernel.cli.documents import plan_faults, removals
from crm_kernel.cli.lock import differences
from crm_kernel.cli.options import Given, app_option, json_option, pass_given
from crm_kernel.cli.output import print_json
from crm_kernel.cli.sentences import note
from crm_kernel.kernel import Kernel
from crm_kernel.settings import Settings
from crm_kernel.storage.evolution import is_empty

NEVER = "The app has no database yet; `crm apply` makes it."


@click.command("check")
@app_option
@json_option
@pass_given
def command(given: Given) -> int:
    """Name every fault of crm.toml, documents, plugins and database, with file, line and column."""
    settings = settings_of(given)
    with ExitStack() as opened:
        path = settings.database.path
        if path is not None and not path.exists():
            folder = Path(opened.enter_context(TemporaryDirectory(prefix="crm-check-")))
            settings = _elsewhere(settings, folder / "crm.db")
        left_out, faults, notices = asyncio.run(_check(settings))
    for sentence in [*faults, *notices]:  # the log has told what is left out
        note(sentence)
    faults = [*left_out, *faults]
    if given.json:
        print_json({"faults": faults, "notices": notices})
    else:
        click.echo(f"{len(faults)} faults." if faults else "No faults.")
    return 1 if faults else 0


def _elsewhere(settings: Settings, path: Path) -> Settings:
    """The same app on a database that is not there to stay."""
    database = msgspec.structs.replace(settings.database, path=path)
    return msgspec.structs.replace(settings, database=database, secret=settings.secret or "of no use but to check")


async def _check(settings: Settings) -> tuple[list[str], list[str], list[str]]:
    """What is left out, other faults, and what is only worth knowing: what waits to be applied is no fault."""
    kernel = await Kernel.open(settings)
    try:
        plan, problems = await kernel.documents.plan_files(settings.documents)
        faults = [*(problem.sentence() for problem in problems), *plan_faults(settings, plan)]
        if await is_empty(kernel.database):
            return kernel.problems, faults, [NEVER]
        for plugin, check in kernel.plugins.checks():
            faults += [f"{plugin}, {check.name}: {sentence}" for sentence in await check.run(kernel.crm(plugin))]
        notices = [f"Not applied yet: {line}; `crm apply` does it." for line in _waiting(plan.answer)]
        return kernel.problems, faults, notices + differences(settings, kernel.plugins)
    finally:
        await kernel.close()


def _waiting(plan: dict[str, object]) -> list[str]:
    documents = plan["documents"]
    waiting = [f"{d['kind']} {d['name']}" for d in documents if d["change"] in ("add", "change")]  # type: ignore[index]
    return waiting + [f"removal of {what}" for what in removals(plan)]
