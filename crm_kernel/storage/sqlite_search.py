"""Words of records on SQLite: a table of them, and FTS5 over it.

A row that is put into FTS5 by itself takes 26 µs, as each savepoint has it write a segment; 256 at once take 4 µs each.
So the newest rows wait, and are looked at one by one; the state of the index says up to which number the others are.
The words are folded and divided by us: FTS5 only parts them at spaces.
"""

from __future__ import annotations

from collections.abc import Sequence

from crm_kernel.filters.sql import Sql, compose, join, param

_WAITING = 256


def create(name: str) -> list[str]:
    """The statements that make an empty index; the table has numbers of its own, which VACUUM leaves as they are."""
    table, fts = f'"{name}"', _fts(name)
    merged = _merged(name)
    add = f"INSERT INTO {fts} (rowid, words)"
    remove = f"INSERT INTO {fts} ({fts}, rowid, words) VALUES ('delete', old.number, old.words);"
    return [
        f"CREATE TABLE {table}"
        " (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, words TEXT NOT NULL)",
        f"CREATE VIRTUAL TABLE {fts} USING fts5(words, content={table}, content_rowid='number', detail=none,"
        " columnsize=0, tokenize=\"ascii tokenchars '_'\")",
        f'CREATE TRIGGER "{name}__insert" AFTER INSERT ON {table} WHEN new.number >= {merged} + {_WAITING} BEGIN'
        f" {add} SELECT number, words FROM {table} WHERE number > {merged};"
        f" UPDATE search__state SET merged = new.number WHERE name = '{name}'; END",
        f'CREATE TRIGGER "{name}__update" AFTER UPDATE OF words ON {table} WHEN old.number <= {merged} BEGIN'
        f" {remove} {add} VALUES (new.number, new.words); END",
        f'CREATE TRIGGER "{name}__delete" AFTER DELETE ON {table} WHEN old.number <= {merged} BEGIN {remove} END',
    ]


def drop(name: str) -> list[str]:
    """The statements that remove one."""
    return [f"DROP TABLE IF EXISTS {_fts(name)}", f'DROP TABLE IF EXISTS "{name}"']


def put(name: str, rows: Sequence[tuple[str, str]]) -> tuple[str, Sequence[tuple[str, str]]]:
    """The statement that stores (id, words) in the place of what may be there, and the rows it is run for."""
    insert = f'INSERT INTO "{name}" (id, words) VALUES (?, ?)'
    return f"{insert} ON CONFLICT (id) DO UPDATE SET words = excluded.words", rows


def has_more(name: str, wanted: Sequence[str], *, prefix: bool, than: int) -> Sql:
    """The condition that more than so many rows have all wanted words; those that wait are not counted.

    Rows with the beginning of a word are put together before the first of them is given (1,000,000: 100 ms), so they
    are asked for only where those that have it as a whole word are few.
    """
    fts = _fts(name)
    found = f"EXISTS (SELECT 1 FROM {fts} WHERE {fts} MATCH {{}} LIMIT 1 OFFSET {than})"
    whole, start = (compose(found, param(_match(wanted, prefix=start))) for start in (False, prefix))
    return compose("CASE WHEN {} THEN true ELSE {} END", whole, start)  # of an OR, SQLite asks both


def ids(name: str, wanted: Sequence[str], *, prefix: bool) -> Sql:
    """The SELECT of the ids of all rows that have them."""
    table, fts = f'"{name}"', _fts(name)
    last = len(wanted) - (1 if prefix else 0)
    spaced = [f" {word} " if place < last else f" {word}" for place, word in enumerate(wanted)]
    tests = join(" AND ", [compose("instr(' ' || words || ' ', {}) > 0", param(word)) for word in spaced])
    return compose(
        f"SELECT s.id FROM {fts} AS f CROSS JOIN {table} AS s WHERE f.{fts} MATCH {{}} AND s.number = f.rowid"
        f" UNION ALL SELECT id FROM {table} WHERE number > {_merged(name)} AND (words = '_' OR {{}})",
        param(_match(wanted, prefix=prefix)), tests,
    )  # fmt: skip


def _fts(name: str) -> str:
    return f'"{name}__fts"'


def _merged(name: str) -> str:
    return f"(SELECT merged FROM search__state WHERE name = '{name}')"


def _match(wanted: Sequence[str], *, prefix: bool) -> str:
    """What FTS5 is asked. Words are letters and digits, so there is nothing in them to escape."""
    words = " AND ".join([f'"{word}"' for word in wanted])
    return f'({words}{"*" if prefix else ""}) OR "_"'
