"""What PostgreSQL's faults mean to a user: busy, disk full, not usable. Everything else stays the fault it is.

Codes: PostgreSQL, Appendix A (SQLSTATE).
"""

from __future__ import annotations

import re

from crm_kernel.errors import ConfigError, Error
from crm_kernel.storage.engine_parts import busy
from crm_kernel.storage.ports import NotUnique

_AGAIN = frozenset({"40001", "40P01"})
"""Two writers stood in each other's way: the same again may succeed at once."""
_CHANGED = "0A000"  # "cached plan must not change result type": a table was changed under a prepared statement
_BUSY = {
    "55P03": "Somebody else keeps what this needs.",
    "57014": "The query took too long and was stopped.",
    **dict.fromkeys(_AGAIN, "Others keep changing the same records."),
}
_AWAY = ("08", "57P", "53300")
_FULL = frozenset({"53100", "53200"})
_DETAIL = re.compile(r"Key \((.*?)\)=")


def code_of(error: BaseException) -> str:
    """The SQLSTATE of a fault of the server, "" for any other."""
    return getattr(error, "sqlstate", None) or ""


def away() -> Error:
    """The refusal while there is no connection to the server."""
    return busy("The database does not answer.")


def is_again(error: BaseException) -> bool:
    """Whether the whole operation may succeed if it is run again."""
    return code_of(error) in _AGAIN or is_stale(error)


def is_stale(error: BaseException) -> bool:
    """Whether a table was changed under a prepared statement, which ran nothing."""
    return code_of(error) == _CHANGED and "cached" in str(error)


def refusal(error: BaseException, *, lost: bool) -> BaseException:
    """The `Error` (or `NotUnique`) that a fault means, or the fault itself; `lost`: the connection is gone."""
    code = code_of(error)
    if code == "23505":
        return _not_unique(error)
    if code in _BUSY:
        return busy(_BUSY[code])
    if code in _FULL:
        return Error("disk_full")
    if lost or code.startswith(_AWAY) or isinstance(error, OSError):
        return away()
    return error


def _not_unique(error: BaseException) -> NotUnique:
    """What a violated constraint says: its table, and the columns that the detail names."""
    found = _DETAIL.match(getattr(error, "detail", None) or "")
    columns = [name.strip('"') for name in found[1].split(", ")] if found else ["id"]
    return NotUnique(str(getattr(error, "table_name", "")), tuple(columns))


def not_usable(where: str, error: BaseException) -> ConfigError:
    """Why the database cannot be used, as one sentence."""
    return ConfigError(f"The database {where} cannot be used: {error or type(error).__name__}.")
