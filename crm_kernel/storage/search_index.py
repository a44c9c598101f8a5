"""The words of the records of an entity, beside its table: what a search asks first (ADR 0029).

The index knows the words of all searched fields of a record, whoever may read them: it says which records can be found
at all, and the conditions of the search, read with the caller's rights, say which are. It is not part of what a backup
has, as it can be made from the records at any time; `search__state` says of which columns, and how far it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from crm_kernel.filters.scope import SYSTEM_SCOPE
from crm_kernel.filters.searching import searched_fields
from crm_kernel.filters.sql import compose
from crm_kernel.model import EntityModel, Field
from crm_kernel.storage.columns import FOLD, quoted, table_name
from crm_kernel.storage.few import Few
from crm_kernel.storage.ports import Database, EngineDialect, Reads, Selects, Tx

STATE = "search__state"
MANY = 1000
"""So many candidates are many: a list that has so many hits finds its page sooner in its own order."""
LONGEST = 64
"""Characters of a word that the index has, and is asked for."""
MOST = 100_000
"""Characters of all words of a record, within what a `tsvector` holds (1 MB)."""
ALWAYS = "_"
"""The one word of a record that has more: it is a candidate of every search. No word of a text has this character."""

_PREFIX = "search_"
_BATCH = 500
_BEFORE = 1000
"""Events before the index was made, whose writers may have ended after that."""
_WORD = re.compile(r"[^\W_]+")
_CREATE_STATE = (
    f"CREATE TABLE IF NOT EXISTS {STATE}"
    " (name TEXT PRIMARY KEY, columns TEXT NOT NULL, merged BIGINT NOT NULL, since BIGINT NOT NULL, filled TEXT)"
)
_SET_STATE = (
    f"INSERT INTO {STATE} (name, columns, merged, since, filled) VALUES (?, ?, 0, ?, ?)"
    " ON CONFLICT (name) DO UPDATE SET columns = excluded.columns, merged = 0, since = excluded.since,"
    " filled = excluded.filled"
)


WordsOf = Callable[[Iterable[Sequence[Any]]], list[tuple[str, str]]]
"""What gives the (id, words) of rows."""


class SearchIndex(NamedTuple):
    """The index of one table over the `columns` that a search looks into."""

    table: str
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        """The table of the words: `search_` and the entity."""
        return name_of(self.table.partition("_")[2])

    def words_of_rows(self, columns: Sequence[str]) -> WordsOf:
        """What gives the (id, words) of rows of these columns; one that is not among them is null."""
        at, texts = columns.index("id"), [columns.index(name) for name in self.columns if name in columns]
        return lambda rows: [(row[at], words_of([row[place] for place in texts])) for row in rows]


class State(NamedTuple):
    """Of which columns an index is; `filled`: the last record that is in it, None once all are."""

    columns: tuple[str, ...]
    filled: str | None


def search_index(model: EntityModel) -> SearchIndex | None:
    """The index of an entity, None where nothing of it is searched."""
    columns = [text_column(model.fields[name]) for name in sorted(searched_fields(model, SYSTEM_SCOPE))]
    return SearchIndex(table_name(model.name), tuple(columns)) if columns else None


def name_of(entity: str) -> str:
    """What the index of an entity is called."""
    return _PREFIX + entity


def table_of(name: str) -> str:
    """The table that an index is of."""
    return table_name(name.removeprefix(_PREFIX))


def text_column(field: Field) -> str:
    """The column that a search looks into."""
    return field.name + FOLD if field.type.folds else field.name


def words_of(texts: Iterable[str | None]) -> str:
    """The words of some folded texts, each once, with a space between."""
    found = {*_WORD.findall(" ".join([text for text in texts if text is not None]))}
    words = " ".join(found)
    if len(words) > LONGEST and any(len(word) > LONGEST for word in found):
        words = " ".join({word[:LONGEST] for word in found})
    return words if len(words) <= MOST else ALWAYS


async def put(tx: Tx, index: SearchIndex, rows: Sequence[tuple[str, str]]) -> None:
    """Store the (id, words) of some records, each once."""
    if rows:
        await tx.executemany(*tx.dialect.search_put(index.name, rows))


def candidates(dialect: EngineDialect, index: SearchIndex, wanted: Sequence[str]) -> Few:
    """What finds the records that have the wanted words, the last one as the beginning of a word.

    An index that is not whole yet, or of other columns, is taken for one that has many of them.
    """
    words, prefix = [word[:LONGEST] for word in wanted], len(wanted[-1]) <= LONGEST
    of = f"name = '{index.name}' AND columns = '{_listed(index)}'"
    whole = f"EXISTS (SELECT 1 FROM {STATE} WHERE {of} AND filled IS NULL)"
    more = dialect.search_has_more(index.name, words, prefix=prefix, than=MANY)
    ids = dialect.search_ids(index.name, words, prefix=prefix)
    return Few(compose(f"CASE WHEN {whole} THEN {{}} ELSE true END", more), ids)


def _listed(index: SearchIndex) -> str:
    return ",".join(index.columns)


# ---- how it comes to be ---------------------------------------------------------------------------------------------
async def states(reads: Selects) -> dict[str, State]:
    """All indexes by their names; the table of their states is there."""
    rows = await reads.read(f"SELECT name, columns, filled FROM {STATE}")
    return {name: State(tuple(columns.split(",")), filled) for name, columns, filled in rows}


def ddl(dialect: EngineDialect, index: SearchIndex) -> list[str]:
    """The statements that make an empty index in the place of the one that may be there."""
    return [*dialect.search_drop(index.name), *dialect.search_create(index.name)]


async def make(tx: Tx, index: SearchIndex, *, whole: bool) -> None:
    """Make an empty index; `whole`: of a table without records. What is written from now on is in it."""
    ((last,),) = await tx.read("SELECT coalesce(max(seq), 0) FROM crm_outbox")
    await _make(tx, index, max(0, last - _BEFORE), None if whole else "")


async def make_filled(tx: Tx, index: SearchIndex) -> None:
    """Make the index of a table whose records are all there, and which nobody else sees yet."""
    await _make(tx, index, 0, "")
    while await _fill_some(tx, index):
        pass
    await _finish(tx, index)


async def _make(tx: Tx, index: SearchIndex, since: int, filled: str | None) -> None:
    await tx.execute(_CREATE_STATE)
    await tx.execute(_SET_STATE, (index.name, _listed(index), since, filled))
    for sql in ddl(tx.dialect, index):
        await tx.execute(sql)


async def drop(tx: Tx, name: str) -> None:
    """Remove an index."""
    for sql in tx.dialect.search_drop(name):
        await tx.execute(sql)
    await tx.execute(f"DELETE FROM {STATE} WHERE name = ?", (name,))


async def fill(database: Database, index: SearchIndex) -> None:
    """Put the records that were there before into the index, some at a time, each time in a transaction of its own.

    It goes on where an earlier try broke off. Records that were written meanwhile by who did not know of the index yet
    are looked at again at the end.
    """
    while await database.write(lambda tx: _fill_some(tx, index)):
        pass
    again = await _written_since(database, index)
    for start in range(0, len(again), _BATCH):
        some = again[start : start + _BATCH]
        await database.write(lambda tx, some=some: _look_again(tx, index, some))
    await database.write(lambda tx: _finish(tx, index))
    await database.analyze(index.name)


async def _fill_some(tx: Tx, index: SearchIndex) -> bool:
    """The next records; whether there may be more."""
    await tx.lock(f"crm:{index.name}")
    filled = await _filled(tx, index)
    if filled is None:
        return False
    some = f"SELECT id FROM {quoted(index.table)} WHERE id > ? ORDER BY id LIMIT {_BATCH}"
    ((last,),) = await tx.read(f"SELECT max(id) FROM ({some}) AS part", (filled,))
    if last is None:
        return False
    rows = await tx.hold(_select(index) + " WHERE t.id > ? AND t.id <= ?", (filled, last), one=False)
    await put(tx, index, [(id, words_of(texts)) for id, *texts in rows])
    await tx.execute(f"UPDATE {STATE} SET filled = ? WHERE name = ?", (last, index.name))
    return True


async def _filled(tx: Tx, index: SearchIndex) -> str | None:
    """How far the index is; None where it is whole, or has become another one."""
    state = (await states(tx)).get(index.name)
    return state.filled if state is not None and state.columns == index.columns else None


async def _written_since(reads: Reads, index: SearchIndex) -> list[str]:
    sql = (
        f"SELECT DISTINCT record FROM crm_outbox, {STATE} AS s"
        " WHERE s.name = ? AND s.filled IS NOT NULL AND seq > s.since AND entity = ?"
    )
    return [id for (id,) in await reads.read(sql, (index.name, index.name.removeprefix(_PREFIX)))]


async def _look_again(tx: Tx, index: SearchIndex, ids: Sequence[str]) -> None:
    listed = tx.dialect.encode_list(ids, "uuid")
    rows = await tx.hold(f"{_select(index)} WHERE t.id {tx.dialect.one_of}", (listed,), one=False)
    await put(tx, index, [(id, words_of(texts)) for id, *texts in rows])


async def _finish(tx: Tx, index: SearchIndex) -> None:
    sql = f"UPDATE {STATE} SET filled = NULL WHERE name = ? AND columns = ?"
    await tx.execute(sql, (index.name, _listed(index)))


def _select(index: SearchIndex) -> str:
    return f"SELECT t.id, {', '.join(f't.{quoted(name)}' for name in index.columns)} FROM {quoted(index.table)} AS t"
