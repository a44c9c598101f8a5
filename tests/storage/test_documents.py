"""Stored documents and their versions."""

from __future__ import annotations

import pytest

from crm_kernel.storage import documents
from crm_kernel.storage.documents import StoredDocument
from crm_kernel.storage.ports import Database

AT = "2026-03-01T10:00:00Z"
HOT = StoredDocument("view", "hot", {"filter": "a = '{}'", "columns": ["b"]}, "hash", "file", AT, "u")


async def test_a_document_is_stored_and_replaced(database: Database) -> None:
    assert await documents.get(database, "view", "hot") is None
    assert await database.write(lambda tx: documents.put(tx, HOT, "add")) == 1
    assert await documents.get(database, "view", "hot") == HOT
    newer = HOT._replace(body={"label": "Ž"}, file_hash=None, origin="api", updated_by=None)
    assert await database.write(lambda tx: documents.put(tx, newer)) == 2
    other = HOT._replace(kind="role", name="agent")
    assert await database.write(lambda tx: documents.put(tx, other)) == 1
    assert await documents.everything(database) == [other, newer]


@pytest.mark.contract("documents.md#versions-kept")
async def test_every_version_is_kept_with_who_and_when(database: Database) -> None:
    await database.write(lambda tx: documents.put(tx, HOT, "add"))
    assert await database.write(lambda tx: documents.remove(tx, "view", "hot", at=AT, by="v")) == 2
    await database.write(lambda tx: documents.put(tx, HOT._replace(body={}), "restore"))
    versions = await documents.versions(database, "view", "hot")
    assert [(v.version, v.body, v.by, v.at, v.change) for v in versions] == [
        (3, {}, "u", AT, "restore"),
        (2, None, "v", AT, "remove"),
        (1, HOT.body, "u", AT, "add"),
    ]


async def test_a_file_is_taken_as_applied_without_a_version(database: Database) -> None:
    await database.write(lambda tx: documents.put(tx, HOT))
    await database.write(lambda tx: documents.set_file_hash(tx, "view", "hot", "other"))
    assert await documents.get(database, "view", "hot") == HOT._replace(file_hash="other")
    assert len(await documents.versions(database, "view", "hot")) == 1
