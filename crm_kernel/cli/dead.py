"""`crm dead`: deliveries that were given up (floor 10)."""

from __future__ import annotations

from typing import Any

import click

from crm_kernel.cli.app import with_kernel
from crm_kernel.cli.options import Given, app_option, json_option, pass_given
from crm_kernel.cli.output import print_lines, print_table
from crm_kernel.kernel import Kernel
from crm_kernel.operations.replay import dead_letters

_COLUMNS = ("event", "listener", "state", "type", "entity", "record", "attempts", "error")


@click.command("dead")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="At most, the oldest first.")
@app_option
@json_option
@pass_given
def command(given: Given, limit: int) -> None:
    """Show what listeners were given up on; what is dead holds back later events of its record until `crm replay`.

    What is cut was not told, as more than five events led to it: listeners that answer each other.
    """

    async def work(kernel: Kernel) -> list[dict[str, Any]]:
        return await dead_letters(kernel.database, limit)

    found = with_kernel(given, work)
    if given.json:
        print_lines(found)
    else:
        print_table(found, _COLUMNS, empty="nothing was given up")
