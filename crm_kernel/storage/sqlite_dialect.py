"""SQLite's ways to say what standard SQL cannot (`filters/dialect.py` and `ports.py` say what each member gives).

Lists go in as one JSON value, so that a statement's text does not depend on the number of values.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from crm_kernel.fields.base import Kind, Storage
from crm_kernel.fields.folding import word_class
from crm_kernel.filters.sql import Sql, compose, param
from crm_kernel.storage import sqlite_search

_COLUMN_TYPES: dict[Storage, str] = {
    "text": "TEXT",
    "integer": "INTEGER",
    "real": "REAL",
    "boolean": "BOOLEAN",
    "date": "TEXT",
    "moment": "TEXT",
    "uuid": "TEXT",
    "json": "TEXT",
}
_JSON_TYPES = {
    Kind.TEXT: "'text'",
    Kind.CHOICE: "'text'",
    Kind.DATE: "'text'",
    Kind.MOMENT: "'text'",
    Kind.REFERENCE: "'text'",
    Kind.INTEGER: "'integer', 'real'",
    Kind.NUMBER: "'integer', 'real'",
    Kind.BOOLEAN: "'true', 'false'",
    Kind.LIST: "'array'",
    Kind.OBJECT: "'object'",
}
_BUCKETS = {
    "day": "{}",
    "week": "date({}, 'weekday 0', '-6 days')",
    "month": "substr({}, 1, 8) || '01'",
    "quarter": "substr({0}, 1, 5) || substr('010101040404070707101010', 2 * substr({0}, 6, 2) - 1, 2) || '-01'",
    "year": "substr({}, 1, 5) || '01-01'",
}
_COLUMNS_SQL = """
SELECT m.name, c.name, c.type FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
WHERE m.type = 'table' AND (m.name LIKE 'e\\_%' ESCAPE '\\' OR m.name LIKE 'crm\\_%' ESCAPE '\\'
  OR m.name = 'search__state') ORDER BY m.name, c.cid
"""
_SHAPES_SQL = """
SELECT m.name, c.name, c.type, c."notnull", c.pk > 0, c.pk > 0 AND c.type = 'INTEGER'
FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
WHERE m.type = 'table' AND (m.name LIKE 'e\\_%' ESCAPE '\\' OR m.name LIKE 'crm\\_%' ESCAPE '\\') ORDER BY m.name, c.cid
"""
_INDEX_COLUMNS_SQL = """
SELECT m.tbl_name, m.name, l."unique", x.name, CASE x."desc" WHEN 1 THEN ' DESC' ELSE '' END,
  CASE WHEN l.partial THEN substr(m.sql, instr(m.sql, ' WHERE ') + 7) END
