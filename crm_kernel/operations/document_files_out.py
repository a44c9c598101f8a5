"""Stored documents as files: one text for one document, so that it is the same wherever it is exported (floor 7)."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from crm_kernel.document_check import document_hash
from crm_kernel.document_files import read_documents
from crm_kernel.documents import FOLDERS
from crm_kernel.errors import ConfigError
from crm_kernel.storage import documents
from crm_kernel.storage.documents import StoredDocument
from crm_kernel.storage.ports import Tx


class Exported(NamedTuple):
    """What an export did, as paths shown to people: files written anew or over, already so, removed, left alone."""

    written: list[str]
    unchanged: list[str]
    removed: list[str]
    other: list[str]


def document_text(body: Mapping[str, Any]) -> str:
    """A document as a file: members in their own order, Unicode as it is, a line feed at the end."""
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def write_files(
    folder: Path,
    stored: Sequence[StoredDocument],
    removed: Mapping[tuple[str, str], str],
    base: Path,
) -> Exported:
    """Write each stored document below `folder`: to the file that holds it already, else to `fields/<name>.json` …

    A file that says the same stays as it is, with its layout. The unchanged file of a document that the database has
    `removed` (key -> hash of that file) goes. Files of documents that are not stored stay. Paths are told relative to
    `base` where they lie in it. Raises `ConfigError` where a file cannot be written.
    """
    files, problems = read_documents(folder)
    taken = {file.file for file in files}
    there = {(file.kind, file.name): file for file in files}
    done = Exported([], [], [], [problem.file for problem in problems])
    for document in stored:
        file = there.pop((document.kind, document.name), None)
        path = folder / (file.file if file else _free_name(document, taken))
        if file is not None and file.hash == document_hash(document.body):
            done.unchanged.append(_shown(path, base))
            continue
        _write(path, document_text(document.body))
        done.written.append(_shown(path, base))
    for key, file in there.items():
        path = folder / file.file
        if removed.get(key) == file.hash:
            path.unlink()
            done.removed.append(_shown(path, base))
        else:
            done.other.append(_shown(path, base))
    return done


async def take_as_applied(tx: Tx, stored: Iterable[StoredDocument]) -> None:
    """Note for each document that its file is the one last applied."""
    for document in stored:
        await documents.set_file_hash(tx, document.kind, document.name, document_hash(document.body))


def _free_name(document: StoredDocument, taken: Collection[str]) -> str:
    """A file that holds no other document."""
    stem = f"{FOLDERS.get(document.kind, document.kind)}/{document.name}"
    names = (f"{stem}{'' if number == 1 else f'-{number}'}.json" for number in count(1))
    return next(name for name in names if name not in taken)


def _write(path: Path, text: str) -> None:
    """Whole or not at all: what reads the file meanwhile finds the one before."""
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8", newline="\n")
        beside.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.") from error


def _shown(path: Path, base: Path) -> str:
    return (path.relative_to(base) if path.is_relative_to(base) else path).as_posix()
