"""`crm replay`: deliveries once more (floor 10)."""

from __future__ import annotations

import click

from crm_kernel.cli.app import with_kernel
from crm_kernel.cli.options import Given, app_option, json_option, pass_given
from crm_kernel.cli.output import print_json
from crm_kernel.kernel import Kernel
from crm_kernel.operations.replay import replay


@click.command("replay")
@click.argument("id")
@click.option("--to", "last", metavar="ID", help="All events from ID to this one.")
@click.option("--listener", metavar="NAME", help="Only to this listener, also what it was told before.")
@app_option
@json_option
@pass_given
def command(given: Given, id: str, last: str | None, listener: str | None) -> None:
    """Let the event ID be told again to the listeners that were given up on it; the server or `crm deliver` does it."""

    async def work(kernel: Kernel) -> int:
        names = {bound.name for bound in kernel.registry.listeners}
        return await replay(kernel.database, names, id, last or id, listener)

    count = with_kernel(given, work)
    if given.json:
        print_json({"deliveries": count})
    else:
        click.echo(f"{count:,} deliveries will be tried again.")
