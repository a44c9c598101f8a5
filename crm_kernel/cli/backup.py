"""`crm backup`: all content of the database into one file (floor 10)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
import msgspec

from crm_kernel.cli.app import database_for, settings_of
from crm_kernel.cli.options import Given, app_option, json_option, pass_given
from crm_kernel.cli.output import print_json
from crm_kernel.cli.sentences import note
from crm_kernel.clock import Clock
from crm_kernel.operations.backup import Copied, backup

SECRET = "The secret key (CRM_SECRET or data/secret.key) is not in it: keep it elsewhere, sessions and secrets need it."


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@app_option
@json_option
@pass_given
def command(given: Given, file: Path) -> None:
    """Write all content of the database into FILE, also while it is in use. Only a backup is overwritten."""
    settings = settings_of(given)

    async def go() -> Copied:
        async with database_for(settings) as database:
            return await backup(database, file, Clock())

    done = asyncio.run(go())
    tell(given, done, f"{done.rows:,} rows of {len(done.tables)} tables are in {file}.")
    note(SECRET)


def tell(given: Given, done: Copied, sentence: str) -> None:
    """What was copied."""
    for line in done.left_out:
        note(line)
    if given.json:
        print_json(msgspec.to_builtins(done))
    else:
        click.echo(sentence)
