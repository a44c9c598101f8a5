"""`crm plugins`: what is loaded, in which order, and how it fares; `crm plugins reset NAME`."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from crm_kernel.cli.app import looked_at, settings_of
from crm_kernel.cli.options import Given, app_option, json_option, pass_given
from crm_kernel.cli.output import print_json, print_table
from crm_kernel.cli.plugin_reset import reset
from crm_kernel.operations.plugin_states import plugin_states
from crm_kernel.settings import Settings


@click.group("plugins", invoke_without_command=True)
@app_option
@json_option
@pass_given
@click.pass_context
def command(context: click.Context, given: Given) -> None:
    """Plugins with their order, hooks, times and faults; `reset` ends a quarantine."""
    if context.invoked_subcommand is not None:
        return
    states = asyncio.run(_states(settings_of(given)))
    if given.json:
        print_json({"items": states})
        return
    print_table([_row(state) for state in states], ["order", "name", "version", "source", "state", "hooks", "because"])
    click.echo()
    hooks = [{"plugin": state["name"], **hook} for state in states for hook in state["hooks"]]
    print_table(hooks, ["plugin", "hook", "calls", "p50_us", "p95_us", "statements", "errors"], empty="no hooks")
    click.echo()
    for state in states:
        for old in state["deprecated"]:
            click.echo(f"{state['name']}: the hook {old['hook']} is deprecated. {old['instead']}")
        if state["reason"]:
            click.echo(f"{state['name']}: {state['reason']}")
        for migration in state["migrations"]:
            if migration["state"] != "done":
                told = f": {migration['error']}" if migration["error"] else ""
                click.echo(f"{state['name']}: migration {migration['name']} is {migration['state']}{told}")
        for lag in state["listeners"]:
            if lag["events"] or lag["retry"] or lag["dead"] or lag["cut"]:
                click.echo(_behind(lag))


async def _states(settings: Settings) -> list[dict[str, Any]]:
    async with looked_at(settings) as kernel:
        return await plugin_states(kernel)


def _row(state: dict[str, Any]) -> dict[str, Any]:
    return {**state, "hooks": len(state["hooks"]), "because": state["order_because"]}


def _behind(lag: dict[str, Any]) -> str:
    """How far a listener is behind."""
    waiting = f"{lag['events']:,} events wait, since {lag['seconds']:,.0f} s" if lag["events"] else "no event waits"
    failed = f"{lag['retry']:,} to be tried again, {lag['dead']:,} given up, {lag['cut']:,} cut"
    return f"{lag['listener']}: {waiting}; {failed}"


command.add_command(reset)
