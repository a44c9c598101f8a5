"""`?` becomes `$n`, but not in quotes."""

from __future__ import annotations

import pytest

from crm_kernel.storage.postgres_statements import numbered


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
