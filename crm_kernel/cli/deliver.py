"""`crm deliver`: waiting events to their listeners, where no server does it (floor 10)."""

from __future__ import annotations

import click

from crm_kernel.cli.app import with_kernel
from crm_kernel.cli.options import Given, app_option, json_option, pass_given
from crm_kernel.cli.output import print_json
from crm_kernel.kernel import Kernel
from crm_kernel.storage import health
from crm_kernel.storage.delivery import DEAD, RETRY


@click.command("deliver")
@app_option
@json_option
@pass_given
def command(given: Given) -> int:
    """Tell listeners of all events that wait, once; 1 where some could not be told. A running server does it itself."""

    async def work(kernel: Kernel) -> dict[str, int]:
        tried = await kernel.dispatcher.deliver_all()
        waiting = await health.deliveries(kernel.database)
        return {"tried": tried, "retry": waiting.get(RETRY, 0), "dead": waiting.get(DEAD, 0)}

    done = with_kernel(given, work)
    if given.json:
        print_json(done)
    else:
        left = f"; {done['retry']:,} wait to be tried again, {done['dead']:,} are given up" if _left(done) else ""
        click.echo(f"{done['tried']:,} deliveries were made or tried{left}.")
    return 1 if _left(done) else 0


def _left(done: dict[str, int]) -> bool:
    return bool(done["retry"] or done["dead"])
