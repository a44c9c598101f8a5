"""What SQLite's faults mean to people."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from crm_kernel.errors import Error
from crm_kernel.storage.ports import NotUnique
from crm_kernel.storage.sqlite_refusals import is_busy, not_usable, refusal, reraise


def fault(action: Callable[[], object]) -> sqlite3.Error:
    """The fault that an action really raises."""
    with pytest.raises(sqlite3.Error) as raised:
        action()
    return raised.value


def test_a_read_only_file_is_named(path: Path) -> None:
    sqlite3.connect(path).execute("CREATE TABLE t (n)").connection.close()
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    error = fault(lambda: connection.execute("INSERT INTO t VALUES (1)"))
    connection.close()
    assert "read-only" in str(not_usable(path, error))
    assert refusal(error) is error
    assert not is_busy(error)


def test_an_unknown_fault_is_named_by_sqlite(path: Path) -> None:
    connection = sqlite3.connect(path)
    error = fault(lambda: connection.execute("SELECT absent"))
    connection.close()
    assert "no such column" in str(not_usable(path, error))


def test_a_locked_file_is_busy(path: Path) -> None:
    one, two = (sqlite3.connect(path, isolation_level=None, timeout=0) for _ in range(2))
    one.execute("BEGIN IMMEDIATE")
    error = fault(lambda: two.execute("BEGIN IMMEDIATE"))
    one.close()
    two.close()
    refused = refusal(error)
    assert is_busy(error)
    assert isinstance(refused, Error)
    assert refused.code == "busy"


def test_an_interruption_is_busy() -> None:
    connection = sqlite3.connect(":memory:")
    connection.set_progress_handler(lambda: 1, 10)
    error = fault(
        lambda: connection.execute(
            "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c"
        )
    )
    connection.close()
    refused = refusal(error)
    assert isinstance(refused, Error)
    assert refused.code == "busy"


def test_constraints(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("CREATE TABLE t (a, b, n NOT NULL, UNIQUE (a, b))")
    connection.execute("INSERT INTO t VALUES (1, 2, 3)")
    taken = refusal(fault(lambda: connection.execute("INSERT INTO t VALUES (1, 2, 4)")))
    assert isinstance(taken, NotUnique)
    assert (taken.table, taken.columns) == ("t", ("a", "b"))
    missing = fault(lambda: connection.execute("INSERT INTO t VALUES (1, 3, null)"))
    connection.close()
    assert refusal(missing) is missing


def test_programming_errors_stay_what_they_are() -> None:
    error = sqlite3.OperationalError("raised by Python")
    assert refusal(error) is error
    with pytest.raises(sqlite3.OperationalError):
        reraise(error)
