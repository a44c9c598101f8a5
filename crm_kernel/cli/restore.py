"""`crm restore`: a backup into the database (floor 10)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from crm_kernel.cli.app import make_database_folder, settings_of
from crm_kernel.cli.backup import tell
from crm_kernel.cli.options import Given, app_option, json_option, pass_given
from crm_kernel.cli.sentences import note
from crm_kernel.operations.backup import Copied, restore
from crm_kernel.storage.backup_file import Backup, opened_backup
from crm_kernel.storage.filling import to_fill

_SECRET = "The secret key is not part of a backup: with another than before, sessions end and secrets cannot be read."


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--replace", is_flag=True, help="Replace what is in the database. Stop `crm serve` first.")
@app_option
@json_option
@pass_given
def command(given: Given, file: Path, *, replace: bool) -> None:
    """Put the content of the backup FILE into the database: all of it, or nothing."""
    settings = settings_of(given)
    place = settings.database

    async def go(backup: Backup) -> Copied:
        async with to_fill(place.url, place.path, replace=replace) as database:
            return await restore(database, backup, replace=replace)

    with opened_backup(file) as backup:
        backup.verify()  # before anything is made or opened
        make_database_folder(settings)
        done = asyncio.run(go(backup))
    tell(given, done, f"{done.rows:,} rows of {len(done.tables)} tables are back.")
    note(_SECRET)
