"""Opening the app a command works on (floor 10)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import msgspec

from crm_kernel.callers import Caller
from crm_kernel.cli.options import Given
from crm_kernel.errors import ConfigError
from crm_kernel.kernel import Kernel
from crm_kernel.settings import Settings, load_settings
from crm_kernel.storage.evolution import ddl_plan, is_empty
from crm_kernel.storage.opening import database_of
from crm_kernel.storage.ports import Database

T = TypeVar("T")

_NEVER = "The app {} has no database yet. Hint: `crm apply` makes it."
_NEEDED = ("create_table", "add_column", "rename_column")
"""Steps without which statements fail; a missing index only makes them slow."""


def settings_of(given: Given) -> Settings:
    """The settings of the app folder. Raises `ConfigError`."""
    return load_settings(given.folder, os.environ)


def make_database_folder(settings: Settings) -> None:
    """The folder of the database file, for who is about to make that file. Raises `ConfigError`."""
    path = settings.database.path
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"The folder {path.parent} of the database cannot be made: {error.strerror}.") from error


@asynccontextmanager
async def opened(given: Given, *, pause_after_commit: float = 0.0) -> AsyncGenerator[Kernel]:
    """The kernel of an app whose database is there and as its plugins and documents want it.

    Raises `ConfigError` where it is not, with the command that helps.
    """
    settings = settings_of(given)
    never = _NEVER.format(settings.folder)
    if settings.database.path is not None and not settings.database.path.exists():
        raise ConfigError(never)
    kernel = await Kernel.open(settings, pause_after_commit=pause_after_commit)
    try:
        if await is_empty(kernel.database):
            raise ConfigError(never)
        missing = await missing_tables(kernel)
        if missing:
            what = ", ".join(missing[:3])
            more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
            raise ConfigError(f"The database is behind its plugins and documents ({what}{more}). Hint: `crm apply`.")
        yield kernel
    finally:
        await kernel.close()


@asynccontextmanager
async def database_for(settings: Settings) -> AsyncGenerator[Database]:
    """The database of an app by itself, whatever its plugins and documents want. Raises `ConfigError`."""
    place = settings.database
    if place.path is not None and not place.path.exists():
        raise ConfigError(_NEVER.format(settings.folder))
    database = database_of(place.url, place.path)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def missing_tables(kernel: Kernel) -> list[str]:
    """What the database lacks so that statements would fail: `create table e_lead`, `add column size` …"""
    plan = await ddl_plan(kernel.registry.entities, kernel.database)
    return [f"{step.change.replace('_', ' ')} {step.name}" for step in plan.steps if step.change in _NEEDED]


@asynccontextmanager
async def looked_at(settings: Settings) -> AsyncGenerator[Kernel]:
    """The kernel of an app that is only looked at; one without a database gets one that is gone afterwards."""
    path = settings.database.path
    with ExitStack() as opened:
        if path is not None and not path.exists():
            folder = Path(opened.enter_context(TemporaryDirectory(prefix="crm-look-")))
            database = msgspec.structs.replace(settings.database, path=folder / "crm.db")
            secret = settings.secret or "of no use but to look at it"
            settings = msgspec.structs.replace(settings, database=database, secret=secret)
        kernel = await Kernel.open(settings)
        try:
            yield kernel
        finally:
            await kernel.close()


def with_kernel(given: Given, work: Callable[[Kernel], Awaitable[T]], *, pause_after_commit: float = 0.0) -> T:
    """What `work` gives with the open kernel."""

    async def go() -> T:
        async with opened(given, pause_after_commit=pause_after_commit) as kernel:
            return await work(kernel)

    return asyncio.run(go())


async def caller_of(kernel: Kernel, given: Given, channel: str = "cli") -> Caller:
    """Whom a command acts as: the system, or with `--as` that user. Raises `Error("not_found" | "forbidden")`."""
    if given.login is None:
        return kernel.system(channel)
    return await kernel.identity.caller_for(given.login, channel)
