"""What SQLite is told where standard SQL has no words."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_kernel.fields.base import Kind
from crm_kernel.fields.folding import fold, words
from crm_kernel.filters import moments
from crm_kernel.filters.sql import Sql, compose, join, param
from crm_kernel.storage.sqlite_dialect import SqliteDialect

DIALECT = SqliteDialect()
DATABASE = sqlite3.connect(":memory:")


def value(sql: Sql) -> Any:
    return DATABASE.execute(f"SELECT {sql.text}", sql.params).fetchone()[0]


def test_columns() -> None:
    assert [DIALECT.column_type(s) for s in ("text", "integer", "real", "boolean", "moment", "json")] == [
        "TEXT",
        "INTEGER",
        "REAL",
        "BOOLEAN",
        "TEXT",
        "TEXT",
    ]
    assert DIALECT.select('t."a"', "moment") == "t.\"a\" || 'Z'"
    assert DIALECT.select('t."a"', "text") == 't."a"'


def test_bind_values() -> None:
    assert DIALECT.encode("2026-03-18T10:00:00Z", "moment") == "2026-03-18T10:00:00"
    assert DIALECT.encode(None, "moment") is None
    assert DIALECT.encode(2**63, "integer") == float(2**63)
    assert DIALECT.encode(5, "integer") == 5


def test_lists_are_one_value() -> None:
    listed = DIALECT.encode_list(["a", None, "2026-03-18T10:00:00Z"], "text")
    found = [value(DIALECT.among(param(one), param(listed), "text")) for one in ("a", "2026-03-18T10:00:00Z", "b")]
    assert found == [1, 1, None]


texts = st.text(st.sampled_from("aA bB%_*?[]'ßéÄ²½ﬁ가мѐ世𝔸-0"), max_size=8).map(fold)


@given(texts, texts)
def test_searching_is_what_python_does(text: str, needle: str) -> None:
    pair = (param(text), param(needle))
    assert value(DIALECT.contains(*pair)) == (needle in text)
    assert value(DIALECT.starts(*pair)) == text.startswith(needle)
    assert value(DIALECT.ends(*pair)) == text.endswith(needle)


@given(st.text(max_size=12) | texts, st.text(max_size=6), st.booleans())
def test_words_are_what_python_finds(text: str, needle: str, prefix: bool) -> None:
    folded = fold(text.replace("\0", ""))
    for word in words(needle)[:1]:
        found = words(folded)
        expected = any(w.startswith(word) for w in found) if prefix else word in found
        assert value(DIALECT.word(param(folded), word, prefix=prefix)) == expected


def test_null_stays_null() -> None:
    null, text = param(None), param("a")
    for sql in (DIALECT.contains(null, text), DIALECT.starts(null, text), DIALECT.ends(text, null)):
        assert value(sql) is None
    assert not value(DIALECT.word(null, "a", prefix=True))


def test_members_of_objects() -> None:
    document = param('{"a": {"b": "x"}, "n": 1.5, "t": true, "z": null, "o": {}}')
    assert value(DIALECT.member(document, ("a", "b"), Kind.TEXT)) == "x"
    assert value(DIALECT.member(document, ("n",), Kind.NUMBER)) == 1.5
    assert value(DIALECT.member(document, ("n",), Kind.TEXT)) is None
    assert value(DIALECT.member(document, ("t",), Kind.BOOLEAN)) == 1
    assert value(DIALECT.member(document, ("t",), Kind.INTEGER)) is None
    assert value(DIALECT.member(document, ("z",), Kind.JSON)) is None
    assert value(DIALECT.member(document, ("o",), Kind.OBJECT)) == "{}"
    assert value(DIALECT.member(param(None), ("o",), Kind.OBJECT)) is None


def test_elements_of_lists() -> None:
    def elements(array: str | None, part: Sql) -> list[Any]:
        statement = compose("SELECT {} FROM {}", part, DIALECT.elements(param(array), "e"))
        return [row[0] for row in DATABASE.execute(statement.text, statement.params)]

    own = DIALECT.element("e", (), Kind.TEXT)
    assert elements('["a", 1, null, {"b": 2}]', own) == ["a", None, None, None]
    assert elements('["a", 1, null, {"b": 2}]', DIALECT.element("e", ("b",), Kind.NUMBER)) == [None, None, None, 2]
    assert elements('{"a": 1}', own) == []
    assert elements(None, own) == []
    folded = DIALECT.folded_element(param('["a", {"b": "c"}]'), "e", ("b",))
    assert elements('["A", {"b": "C"}]', folded) == [None, "c"]
    whole = DIALECT.folded_element(param('["a", {"b": "c"}]'), "e", ())
    assert elements('["A", {"b": "C"}]', whole) == ["a", None]


@pytest.mark.parametrize("zone", ["Europe/Riga", "America/St_Johns", "Asia/Kathmandu"])
def test_days_of_moments(zone: str) -> None:
    segments = DIALECT.encode_segments(moments.segments(zone))
    for moment in ("2026-03-28T22:30:00.5Z", "2026-03-29T20:59:59Z", "1899-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        sql = DIALECT.local_date(param(DIALECT.encode(moment, "moment")), param(segments))
        assert value(sql) == moments.date_of(moment, zone)


def test_pieces_of_sql() -> None:
    piece = compose("{1} OR {0} OR {1}", param(1), param(2))
    assert (piece.text, piece.params) == ("? OR ? OR ?", (2, 1, 2))
    assert join(" AND ", [param(1), Sql("x")]) == Sql("? AND x", (1,))


@pytest.mark.parametrize("zone", ["UTC", "Europe/Riga", "America/St_Johns", "Pacific/Apia"])
@given(moment=st.datetimes(datetime(1905, 1, 1), datetime(2095, 1, 1)))
def test_days_of_a_known_zone(zone: str, moment: datetime) -> None:
    stored = moment.isoformat()
    assert value(DIALECT.day(param(stored), moments.segments(zone))) == moments.date_of(stored, zone)


@pytest.mark.contract("documents.md#report-buckets")
@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2026-03-18", ["2026-03-18", "2026-03-16", "2026-03-01", "2026-01-01", "2026-01-01"]),
        ("2026-03-15", ["2026-03-15", "2026-03-09", "2026-03-01", "2026-01-01", "2026-01-01"]),
        ("2026-03-16", ["2026-03-16", "2026-03-16", "2026-03-01", "2026-01-01", "2026-01-01"]),
        ("2027-01-01", ["2027-01-01", "2026-12-28", "2027-01-01", "2027-01-01", "2027-01-01"]),
        ("2024-12-31", ["2024-12-31", "2024-12-30", "2024-12-01", "2024-10-01", "2024-01-01"]),
        (None, [None] * 5),
    ],
)
def test_buckets(day: str | None, expected: list[str | None]) -> None:
    found = [value(DIALECT.bucket(param(day), by)) for by in ("day", "week", "month", "quarter", "year")]
    assert found == expected


def test_quarters() -> None:
    starts = [value(DIALECT.bucket(param(f"2026-{month:02}-15"), "quarter")) for month in range(1, 13)]
    assert starts == [f"2026-{start}-01" for start in ("01", "04", "07", "10") for _ in range(3)]
