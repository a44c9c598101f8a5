"""`crm copy`: the app's database into another one, of the same engine or the other (floor 10)."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from crm_kernel.cli.app import database_for, settings_of
from crm_kernel.cli.backup import tell
from crm_kernel.cli.options import Given, app_option, json_option, pass_given
from crm_kernel.cli.output import print_table
from crm_kernel.operations.backup import Copied, copy
from crm_kernel.settings_rules import database_url_problem, sqlite_path
from crm_kernel.storage.filling import to_fill


class DatabaseUrl(click.ParamType[str]):
    """What `[database] url` of crm.toml takes."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The URL as it is; a usage error where it is none."""
        problem = database_url_problem(value)
        return value if problem is None else self.fail(problem, param, ctx)


@click.command("copy")
@click.argument("url", type=DatabaseUrl())
@app_option
@json_option
@pass_given
def command(given: Given, url: str) -> None:
    """Copy the database into the empty one at URL. Stop `crm serve` first, and name the new one in crm.toml after."""
    settings = settings_of(given)
    path = sqlite_path(url)
    file = None if path is None else settings.folder / path

    async def go() -> Copied:
        async with database_for(settings) as source, to_fill(url, file) as target:
            return await copy(source, target)

    done = asyncio.run(go())
    if not given.json:
        rows = [{"table": name, "rows": sum.rows, "sha256": sum.sha256} for name, sum in done.tables.items()]
        print_table(rows, ["table", "rows", "sha256"])
    tell(given, done, f"{done.rows:,} rows were copied. The app uses them once crm.toml has url = … in [database].")
