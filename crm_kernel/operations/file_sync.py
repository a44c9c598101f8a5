"""Where truth lives: files are proposals, the database runs. One three-way rule for each document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from crm_kernel.document_check import document_hash
from crm_kernel.document_files import FileDocument
from crm_kernel.documents import KINDS
from crm_kernel.operations.plan import Change, OnInvalid, Plan, Planning, Proposed, make_plan
from crm_kernel.problems import Problem
from crm_kernel.storage.documents import StoredDocument

Take = Literal["files", "database"]


def proposals(
    files: Sequence[FileDocument],
    stored: Sequence[StoredDocument],
    removed: Mapping[tuple[str, str], str],
    take: Take | None,
) -> list[Proposed]:
    """What the files propose: nothing for a document that both sides have alike.

    File unchanged since it was applied: the database's version stays (`drift` where it differs, also where the
    database has `removed` it). Only the file changed: the file's. Both changed: `conflict`, settled by `take`. A file
    that is gone takes its document with it.
    """
    by_key = {(f.kind, f.name): f for f in files}
    known = {(d.kind, d.name): d for d in stored}
    found = [_of_file(f, known.get(key), removed.get(key), take) for key, f in by_key.items()]
    gone = [d for d in stored if d.file_hash is not None and (d.kind, d.name) not in by_key]
    return [*(p for p in found if p is not None), *(_of_missing(d, take) for d in gone)]


async def safe_part(
    services: Planning, stored: Sequence[StoredDocument], plan: Plan, on_invalid: OnInvalid | None
) -> Plan:
    """The largest part of a plan that is safe: without removals, conflicts and whatever stands in its way."""
    wanted = [p for p in plan.proposed if p.change in ("add", "change")]
    part = await make_plan(services, stored, wanted, on_invalid)
    if _is_safe(part):
        return part
    kept: list[Proposed] = []
    part = await make_plan(services, stored, kept, on_invalid)
    for change in sorted(wanted, key=lambda p: list(KINDS).index(p.kind)):
        tried = await make_plan(services, stored, [*kept, change], on_invalid)
        if _is_safe(tried):
            kept.append(change)
            part = tried
    return part


def _is_safe(plan: Plan) -> bool:
    """Whether a plan may be applied without anybody who looks at it: it takes nothing away and changes no record."""
    answer = plan.answer
    takes_away = any(step["change"] in ("hide_column", "convert") for step in answer["ddl"])
    return plan.is_ready and not takes_away and not answer["stages"] and not any(i["invalid"] for i in answer["impact"])


def pending(plan: Plan, safe: Plan, problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """What the server's start leaves to an administrator: documents, and files that are none. Drift needs nobody."""
    done = {(p.kind, p.name) for p in safe.proposed if not p.is_told_only}
    left = [
        {name: document[name] for name in ("kind", "name", "change", "file", "errors")}
        for document in plan.answer["documents"]
        if document["change"] != "drift" and (document["kind"], document["name"]) not in done
    ]
    unread = dict.fromkeys(problem.file for problem in problems)
    return left + [{"kind": "file", "name": file, "change": "broken", "file": file, "errors": []} for file in unread]


def _of_file(
    file: FileDocument, stored: StoredDocument | None, removed: str | None, take: Take | None
) -> Proposed | None:
    if stored is None:
        return _proposed(file, "add") if removed is None else _of_removed(file, removed, take)
    running = document_hash(stored.body)
    if file.hash == running:
        return None if stored.file_hash == file.hash else _proposed(file, "change")
    if file.hash == stored.file_hash:
        return _proposed(file, "drift")
    if running == stored.file_hash or take == "files":
        return _proposed(file, "change")
    return _proposed(file, "drift" if take == "database" else "conflict")


def _of_removed(file: FileDocument, removed: str, take: Take | None) -> Proposed:
    """A file whose document was removed from the database, when the file had the hash `removed`."""
    if file.hash == removed or take == "database":
        return _proposed(file, "drift")
    return _proposed(file, "conflict" if take is None else "add")


def _of_missing(stored: StoredDocument, take: Take | None) -> Proposed:
    """A document whose file is gone; where it was changed in the database too, `take` decides."""
    if document_hash(stored.body) == stored.file_hash or take == "files":
        return Proposed(kind=stored.kind, name=stored.name, body=None, origin="file", change="remove")
    if take is None:
        return Proposed(kind=stored.kind, name=stored.name, body=None, origin="file", change="conflict")
    # From now on it is the database's own: no file hash.
    return Proposed(kind=stored.kind, name=stored.name, body=stored.body, origin="file", change="drift")


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
