"""`crm doctor`: whether the app is well (floor 10)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import click
import msgspec

from crm_kernel.cli.app import database_for, settings_of
from crm_kernel.cli.options import Given, app_option, json_option, pass_given
from crm_kernel.cli.output import print_json, print_table
from crm_kernel.errors import ConfigError
from crm_kernel.kernel import Kernel
from crm_kernel.operations.doctor import Finding, examine_app, examine_database
from crm_kernel.settings import Settings


@click.command("doctor")
@app_option
@json_option
@pass_given
def command(given: Given) -> int:
    """Examine database, history, deliveries and disk; 1 where something is wrong."""
    settings = settings_of(given)

    async def go() -> list[Finding]:
        return [finding async for finding in _examine(settings)]

    findings = asyncio.run(go())
    ok = all(finding.ok for finding in findings)
    if given.json:
        print_json({"ok": ok, "checks": msgspec.to_builtins(findings)})
    else:
        rows = [{"check": f.name, "is": "ok" if f.ok else "WRONG", "found": f.detail} for f in findings]
        print_table(rows, ["check", "is", "found"])
    return 0 if ok else 1


async def _examine(settings: Settings) -> AsyncIterator[Finding]:
    """All checks; those that would stumble over what an earlier one found are left out."""
    sound = True
    path = settings.database.path
    try:
        async with database_for(settings) as database:
            async for finding in examine_database(database, settings.folder if path is None else path.parent):
                sound = sound and (finding.ok or finding.name != "integrity")
                yield finding
        if not sound:
            return
        kernel = await Kernel.open(settings)
    except ConfigError as error:
        yield Finding("database", False, " ".join(error.problems))
        return
    try:
        yield Finding("plugins", not kernel.problems, " ".join(kernel.problems) or "all plugins and documents are used")
        async for finding in examine_app(kernel.database, kernel.registry, kernel.tamper, kernel.clock):
            yield finding
    finally:
        await kernel.close()
