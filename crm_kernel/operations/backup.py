"""Backups, their way back, and copies into another database: all content of one moment, of either engine (floor 7).

What is put into a database is read again before it is committed: it has the sums of what it was made from, or nothing
has happened.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from crm_kernel.clock import Clock
from crm_kernel.errors import ConfigError
from crm_kernel.plugin_finding import kernel_version
from crm_kernel.storage import content
from crm_kernel.storage.backup_file import FORMAT, Backup, Manifest, new_backup
from crm_kernel.storage.content import Contents, Sum, Summing, Table
from crm_kernel.storage.filling import make_room
from crm_kernel.storage.ports import Database, Row, Selects, Tx

NEVER = "The app has no database yet: there is nothing to copy. Hint: `crm apply` makes it."
Rows = Callable[[Table], AsyncIterator[Sequence[Row]]]
"""The rows of a table, some at a time."""


class Copied(msgspec.Struct, frozen=True):
    """What was written: the sums of each table by name, and sentences about what was not taken along."""

    tables: dict[str, Sum]
    left_out: tuple[str, ...]

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(found.rows for found in self.tables.values())


async def backup(database: Database, path: Path, clock: Clock) -> Copied:
    """Write all content of one moment into a file, whatever is written to the database meanwhile."""
    async with database.snapshot() as snapshot:
        found = await _contents(snapshot)
        at, sums = clock.now_text(), dict[str, Sum]()
        with new_backup(path) as file:
            for table in found.tables:
                summing = Summing()
                with file.table(table.name) as out:
                    async for page in content.pages(snapshot, table):
                        out.write(page.lines)
                        summing.add(len(page.rows), page.lines)
                sums[table.name] = summing.result()
            kernel, engine = kernel_version(), database.dialect.name
            file.finish(Manifest(format=FORMAT, kernel=kernel, engine=engine, at=at, contents=found, sums=sums))
    return Copied(sums, found.left_out)


async def restore(database: Database, file: Backup, *, replace: bool = False) -> Copied:
    """Put all content of a verified backup into a database, which is to be empty, or replaced."""

    async def rows(table: Table) -> AsyncIterator[Sequence[Row]]:
        for some in file.rows(table):
            yield some

    sums = file.manifest.sums
    return await _fill(database, file.manifest.contents, rows, sums, replace=replace)


async def copy(source: Database, target: Database) -> Copied:
    """Put all content of one moment into another database, which is to be empty."""
    async with source.snapshot() as snapshot:
        found = await _contents(snapshot)
        sums: dict[str, Sum] = {}

        async def rows(table: Table) -> AsyncIterator[Sequence[Row]]:
            summing = Summing()
            async for page in content.pages(snapshot, table):
                summing.add(len(page.rows), page.lines)
                yield page.rows
            sums[table.name] = summing.result()

        return await _fill(target, found, rows, sums, replace=False)


async def _contents(snapshot: Selects) -> Contents:
    found = await content.contents(snapshot)
    if not found.tables:
        raise ConfigError(NEVER)
    return found


async def _fill(database: Database, found: Contents, rows: Rows, sums: Mapping[str, Sum], *, replace: bool) -> Copied:
    """All or nothing. `sums` are known once all `rows` were taken."""

    async def work(tx: Tx) -> dict[str, Sum]:
        await make_room(tx, replace=replace)
        await content.create(tx, found.tables)
        for table in found.tables:
            async for some in rows(table):
                await content.fill(tx, table, some)
        await content.finish(tx, found)
        there = {table.name: await content.summed(tx, table) for table in found.tables}
        for name, sum in there.items():
            if sum != sums[name]:
                raise ConfigError(f"The rows of {name} did not arrive as they were; nothing was changed.")
        await tx.announce()
        return there

    return Copied(await database.load(work), found.left_out)
