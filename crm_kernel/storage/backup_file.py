"""A backup: a zip file with the lines of each table (`content.py`) and a manifest that says what they come to.

A zip, since any tool can look into it, since each table can be read by itself, and since the manifest with the sums can
be written last while reading finds it first.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import struct
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

import msgspec

from crm_kernel.errors import ConfigError
from crm_kernel.storage.content import Contents, Sum, Summing, Table, row_type
from crm_kernel.storage.indexes import ORDERS
from crm_kernel.storage.ports import Row

FORMAT = 1
MANIFEST = "manifest.json"
_LEVEL = 3  # of zlib
_PAGE = 1 << 20
_DAMAGED = (BadZipFile, zlib.error, struct.error, msgspec.MsgspecError)
_FAULTS = (*_DAMAGED, EOFError, LookupError, ValueError, RuntimeError, OSError)
"""What reading a damaged zip file or line can raise."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself; `sums`: of each table, by its name."""

    format: int
    kernel: str
    engine: str
    at: str
    contents: Contents
    sums: dict[str, Sum]


class _Format(msgspec.Struct):
    format: int


class BackupWriter:
    """Writes the lines of one table after the other, then the manifest."""

    def __init__(self, file: ZipFile) -> None:
        self._file = file

    @contextmanager
    def table(self, name: str) -> Generator[IO[bytes]]:
        """Where the lines of a table go."""
        with self._file.open(_member(name), "w", force_zip64=True) as out:
            yield out

    def finish(self, manifest: Manifest) -> None:
        """All tables were written."""
        self._file.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))


@contextmanager
def new_backup(path: Path) -> Generator[BackupWriter]:
    """A backup to be written, which appears whole, or not at all; only its owner may read it.

    Raises `ConfigError` where `path` is there already and is no backup: nothing else is ever overwritten.
    """
    if path.exists() and not _is_backup(path):
        raise ConfigError(f"{path} is there already and is no backup: it is not overwritten.", usage=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        out = os.fdopen(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR), "w+b")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}.", usage=True) from error
    try:
        with out:
            with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=_LEVEL) as file:
                yield BackupWriter(file)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)
        sync_folder(path.parent)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Let a new name in a folder survive a power cut, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


class Backup:
    """An open backup."""

    def __init__(self, path: Path, file: ZipFile, manifest: Manifest) -> None:
        self.manifest = manifest
        self._path = path
        self._file = file

    def verify(self) -> None:
        """Hold every line against the sums. Raises `ConfigError` where one is damaged."""
        for table in self.manifest.contents.tables:
            summing = Summing()
            for rows, lines in self._pages(table):
                summing.add(len(rows), lines)
            if summing.result() != self.manifest.sums.get(table.name):
                raise self._damaged(f"the rows of {table.name} are not those that were written")

    def rows(self, table: Table) -> Iterator[list[Row]]:
        """The rows of a table, some at a time. Raises `ConfigError` where the file is damaged."""
        return (rows for rows, _ in self._pages(table))

    def _pages(self, table: Table) -> Iterator[tuple[list[Row], bytes]]:
        decode = msgspec.json.Decoder(row_type(table)).decode_lines
        try:
            with self._file.open(_member(table.name)) as lines:
                while page := lines.readlines(_PAGE):
                    joined = b"".join(page)
                    yield decode(joined), joined
        except _FAULTS as error:
            if (fault := _disk_fault(error)) is not None:
                raise _unreadable(self._path, fault) from error
            raise self._damaged(f"{table.name}: {error}") from error

    def _damaged(self, why: str) -> ConfigError:
        return ConfigError(f"The backup {self._path} is damaged, nothing was changed: {why}.")


@contextmanager
def opened_backup(path: Path) -> Generator[Backup]:
    """A backup to be read. Raises `ConfigError` where it is none, or of a newer format."""
    try:
        raw = path.open("rb")
    except OSError as error:
        raise _unreadable(path, error) from error
    with raw:
        try:
            file = ZipFile(raw)
            manifest = file.read(MANIFEST)
            written = msgspec.json.decode(manifest, type=_Format).format
        except _FAULTS as error:
            if (fault := _disk_fault(error)) is not None:
                raise _unreadable(path, fault) from error
            raise ConfigError(f"{path} is no backup, or its end is damaged: {error}.", usage=True) from error
        if written > FORMAT:
            raise ConfigError(f"{path} was written by a newer version: its format is {written}, known is {FORMAT}.")
        try:
            yield Backup(path, file, _checked(manifest))
        finally:
            file.close()


def _disk_fault(error: BaseException | None) -> OSError | None:
    """What failed where reading did, not what was read: zipfile tells of some of that as of no zip file.

    A place that no file has (EINVAL) is one that a damaged file names.
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            return error
        error = error.__context__
    return None


def _unreadable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"{path} cannot be read: {error.strerror}.", usage=True)


def _checked(raw: bytes) -> Manifest:
    """The manifest, each of whose names can stand in a statement."""
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
    except msgspec.MsgspecError as error:
        raise ConfigError(f"The manifest of the backup is damaged: {error}.") from error
    tables = {table.name: {column.name for column in table.columns} for table in manifest.contents.tables}
    for index in manifest.contents.indexes:
        known = {name + order for name in tables.get(index.table, ()) for order in ORDERS}
        if not known.issuperset(index.columns):
            raise ConfigError(f"The manifest of the backup is damaged: {index.table} has not the columns of an index.")
    for search in manifest.contents.searches:
        if not tables.get(search.table, set()).issuperset(search.columns):
            raise ConfigError(f"The manifest of the backup is damaged: {search.table} has not the columns of a search.")
    if any(sum(column.key for column in table.columns) != 1 for table in manifest.contents.tables):
        raise ConfigError("The manifest of the backup is damaged: a table has no single key.")
    return manifest


def _is_backup(path: Path) -> bool:
    try:
        with path.open("rb") as raw, ZipFile(raw) as file:
            return MANIFEST in file.namelist()
    except _FAULTS:
        return False


def _member(table: str) -> str:
    return f"tables/{table}.jsonl"