FROM sqlite_schema AS m, pragma_index_list(m.tbl_name) AS l, pragma_index_xinfo(m.name) AS x
WHERE m.type = 'index' AND m.sql IS NOT NULL AND l.name = m.name AND x.key ORDER BY m.tbl_name, m.name, x.seqno
"""
_HALF = 1_000_000_000
_ANY_JSON_TYPE = "'text', 'integer', 'real', 'true', 'false', 'array', 'object'"


class SqliteDialect:
    """SQLite ≥ 3.35. Moments are text without the closing `Z`, so that the order of text is that of time."""

    name = "sqlite"
    one_of = "IN (SELECT value FROM json_each(?))"
    sequence = "INTEGER"
    sequence_ddl = "INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL"
    both_ways = True
    adds_columns_together = False
    create_online = "INDEX IF NOT EXISTS"
    columns_sql = _COLUMNS_SQL
    indexes_sql = "SELECT tbl_name, name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
    shapes_sql = _SHAPES_SQL
    index_columns_sql = _INDEX_COLUMNS_SQL
    numbers_sql = "SELECT name, seq FROM sqlite_sequence WHERE name NOT LIKE 'search\\_%' ESCAPE '\\'"

    def column_type(self, storage: Storage) -> str:
        return _COLUMN_TYPES[storage]

    def select(self, column: str, storage: Storage) -> str:
        return f"{column} || 'Z'" if storage == "moment" else column

    def encode(self, value: Any, storage: Storage) -> Any:
        return value.removesuffix("Z") if storage == "moment" and value is not None else value

    def encode_list(self, values: Iterable[Any], storage: Storage) -> str:
        return msgspec.json.encode([self.encode(value, storage) for value in values]).decode()

    def among(self, value: Sql, items: Sql, storage: Storage) -> Sql:  # noqa: ARG002 - SQLite's values carry their type
        return compose("{} IN (SELECT value FROM json_each({}))", value, items)

    def contains(self, text: Sql, needle: Sql) -> Sql:
        return compose("instr({}, {}) > 0", text, needle)

    def starts(self, text: Sql, needle: Sql) -> Sql:
        return compose("substr({0}, 1, length({1})) = {1}", text, needle)

    def ends(self, text: Sql, needle: Sql) -> Sql:
        return compose("substr({0}, length({0}) - length({1}) + 1) = {1}", text, needle)

    def word(self, text: Sql, word: str, *, prefix: bool) -> Sql:
        # instr() sorts out nearly all rows. On the rest runs a pattern with a class of all letters and digits; that of
        # all Unicode has 733 ranges (0.2 ms a text), so texts of fewer characters use a shorter one.
        cases = " ".join(
            f"WHEN {{0}} NOT GLOB {{{2 * i + 2}}} THEN ' ' || {{0}} || ' ' GLOB {{{2 * i + 3}}}" for i in range(2)
        )
        template = f"(instr({{0}}, {{1}}) > 0 AND CASE {cases} ELSE ' ' || {{0}} || ' ' GLOB {{6}} END)"
        patterns: list[str] = []
        for last in (0x7F, 0x6FF, sys.maxunicode):
            letters = word_class(last)
            patterns.append(f"*[^\x01-{chr(last)}]*")
            patterns.append(f"*[^{letters}]{word}" + ("*" if prefix else f"[^{letters}]*"))
        del patterns[4]
        return compose(template, text, param(word), *(param(p) for p in patterns))

    def whole(self, table: str) -> str:
        return f"{table} NOT INDEXED"

    def elements(self, array: Sql, alias: str) -> Sql:
        return compose("json_each(CASE json_type({0}) WHEN 'array' THEN {0} END) AS " + alias, array)

    def element(self, alias: str, path: tuple[str, ...], kind: Kind) -> Sql:
        if path:
            # json_each gives objects as JSON text, and scalars as themselves, which json_type cannot read.
            document = Sql(f"CASE {alias}.type WHEN 'object' THEN {alias}.value END")
            return self.member(document, path, kind)
        return Sql(f"CASE WHEN {alias}.type IN ({_JSON_TYPES.get(kind, _ANY_JSON_TYPE)}) THEN {alias}.value END")

    def folded_element(self, array: Sql, alias: str, path: tuple[str, ...]) -> Sql:
        step = compose(f"'$[' || {alias}.key || ']' || {{}}", param(_json_path(path)[1:]))
        return compose("CASE WHEN json_type({0}, {1}) = 'text' THEN json_extract({0}, {1}) END", array, step)

    def member(self, document: Sql, path: tuple[str, ...], kind: Kind) -> Sql:
        types = _JSON_TYPES.get(kind, _ANY_JSON_TYPE)
        template = "CASE WHEN json_type({0}, {1}) IN (" + types + ") THEN json_extract({0}, {1}) END"
        return compose(template, document, param(_json_path(path)))

    def local_date(self, moment: Sql, segments: Sql) -> Sql:
        template = (
            "(SELECT date(substr({0}, 1, 19), json_extract(s.value, '$[1]') || ' seconds') FROM json_each({1}) AS s"
            " WHERE json_extract(s.value, '$[0]') <= {0} ORDER BY s.key DESC LIMIT 1)"
        )
        return compose(template, moment, segments)

    def encode_segments(self, segments: Iterable[tuple[str, int]]) -> str:
        return msgspec.json.encode([(self.encode(start, "moment"), offset) for start, offset in segments]).decode()

    def day(self, moment: Sql, segments: Sequence[tuple[str, int]]) -> Sql:
        return compose("date(substr({0}, 1, 19), {1})", moment, _offset(moment, segments))

    def total(self, value: str) -> str:
        # Two sums, as SQLite refuses a sum beyond 64 bits in the middle of a statement.
        return f"(sum(({value}) / {_HALF}) * {_HALF} + sum(({value}) % {_HALF}))"

    def times(self, integer: str, factor: int) -> str:
        # SQLite goes on with a double, which is beyond all integers that it can be compared with.
        return f"{integer} * {factor}"

    def quotient(self, dividend: str, divisor: str) -> str:
        return f"{dividend} / {divisor}"

    def double(self, integer: str) -> str:
        return f"{integer} * 1.0"

    def bucket(self, day: Sql, by: Literal["day", "week", "month", "quarter", "year"]) -> Sql:
        return compose(_BUCKETS[by], day)

    def search_create(self, name: str) -> Sequence[str]:
        return sqlite_search.create(name)

    def search_drop(self, name: str) -> Sequence[str]:
        return sqlite_search.drop(name)

    def search_put(self, name: str, rows: Sequence[tuple[str, str]]) -> tuple[str, Sequence[Sequence[Any]]]:
        return sqlite_search.put(name, rows)

    def search_has_more(self, name: str, wanted: Sequence[str], *, prefix: bool, than: int) -> Sql:
        return sqlite_search.has_more(name, wanted, prefix=prefix, than=than)

    def search_ids(self, name: str, wanted: Sequence[str], *, prefix: bool) -> Sql:
        return sqlite_search.ids(name, wanted, prefix=prefix)


def _offset(moment: Sql, segments: Sequence[tuple[str, int]]) -> Sql:
    """The zone's offset at a moment, found by halving: a zone has some 280 stretches of equal offset."""
    if len(segments) == 1:
        return Sql(f"'{segments[0][1]} seconds'")
    half = len(segments) // 2
    start = segments[half][0].removesuffix("Z")
    parts = (_offset(moment, segments[:half]), _offset(moment, segments[half:]))
    return compose(f"CASE WHEN {{}} < '{start}' THEN {{}} ELSE {{}} END", moment, *parts)


def _json_path(path: tuple[str, ...]) -> str:
    return "$" + "".join(f'."{name}"' for name in path)
