"""Single values about the database: some of them change whenever something changes that processes keep in memory."""

from __future__ import annotations

from typing import NamedTuple

from crm_kernel.storage.ports import Reads, Tx

EPOCH = "epoch"
"""Of users, teams and tokens."""
DOCUMENTS = "documents"
"""Of the documents in force."""
PLUGINS = "plugins"
"""Of the quarantines of plugins."""
_QUARANTINE = "quarantine:"
_MARKS = "SELECT key, value FROM crm_meta WHERE key IN ('epoch', 'documents', 'plugins')"
_SET = "INSERT INTO crm_meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
_BUMP = (
    "INSERT INTO crm_meta (key, value) VALUES (?, '1')"
    " ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(crm_meta.value AS INTEGER) + 1 AS TEXT)"
    " RETURNING value"
)


async def get(reads: Reads, key: str) -> str | None:
    """One value, None where it was never set."""
    rows = await reads.read("SELECT value FROM crm_meta WHERE key = ?", (key,))
    return rows[0][0] if rows else None


async def put(tx: Tx, key: str, value: str) -> None:
    """Set one value."""
    await tx.execute(_SET, (key, value))


class Marks(NamedTuple):
    """Numbers of what processes keep in memory: what was read under another one is out of date."""

    epoch: int
    documents: int
    plugins: int


async def marks(reads: Reads) -> Marks:
    """The numbers that hold now."""
    found = dict(await reads.read(_MARKS))
    return Marks(int(found.get(EPOCH, 0)), int(found.get(DOCUMENTS, 0)), int(found.get(PLUGINS, 0)))


async def bump_epoch(tx: Tx) -> None:
    """Say that users, teams or tokens change with this transaction."""
    await tx.read(_BUMP, (EPOCH,))
    await tx.announce()


async def bump_documents(tx: Tx) -> int:
    """Say that documents change with this transaction, and with them what people may do; the new number."""
    await bump_epoch(tx)
    return int((await tx.read(_BUMP, (DOCUMENTS,)))[0][0])


async def quarantines(reads: Reads) -> dict[str, str]:
    """Plugin -> what was stored of its quarantine."""
    rows = await reads.read("SELECT key, value FROM crm_meta WHERE key LIKE 'quarantine:%'")
    return {key.removeprefix(_QUARANTINE): value for key, value in rows}


async def put_quarantine(tx: Tx, plugin: str, value: str) -> None:
    """Store the quarantine of a plugin."""
    await put(tx, _QUARANTINE + plugin, value)
    await _bump_plugins(tx)


async def end_quarantine(tx: Tx, plugin: str) -> None:
    """Forget the quarantine of a plugin."""
    await tx.execute("DELETE FROM crm_meta WHERE key = ?", (_QUARANTINE + plugin,))
    await _bump_plugins(tx)


async def _bump_plugins(tx: Tx) -> None:
    await tx.read(_BUMP, (PLUGINS,))
    await tx.announce()
