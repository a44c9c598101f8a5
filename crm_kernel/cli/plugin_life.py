"""`crm plugin enable`, `disable`, `uninstall`: which plugins an app runs, in its crm.toml (floor 10)."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click
import msgspec
import tomlkit
from tomlkit.items import Array

from crm_kernel.cli.app import looked_at, settings_of
from crm_kernel.cli.options import Given, app_option, json_option, pass_given
from crm_kernel.cli.output import print_json
from crm_kernel.errors import ConfigError, Error, near
from crm_kernel.operations.uninstall import (
    UninstallPlan,
    attached,
    detached,
    note_left,
    only_without,
    uninstall_plan,
)
from crm_kernel.plugins import PluginHost
from crm_kernel.settings import Settings, load_settings
from crm_kernel.storage.evolution import is_empty

AGAIN = "Takes effect when the server is started again."


@click.command("enable")
@click.argument("name")
@app_option
@pass_given
def enable(given: Given, *, name: str) -> None:
    """Let the app run a plugin; all it had is there again."""
    settings = settings_of(given)
    state = _state(PluginHost(settings).states(), name)
    write_choice(settings, [name], run=True, listed=state["source"] != "folder")
    asyncio.run(_attach(choice(settings, [name], run=True), name))
    click.echo(f"{name} is enabled. {AGAIN} `crm plan` says what it brings, `crm apply` makes it.")


@click.command("disable")
@click.argument("name")
@click.option("--with-dependants", is_flag=True, help="Those that require it too.")
@app_option
@pass_given
def disable(given: Given, *, name: str, with_dependants: bool) -> None:
    """Let the app run without a plugin; its records and fields stay in the database."""
    settings = settings_of(given)
    names = _going(PluginHost(settings).states(), name, with_dependants=with_dependants)
    write_choice(settings, names, run=False)
    click.echo(f"{', '.join(names)} disabled. {AGAIN} Records and fields stay in the database.")


@click.command("uninstall")
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Only tell what stays and what does not work without it.")
@click.option("--yes", is_flag=True, help="Without a question.")
@click.option("--with-dependants", is_flag=True, help="Those that require it too.")
@click.option("--detach", is_flag=True, help="Its entities, fields and pipelines become documents: used without code.")
@app_option
@json_option
@pass_given
def uninstall(given: Given, *, name: str, dry_run: bool, yes: bool, with_dependants: bool, detach: bool) -> None:
    """Ask a plugin, and take it out of the app; its records and fields stay in the database."""
    settings = settings_of(given)
    plans = asyncio.run(_plans(settings, name, with_dependants=with_dependants))
    if given.json:
        print_json({"uninstalled": not dry_run, "items": [plan.answer() for plan in plans]})
    else:
        for plan in plans:
            click.echo("\n".join(_lines(plan)))
    if dry_run:
        return
    refused = [f"{plan.plugin}: {why}" for plan in plans for why in plan.refusals]
    if refused:
        raise Error("conflict", f"Nothing was changed. {' '.join(refused)}", hint="Do what it asks for first.")
    names = [plan.plugin for plan in plans]
    if not yes:
        _confirm(names)
    if detach:
        asyncio.run(_detach(settings, names))
    asyncio.run(_note(settings, plans))
    write_choice(settings, names, run=False)
    if not given.json:
        click.echo(f"{', '.join(names)} taken out. {AGAIN} Its package may be removed then.")


async def _plans(settings: Settings, name: str, *, with_dependants: bool) -> list[UninstallPlan]:
    """One for each plugin that goes; of one that is disabled too, which is loaded for it."""
    state = _state(PluginHost(settings).states(), name)
    if state["state"] == "disabled":
        settings = choice(settings, [name], run=True)
    names = _going(PluginHost(settings).states(), name, with_dependants=with_dependants)
    async with looked_at(choice(settings, names, run=False)) as without:
        broken = without.registry.broken
    async with looked_at(settings) as kernel:
        documents = only_without(broken, kernel.registry.broken)
        return [await uninstall_plan(kernel, one, documents) for one in names]


async def _detach(settings: Settings, names: Sequence[str]) -> None:
    """Store what plugins declare as documents. Raises `Error("plan_refused")` where it does not work without them."""
    documents = detached(PluginHost(settings), names)
    async with looked_at(choice(settings, names, run=False)) as without:
        there = {(d.kind, d.name) for d in await without.documents.stored()}  # what overrides the plugin's stays
        new = [body for body in documents if (body["kind"], body["name"]) not in there]
        await without.documents.put_all(new, without.system("cli"))


async def _note(settings: Settings, plans: Sequence[UninstallPlan]) -> None:
    """Keep in the database what plugins leave there, for `crm purge`."""
    path = settings.database.path
    if path is not None and not path.exists():
        return
    async with looked_at(settings) as kernel:
        if await is_empty(kernel.database):
            return
        versions = {state["name"]: str(state["version"]) for state in kernel.plugins.states()}
        await note_left(kernel.database, plans, versions, kernel.clock.now_text())


async def _attach(settings: Settings, name: str) -> None:
    """Remove the documents that stood for a plugin, as far as nobody has changed them: it declares them itself."""
    async with looked_at(settings) as kernel:
        gone = attached(kernel.plugins, name, await kernel.documents.stored())
        if gone:
            changes = {"documents": [], "remove": [{"kind": kind, "name": one} for kind, one in gone]}
            await kernel.documents.apply(changes, kernel.system("cli"))


def _going(states: Sequence[dict[str, Any]], name: str, *, with_dependants: bool) -> list[str]:
    """The plugin and those that require it, each before what it requires. Raises `Error`."""
    if _state(states, name)["source"] == "builtin":
        raise Error("conflict", f"The plugin {name!r} is the kernel's; nothing works without it.", hint="")
    going = {name}
    while more := {s["name"] for s in states if going & set(s["requires"]) and s["order"]} - going:
        going |= more
    others = [s["name"] for s in reversed(states) if s["name"] in going - {name}]
    if others and not with_dependants:
        detail = f"The plugin {name!r} is required by {', '.join(others)}."
        raise Error("conflict", detail, hint="--with-dependants takes them along.")
    return [*others, name]


def _state(states: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    found = next((state for state in states if state["name"] == name), None)
    if found is None:
        guess = near(name, [state["name"] for state in states]).strip()
        raise Error("not_found", f"There is no plugin {name!r}.", hint=guess or "See `crm plugins`.")
    return found


def _lines(plan: UninstallPlan) -> Iterator[str]:
    yield f"{plan.plugin} goes. What stays in the database, and is used again when the plugin is back:"
    for entity, count in plan.records.items():
        yield f"  {count:,} records of {entity}"
    for entity, names in plan.fields.items():
        yield f"  the fields {', '.join(names)} of {entity}"
    yield f"  the positions of {len(plan.positions)} listeners, {plan.dead:,} deliveries that were given up"
    yield "  `crm purge` removes it for good, but what must be kept."
    yield from (f"  {kept['what']} must be kept: {kept['why']}" for kept in plan.kept)
    yield "What goes:"
    yield f"  its rules, roles, reports, views, pipelines, routes and {len(plan.jobs)} jobs"
    yield from (f"  {document} stays and is left out: it does not work without" for document in plan.documents)
    yield from (f"  It refuses: {why}" for why in plan.refusals)


def _confirm(names: Sequence[str]) -> None:
    what = ", ".join(names)
    if not sys.stdin.isatty():
        raise Error("conflict", f"This would take {what} out of the app.", hint="Confirm with --yes.")
    click.confirm(f"Take {what} out of the app?", abort=True, err=True)


# crm.toml -------------------------------------------------------------------------------------------------------------


def choice(settings: Settings, names: Sequence[str], *, run: bool) -> Settings:
    """The settings as they are once these plugins run, or do not."""
    plugins = settings.plugins
    others = [name for name in plugins.enabled if name not in names], [n for n in plugins.disabled if n not in names]
    enabled, disabled = (others[0] + [*names], others[1]) if run else (others[0], others[1] + [*names])
    chosen = msgspec.structs.replace(plugins, enabled=tuple(enabled), disabled=tuple(disabled))
    return msgspec.structs.replace(settings, plugins=chosen)


def write_choice(settings: Settings, names: Sequence[str], *, run: bool, listed: bool = True) -> None:
    """Write into crm.toml which plugins run, and nothing else of it. Raises `ConfigError` where that is impossible.

    `listed`: they are named in `enabled`; those of a folder need not be.
    """
    file = settings.folder / "crm.toml"
    document = tomlkit.parse(file.read_text(encoding="utf-8"))
    table: Any = document.setdefault("plugins", tomlkit.table())
    for name in names:
        _set(table, "enabled", name, there=run and listed)
        _set(table, "disabled", name, there=not run)
    text = tomlkit.dumps(document)
    draft = file.with_suffix(".toml.new")
    try:
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, file)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}.") from error
    load_settings(settings.folder, os.environ)


def _set(table: Any, key: str, name: str, *, there: bool) -> None:
    """Let a list of names have one, or not."""
    if key not in table:
        if there:
            table[key] = [name]
        return
    names: Array = table[key]
    if there and name not in names:
        names.append(name)
    elif not there and name in names:
        names.remove(name)
