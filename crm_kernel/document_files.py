"""Documents as files of an app folder or a plugin (floor 4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from crm_kernel.document_check import document_faults, document_hash
from crm_kernel.errors import Fault
from crm_kernel.problems import Problem
from crm_kernel.source_json import JsonFault, problem_of, read_json


class FileDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A document read from a file, structurally sound.

    `file` is the path as shown to people (relative to the app folder where it lies in it), `hash` the SHA-256 of its
    canonical form, `text` what it was read from, so that later faults find their line too.
    """

    kind: str
    name: str
    body: dict[str, Any]
    hash: str
    file: str
    text: str

    def problem(self, fault: Fault) -> Problem:
        """A fault found later (against the registry or the data) with its place in the file."""
        return problem_of(fault, self.file, self.text)


def read_documents(folder: Path, base: Path | None = None) -> tuple[list[FileDocument], list[Problem]]:
    """All `*.json` below `folder`, in the order of their paths, and what is wrong with the others.

    File and folder names are free: `kind` and `name` inside decide. Paths are shown relative to `base` (default:
    `folder`). A folder that is not there holds no documents. Two files of one kind and name are a problem of the
    second.
    """
    found: dict[tuple[str, str], FileDocument] = {}
    problems: list[Problem] = []
    for path in sorted(p for p in folder.rglob("*.json") if not _hidden(p.relative_to(folder))):
        document, faults = read_document(path, path.relative_to(base or folder).as_posix())
        problems.extend(faults)
        if document is None:
            continue
        first = found.setdefault((document.kind, document.name), document)
        if first is not document:
            detail = f"The {document.kind} {document.name!r} stands in {first.file} already."
            hint = "Rename one, or remove one of the files."
            problems.append(document.problem(Fault(pointer="/name", code="unique", detail=detail, hint=hint)))
    return list(found.values()), problems


def read_document(path: Path, shown: str) -> tuple[FileDocument | None, list[Problem]]:
    """The document of one file, or what is wrong with it: file, line, column, pointer, sentence."""
    try:
        body, text = read_json(path.read_bytes())
    except OSError as error:
        return None, [Problem(file=shown, code="bad_json", detail=f"cannot be read: {error.strerror}.")]
    except JsonFault as fault:
        return None, fault.problems(shown, "bad_json")
    faults = document_faults(body)
    if faults:
        return None, [problem_of(fault, shown, text) for fault in faults]
    kind, name = body["kind"], body["name"]
    document = FileDocument(kind=kind, name=name, body=body, hash=document_hash(body), file=shown, text=text)
    return document, []


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
