"""Stored documents: the running configuration, with every version that was ever applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from crm_kernel.storage.jsontext import from_json, to_json
from crm_kernel.storage.ports import Reads, Tx
from crm_kernel.storage.tables import Document, DocumentVersion

_NEXT = """
INSERT INTO crm_document_version (kind, name, version, body, at, "by", change)
SELECT ?, ?, coalesce(max(version), 0) + 1, ?, ?, ?, ? FROM crm_document_version WHERE kind = ? AND name = ?
RETURNING version
"""


_PUT = (
    "INSERT INTO crm_document (kind, name, body, file_hash, origin, updated_at, updated_by)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, name) DO UPDATE SET body = excluded.body,"
    " file_hash = excluded.file_hash, origin = excluded.origin, updated_at = excluded.updated_at,"
    " updated_by = excluded.updated_by"
)


_REMOVED = "null"
"""The body of a document that was removed while its file stays."""
_ENTOMB = (
    "UPDATE crm_document SET body = 'null', updated_at = ?, updated_by = ?"
    " WHERE kind = ? AND name = ? AND file_hash IS NOT NULL"
)


class StoredDocument(NamedTuple):
    """One document. `file_hash`: of the file it was last applied from, None where it never came from one."""

    kind: str
    name: str
    body: Mapping[str, Any]
    file_hash: str | None
    origin: str
    updated_at: str
    updated_by: str | None


class DocumentChange(NamedTuple):
    """One applied version; `body` is None where the document was removed."""

    kind: str
    name: str
    version: int
    body: Mapping[str, Any] | None
    at: str
    by: str | None
    change: str


async def everything(reads: Reads) -> list[StoredDocument]:
    """All documents, by kind and name."""
    query = Document.select(*_columns()).where(Document.body != _REMOVED)
    return [_document(row) for row in await reads.run(query.order_by(Document.kind).order_by(Document.name))]


async def removed(reads: Reads) -> dict[tuple[str, str], str]:
    """Documents that were removed although their file is there: (kind, name) -> hash of the file last applied."""
    rows = await reads.run(Document.select(*_columns()).where(Document.body == _REMOVED))
    return {(row["kind"], row["name"]): row["file_hash"] for row in rows}


async def get(reads: Reads, kind: str, name: str) -> StoredDocument | None:
    """One document."""
    query = Document.select(*_columns()).where(Document.kind == kind).where(Document.name == name)
    rows = await reads.run(query.where(Document.body != _REMOVED))
    return _document(rows[0]) if rows else None


async def put(tx: Tx, document: StoredDocument, change: str = "change") -> int:
    """Store a document and its version; the number of that version."""
    body = to_json(document.body)
    await tx.execute(_PUT, (*document[:2], body, *document[3:]))
    return await _add_version(tx, document, body, change)


async def remove(tx: Tx, kind: str, name: str, *, at: str, by: str | None, with_file: bool = False) -> int:
    """Remove a document, its versions stay; the number of the version that says so.

    The hash of its file is kept, so that the file does not bring it back; but not `with_file`, where that is gone too.
    """
    if not with_file:
        await tx.execute(_ENTOMB, (at, by, kind, name))
    query = Document.delete().where(Document.kind == kind).where(Document.name == name)
    await tx.run(query if with_file else query.where(Document.body != _REMOVED))
    gone = StoredDocument(kind, name, {}, None, "", at, by)
    return await _add_version(tx, gone, None, "remove")


async def once_removed(reads: Reads) -> set[tuple[str, str]]:
    """(kind, name) of all documents that were removed once."""
    rows = await reads.read("SELECT DISTINCT kind, name FROM crm_document_version WHERE change = 'remove'")
    return {(kind, name) for kind, name in rows}


async def set_file_hash(tx: Tx, kind: str, name: str, file_hash: str | None) -> None:
    """Take a file as applied, without a new version."""
    query = Document.update({Document.file_hash: file_hash})
    await tx.run(query.where(Document.kind == kind).where(Document.name == name))


async def versions(reads: Reads, kind: str, name: str) -> list[DocumentChange]:
    """All versions of a document, newest first."""
    query = DocumentVersion.select().where(DocumentVersion.kind == kind).where(DocumentVersion.name == name)
    rows = await reads.run(query.order_by(DocumentVersion.version, ascending=False))
    return [
        DocumentChange(kind, name, row["version"], from_json(row["body"]), row["at"], row["by"], row["change"])
        for row in rows
    ]


async def _add_version(tx: Tx, document: StoredDocument, body: str | None, change: str) -> int:
    kind, name = document.kind, document.name
    params = (kind, name, body, document.updated_at, document.updated_by, change, kind, name)
    return (await tx.read(_NEXT, params))[0][0]


def _columns() -> list[Any]:
    return [getattr(Document, name) for name in StoredDocument._fields]


def _document(row: dict[str, Any]) -> StoredDocument:
    return StoredDocument(**row | {"body": from_json(row["body"])})
