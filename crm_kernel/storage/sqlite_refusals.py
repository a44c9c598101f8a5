"""What SQLite's faults mean to a user: busy, disk full, not openable. Everything else stays the fault it is."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import NoReturn

from crm_kernel.errors import ConfigError, Error
from crm_kernel.storage.engine_parts import busy
from crm_kernel.storage.ports import NotUnique

_log = logging.getLogger(__name__)

_PRIMARY = 0xFF  # the low byte of an extended result code
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_UNIQUE = frozenset({sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY})
_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE})  # the latter: no room for the WAL's index
_NOT_TAKEN = frozenset({sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC})
"""Quotas and limits of files answer so (EDQUOT, EFBIG): SQLite knows a full disk by ENOSPC only."""
_UNOPENABLE = {
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened or made there",
    sqlite3.SQLITE_READONLY: "its disk or file is read-only, and the CRM has to write",
    sqlite3.SQLITE_NOTADB: "it is not an SQLite database",
    sqlite3.SQLITE_PERM: "its permissions do not allow it",
    sqlite3.SQLITE_CORRUPT: "it is damaged; `crm restore` brings a backup back",
}


def is_busy(error: sqlite3.Error) -> bool:
    """Whether trying again a little later may help."""
    return error.sqlite_errorcode & _PRIMARY in _BUSY


def is_cut(error: sqlite3.Error) -> bool:
    """Whether a query was stopped because it took too long where it ran."""
    return error.sqlite_errorcode & _PRIMARY == sqlite3.SQLITE_INTERRUPT


def refusal(error: BaseException) -> BaseException:
    """The `Error` (or `NotUnique`) that a fault of the engine means, or the fault itself."""
    if isinstance(error, sqlite3.IntegrityError):
        return _not_unique(error) or error
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # not raised by SQLite: a programming error
        return error
    if code & _PRIMARY in _BUSY:
        return busy()
    if code in _FULL:
        return Error("disk_full")
    if code in _NOT_TAKEN:
        _log.error("The disk did not take what was written to the database: %s", error)  # it may be faulty, too
        return Error("disk_full", "The disk takes no more of the database: it is full, or a quota or limit is reached.")
    if code & _PRIMARY == sqlite3.SQLITE_INTERRUPT:
        return busy("The query took too long and was stopped.")
    return error


def _not_unique(error: sqlite3.IntegrityError) -> NotUnique | None:
    """What a violated constraint says, if it is a unique one."""
    if error.sqlite_errorcode not in _UNIQUE:
        return None
    names = [name.partition(".") for name in str(error).partition(": ")[2].split(", ")]
    return NotUnique(names[0][0], tuple(column for _, _, column in names))


def reraise(error: sqlite3.Error) -> NoReturn:
    """Raise what a fault of the engine means to a user."""
    refused = refusal(error)
    if refused is error:
        raise error
    raise refused from error


def not_usable(path: Path, error: sqlite3.Error) -> ConfigError:
    """Why the database file cannot be used, as one sentence."""
    why = _UNOPENABLE.get(error.sqlite_errorcode & _PRIMARY, str(error))
    return ConfigError(f"The database {path} cannot be used: {why}.")
