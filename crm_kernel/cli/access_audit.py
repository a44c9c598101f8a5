"""`crm access-audit`: what each role and a guest can read and write."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from crm_kernel.cli.app import looked_at, settings_of
from crm_kernel.cli.options import Given, app_option, json_option, pass_given
from crm_kernel.cli.output import print_lines, print_table
from crm_kernel.operations.audit import audit, in_words
from crm_kernel.registry import Registry
from crm_kernel.settings import Settings

_COLUMNS = ["role", "entity", "actions", "records", "after", "reads", "writes"]


@click.command("access-audit")
@app_option
@json_option
@pass_given
def command(given: Given) -> None:
    """List what each role, everybody who is signed in, and a guest can read and write."""
    items, rows = asyncio.run(_audit(settings_of(given)))
    if given.json:
        print_lines(items)
    else:
        print_table(rows, _COLUMNS)


async def _audit(settings: Settings) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    async with looked_at(settings) as kernel:
        items = audit(kernel.registry)
        return items, [_row(kernel.registry, item) for item in items]


def _row(registry: Registry, item: dict[str, Any]) -> dict[str, Any]:
    entity = item["entity"]
    if entity is None:
        return {"role": item["role"], "entity": "nothing"}
    fields = registry.entities[entity].fields if entity in registry.entities else {}
    writable = [name for name, field in fields.items() if not field.read_only]
    return {
        "role": item["role"],
        "entity": entity,
        "actions": item["actions"],
        "records": item["where"] or "all",
        "after": "as before" if item["check"] == item["where"] else item["check"] or "all",
        "reads": in_words(item["readable"], fields),
        "writes": in_words(item["writable"], writable),
    }
