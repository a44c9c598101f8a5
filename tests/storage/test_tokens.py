"""API tokens."""

from __future__ import annotations

import pytest

from crm_kernel.storage import tokens
from crm_kernel.storage.ports import Database, NotUnique
from crm_kernel.storage.tokens import StoredToken

TOKEN = StoredToken("t1", "u", "laptop", "h1", True, ("contact",), "2027-01-01T00:00:00Z", "2026-03-01T10:00:00Z")


async def test_a_token_is_found_by_its_hash(database: Database) -> None:
    every = TOKEN._replace(id="t2", hash="h2", read_only=False, entities=None, expires_at=None)
    await database.write(lambda tx: tokens.add(tx, TOKEN))
    await database.write(lambda tx: tokens.add(tx, every))
    assert await tokens.by_hash(database, "h1") == TOKEN
    assert await tokens.by_hash(database, "h2") == every
    assert await tokens.by_hash(database, "h3") is None
    with pytest.raises(NotUnique):
        await database.write(lambda tx: tokens.add(tx, TOKEN._replace(id="t3")))


async def test_revoking(database: Database) -> None:
    await database.write(lambda tx: tokens.add(tx, TOKEN))
    at = "2026-04-01T10:00:00Z"
    assert not await database.write(lambda tx: tokens.revoke(tx, "t1", at, user="other"))
    assert [t.id for t in await tokens.of_user(database, "u")] == ["t1"]
    assert await database.write(lambda tx: tokens.revoke(tx, "t1", at))
    assert not await database.write(lambda tx: tokens.revoke(tx, "t1", at))
    assert await tokens.of_user(database, "u") == []
    assert await tokens.by_hash(database, "h1") == TOKEN._replace(revoked_at=at)


async def test_use_is_noted(database: Database) -> None:
    await database.write(lambda tx: tokens.add(tx, TOKEN))
    await database.write(lambda tx: tokens.touch(tx, "t1", "2026-04-01T10:00:00Z"))
    assert (await tokens.of_user(database, "u"))[0].last_used_at == "2026-04-01T10:00:00Z"
