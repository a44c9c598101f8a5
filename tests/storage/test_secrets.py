"""Hashes of secrets."""

from __future__ import annotations

from crm_kernel.storage import secrets
from crm_kernel.storage.ports import Database
from crm_kernel.storage.secrets import PASSWORD, RESET


async def test_a_secret_is_replaced_and_removed(database: Database) -> None:
    assert await secrets.get(database, "u", PASSWORD) is None
    for value in ("old {hash}", "new"):
        await database.write(lambda tx, value=value: secrets.put(tx, "u", PASSWORD, value, "2026-03-01T10:00:00Z"))
        assert await secrets.get(database, "u", PASSWORD) == value
    await database.write(lambda tx: secrets.put(tx, "v", PASSWORD, "his", "2026-03-01T10:00:00Z"))
    assert not await database.write(lambda tx: secrets.remove(tx, "u", PASSWORD, "old {hash}"))
    assert not await database.write(lambda tx: secrets.remove(tx, "u", RESET))
    assert await database.write(lambda tx: secrets.remove(tx, "u", PASSWORD, "new"))
    assert await secrets.get(database, "u", PASSWORD) is None
    assert await secrets.stored(database, "v", PASSWORD) == ("his", "2026-03-01T10:00:00Z")
    await database.write(lambda tx: secrets.remove_all(tx, ["u", "v"]))
    assert await secrets.get(database, "v", PASSWORD) is None
