"""`crm plugins reset`: the end of a plugin's quarantine."""

from __future__ import annotations

from typing import Any

import click

from crm_kernel.cli.app import caller_of, with_kernel
from crm_kernel.cli.options import Given, app_option, as_option, json_option, pass_given
from crm_kernel.cli.output import print_json
from crm_kernel.kernel import Kernel


@click.command("reset")
@click.argument("name")
@app_option
@json_option
@as_option
@pass_given
def reset(given: Given, name: str) -> None:
    """Call the hooks of the plugin NAME again; servers follow within two seconds."""

    async def work(kernel: Kernel) -> dict[str, Any]:
        return await kernel.quarantines.reset(name, await caller_of(kernel, given))

    state = with_kernel(given, work)
    if given.json:
        print_json(state)
    else:
        click.echo(f"{state['name']} is {state['state']}.")
