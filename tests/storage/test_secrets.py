"""Hashes of secrets."""

from __future__ import annotations

from crm_kernel.storage import secrets
from crm_kernel.storage.ports import Database
from crm_kernel.storage.secrets import PASSWORD


async def test_a_secret_is_replaced_and_removed(database: Database) -> None:
    assert await secrets.get(database, "u", PASSWORD) is None
    for value in ("old {hash}", "new"):
        await database.write(lambda tx, value=value: secrets.put(tx, "u", PASSWORD, value, "2026-03-01T10:00:00Z"))
        assert await secrets.get(database, "u", PASSWORD) == value
    await database.write(lambda tx: secrets.put(tx, "v", PASSWORD, "his", "2026-03-01T10:00:00Z"))
    await database.write(lambda tx: secrets.remove(tx, "u"))
    assert await secrets.get(database, "u", PASSWORD) is None
    assert await secrets.get(database, "v", PASSWORD) == "his"
