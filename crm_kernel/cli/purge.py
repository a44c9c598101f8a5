"""`crm purge`: what removed and converted fields, and uninstalled plugins, have left goes for good."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from crm_kernel.cli.app import caller_of, with_kernel
from crm_kernel.cli.options import Given, app_option, as_option, json_option, pass_given
from crm_kernel.cli.output import print_json
from crm_kernel.errors import Error
from crm_kernel.kernel import Kernel


@click.command("purge")
@click.option("--dry-run", is_flag=True, help="Tell what would go, and keep it.")
@click.option("--yes", is_flag=True, help="Without a question.")
@app_option
@json_option
@as_option
@pass_given
def command(given: Given, *, dry_run: bool, yes: bool) -> None:
    """Remove for good what removed and converted fields, removed entities and uninstalled plugins have left."""

    async def look(kernel: Kernel) -> list[dict[str, Any]]:
        return await kernel.purge.kept(await caller_of(kernel, given))

    async def stays(kernel: Kernel) -> list[dict[str, Any]]:
        return await kernel.purge.staying(await caller_of(kernel, given))

    async def remove(kernel: Kernel) -> list[dict[str, Any]]:
        return await kernel.purge.purge(await caller_of(kernel, given))

    found, kept = with_kernel(given, look), with_kernel(given, stays)
    purges = bool(found) and not dry_run
    if purges and not yes:
        _confirm(found)
    if purges:
        found = with_kernel(given, remove)
    if given.json:
        print_json({"purged": purges, "items": found, "kept": kept})
        return
    for item in found:
        click.echo(_line(item))
    for item in kept:
        owner = "" if item["plugin"] is None else f" (plugin {item['plugin']})"
        click.echo(f"- {_what(item)}{owner} stays: {item['why']}")
    click.echo("Nothing to purge." if not found else "Purged." if purges else "Nothing was purged (--dry-run).")


def _line(item: Mapping[str, Any]) -> str:
    why = item["why"] if item["plugin"] is None else f"the plugin {item['plugin']} was uninstalled"
    return f"- {_what(item)} ({why}): {item['records']:,} records have it"


def _what(item: Mapping[str, Any]) -> str:
    return f"all of {item['entity']}" if item["field"] is None else f"{item['field']} of {item['entity']}"


def _confirm(found: list[dict[str, Any]]) -> None:
    what = "; ".join(_line(item).removeprefix("- ") for item in found)
    if not sys.stdin.isatty():
        raise Error("plan_refused", f"This would remove {what}; nothing was purged.", hint="Confirm with --yes.")
    click.confirm(f"This removes for good {what}. Purge it?", abort=True, err=True)
