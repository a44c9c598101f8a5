"""`?` becomes `$n`, but not in quotes."""

from __future__ import annotations

import pytest

from crm_kernel.storage.postgres_statements import joined, numbered, together


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", "SELECT 1"),
        ("a = ? AND b IN (?, ?)", "a = $1 AND b IN ($2, $3)"),
        ("a = '?' AND \"b?\" = ? OR c = 'it''s ?' OR d = ?", "a = '?' AND \"b?\" = $1 OR c = 'it''s ?' OR d = $2"),
    ],
)
def test_marks_are_numbered(sql: str, expected: str) -> None:
    assert numbered(sql) == expected


def test_writes_to_several_tables_become_one_statement() -> None:
    add, change = "INSERT INTO a (x) VALUES (?)", 'UPDATE "b" SET y = ? WHERE id = ?'
    assert together((add, change)) == f"WITH w0 AS ({add}) {change}"
    assert joined([(1,), (2, 3)]) == [1, 2, 3]
    assert together((add, change, add)) is None
    assert together((add, "DELETE FROM c")) is None
