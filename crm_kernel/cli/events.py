"""`crm events`: what has happened (floor 10)."""

from __future__ import annotations

from typing import Any

import click

from crm_kernel.cli.app import caller_of, with_kernel
from crm_kernel.cli.options import Given, app_option, as_option, json_option, pass_given
from crm_kernel.cli.output import print_json, print_table
from crm_kernel.cli.sentences import note
from crm_kernel.kernel import Kernel
from crm_kernel.operations.feed import feed
from crm_kernel.operations.list_query import DEFAULT_LIMIT, MAX_LIMIT

_COLUMNS = ("seq", "at", "type", "entity", "record", "version", "channel", "actor", "changed")


@click.command("events")
@click.option("--after", metavar="NEXT", help="Go on behind this: the `next` of the answer before.")
@click.option("--limit", type=click.IntRange(1, MAX_LIMIT), default=DEFAULT_LIMIT, show_default=True, help="At most.")
@app_option
@json_option
@as_option
@pass_given
def command(given: Given, after: str | None, limit: int) -> None:
    """Show the next events; --json gives them with the `next` to go on with."""

    async def work(kernel: Kernel) -> dict[str, Any]:
        caller = await caller_of(kernel, given)
        return await feed(kernel.database, kernel.registry, kernel.reader, caller, after, limit)

    found = with_kernel(given, work)
    if given.json:
        print_json(found)
        return
    print_table(found["items"], _COLUMNS, empty="nothing has happened")
    if found["items"]:
        note(f"crm events --after {found['next']} goes on.")
