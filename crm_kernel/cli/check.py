"""`crm check`: everything that is wrong with an app, at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, cast

import click

from crm_kernel.cli.app import looked_at, missing_tables, settings_of
from crm_kernel.cli.documents import plan_faults, removals
from crm_kernel.cli.lock import differences
from crm_kernel.cli.options import Given, app_option, json_option, pass_given
from crm_kernel.cli.output import print_json
from crm_kernel.cli.plugin_life import choice
from crm_kernel.cli.sentences import note
from crm_kernel.kernel import Kernel
from crm_kernel.manifest import Check
from crm_kernel.settings import Settings
from crm_kernel.storage import plugin_states
from crm_kernel.storage.evolution import is_empty

NEVER = "The app has no database yet; `crm apply` makes it."


@click.command("check")
@app_option
@json_option
@pass_given
def command(given: Given) -> int:
    """Name every fault of crm.toml, documents, plugins and database, with file, line and column."""
    left_out, faults, notices = asyncio.run(_check(settings_of(given)))
    for sentence in [*faults, *notices]:  # the log has told what is left out
        note(sentence)
    faults = [*left_out, *faults]
    if given.json:
        print_json({"faults": faults, "notices": notices})
    else:
        click.echo(f"{len(faults)} faults." if faults else "No faults.")
    return 1 if faults else 0


async def _check(settings: Settings) -> tuple[list[str], list[str], list[str]]:
    """What is left out, other faults, and what is only worth knowing: what waits to be applied is no fault."""
    async with looked_at(settings) as kernel:
        plan, problems = await kernel.documents.plan_files(settings.documents)
        faults = [*(problem.sentence() for problem in problems), *plan_faults(settings, plan)]
        if await is_empty(kernel.database):
            return kernel.problems, faults, [NEVER]
        missing = await missing_tables(kernel)
        waiting = await _waiting_for_plugins(settings, kernel)
        left_out = [told for told in kernel.problems if told not in waiting]
        faults += [] if missing else await kernel.migrations.problems()
        notices = [f"Not applied yet: {what}; `crm apply` does it." for what in [*_waiting(plan.answer), *missing]]
        if not missing:
            for plugin, check in kernel.plugins.checks():
                faults += await _ask(kernel, plugin, check)
        return left_out, faults, [*notices, *waiting, *differences(settings, kernel.plugins)]


async def _waiting_for_plugins(settings: Settings, kernel: Kernel) -> list[str]:
    """What is left out only because a plugin is disabled that this database has known: that was wanted."""
    names = await plugin_states.known(kernel.database) if await plugin_states.are_known(kernel.database) else set()
    off = [s["name"] for s in kernel.plugins.states() if s["state"] == "disabled" and s["name"] in names]
    if not off or not kernel.registry.broken:
        return []
    async with looked_at(choice(settings, off, run=True)) as whole:
        return [told for told in kernel.problems if told not in whole.problems]


async def _ask(kernel: Kernel, plugin: str, check: Check) -> list[str]:
    """What a plugin's check finds; that it failed, where it did."""
    try:
        work = cast("Coroutine[Any, Any, Sequence[str]]", check.run(kernel.crm(plugin)))
        found = await kernel.calls.run(plugin, f"check {check.name}", work, strict=False)
    except Exception as error:
        found = [f"the check itself failed: {type(error).__name__}: {error}"]
    return [f"{plugin}, {check.name}: {sentence}" for sentence in found]


def _waiting(plan: Mapping[str, Any]) -> list[str]:
    waiting = [f"{d['kind']} {d['name']}" for d in plan["documents"] if d["change"] in ("add", "change")]
    return waiting + [f"removal of {what}" for what in removals(plan)]
