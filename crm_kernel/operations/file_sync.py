"""Where truth lives: files are proposals, the database runs. One three-way rule for each document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from crm_kernel.document_check import document_hash
from crm_kernel.document_files import FileDocument
from crm_kernel.operations.plan import Change, Proposed
from crm_kernel.storage.documents import StoredDocument

Take = Literal["files", "database"]


def proposals(files: Sequence[FileDocument], stored: Sequence[StoredDocument], take: Take | None) -> list[Proposed]:
    """What the files propose: nothing for a document that both sides have alike.

    File unchanged since it was applied: the database's version stays (`drift` where it differs). Only the file
    changed: the file's. Both changed: `conflict`, settled by `take`. A file that is gone takes its document with it.
    """
    by_key = {(f.kind, f.name): f for f in files}
    found = [_of_file(f, next((d for d in stored if (d.kind, d.name) == key), None), take) for key, f in by_key.items()]
    gone = [d for d in stored if d.file_hash is not None and (d.kind, d.name) not in by_key]
    return [p for p in [*found, *(_of_missing(d, take) for d in gone)] if p is not None]


def _of_file(file: FileDocument, stored: StoredDocument | None, take: Take | None) -> Proposed | None:
    if stored is None:
        return _proposed(file, "add")
    running = document_hash(stored.body)
    if file.hash == running:
        return None if stored.file_hash == file.hash else _proposed(file, "change")
    if file.hash == stored.file_hash:
        return _proposed(file, "drift")
    if running == stored.file_hash or take == "files":
        return _proposed(file, "change")
    return _proposed(file, "drift" if take == "database" else "conflict")


def _of_missing(stored: StoredDocument, take: Take | None) -> Proposed | None:
    if take == "database":
        return None
    changed = document_hash(stored.body) != stored.file_hash
    change: Change = "conflict" if changed and take is None else "remove"
    return Proposed(kind=stored.kind, name=stored.name, body=None, origin="file", change=change)


def _proposed(file: FileDocument, change: Change) -> Proposed:
    return Proposed(
        kind=file.kind,
        name=file.name,
        body=file.body,
        origin="file",
        file=file.file,
        file_hash=file.hash,
        change=change,
    )
