"""`crm jobs`: the jobs of plugins that are due by the clock (floor 10)."""

from __future__ import annotations

import asyncio
from typing import Any

import click
import msgspec

from crm_kernel.cli.app import looked_at, settings_of, with_kernel
from crm_kernel.cli.options import Given, app_option, json_option, pass_given
from crm_kernel.cli.output import print_json, print_table
from crm_kernel.kernel import Kernel
from crm_kernel.settings import Settings
from crm_kernel.storage.schedule import Due


@click.group("jobs", invoke_without_command=True)
@app_option
@json_option
@pass_given
@click.pass_context
def command(context: click.Context, given: Given) -> None:
    """Jobs with their times; `crm jobs run NAME` runs one now. A running server does it itself."""
    if context.invoked_subcommand is not None:
        return
    states = asyncio.run(_states(settings_of(given)))
    if given.json:
        print_json({"items": states})
        return
    rows = [{**state, "name": f"{state['plugin']}.{state['name']}"} for state in states]
    print_table(rows, ["name", "every", "next_at", "last_at", "seconds", "running", "error"])


@command.command("run")
@click.argument("name")
@app_option
@json_option
@pass_given
def run(given: Given, *, name: str) -> int:
    """Run one job (`plugin.job`) now; 1 where it fails."""

    async def work(kernel: Kernel) -> Due:
        return await kernel.schedule.run(name)

    ran = with_kernel(given, work)
    if given.json:
        print_json(msgspec.to_builtins(ran._asdict()))
    elif ran.error is None:
        click.echo(f"{ran.name}: done in {ran.seconds} s; next at {ran.next_at}.")
    else:
        click.echo(f"{ran.name}: failed: {ran.error}")
    return 0 if ran.error is None else 1


async def _states(settings: Settings) -> list[dict[str, Any]]:
    async with looked_at(settings) as kernel:
        return await kernel.schedule.states()
