"""`?` becomes `$n`, but not in quotes."""

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel.storage.postgres_statements import joined, numbered, of_one, together


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


@pytest.mark.parametrize(
    ("sql", "params", "expected"),
    [
        ("a = ANY(?) AND b = ?", (["x"], ["y"]), ("a = ? AND b = ?", ["x", ["y"]])),
        ("b = ? AND a = ANY(?) AND c = ANY(?)", (1, [None], [3]), ("b = ? AND a = ? AND c = ?", [1, None, 3])),
        ("a = ANY(?) AND c = ANY(?)", (["x"], [3, 4]), None),
        ("a = ANY(?)", ([],), None),
        ("a = ANY(CAST(? AS text[]))", (["x"],), None),
    ],
)
def test_a_list_of_one_is_compared_as_one_value(sql: str, params: Any, expected: Any) -> None:
    assert of_one(sql, params) == (expected or (sql, params))


A = "INSERT INTO a (x) VALUES (?)"
B = 'INSERT INTO "b" (y, z) VALUES (?, ?)'
CHANGE = 'UPDATE "c" SET y = ? WHERE id = ? AND version = ?'


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ((A, B), f'WITH w0 AS ({A} RETURNING 1) INSERT INTO "b" (y, z) SELECT ?, ? FROM w0'),
        (
            (CHANGE, A, B),
            f"WITH w0 AS ({CHANGE} RETURNING 1), w1 AS (INSERT INTO a (x) SELECT ? FROM w0)"
            ' INSERT INTO "b" (y, z) SELECT ?, ? FROM w0',
        ),
        ((A,), None),
        ((A, B, A), None),
        ((A, CHANGE), None),
        ((A, "DELETE FROM d"), None),
        (("UPDATE d SET y = ? WHERE id = ?", A), None),
        ((f"{A} ON CONFLICT DO NOTHING", B), None),
    ],
)
def test_a_record_with_what_belongs_to_it_is_one_statement(statements: tuple[str, ...], expected: str | None) -> None:
    assert together(statements) == expected


def test_the_values_follow_one_another() -> None:
    assert joined([(1,), (2, 3)]) == [1, 2, 3]
