"""Records in their tables. The SQL of an entity is compiled once per `EntityModel` and kept with it.

Every method issues one statement per entity and batch (updates: one per set of changed fields), never one per record:
lists of ids go in as one parameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from crm_kernel.errors import Error, Fault, Told
from crm_kernel.fields.base import Kind
from crm_kernel.filters.dialect import Dialect
from crm_kernel.model import EntityModel, Field, Model
from crm_kernel.schema.sentences import translated
from crm_kernel.storage.columns import entity_columns, field_columns, is_stored, quoted, table_name
from crm_kernel.storage.decoding import Record, columns_sql, decoder
from crm_kernel.storage.encoding import Encode, bind_main, encoder
from crm_kernel.storage.ports import Database, NotUnique, Params, Reads, Tx
from crm_kernel.storage.search_index import WordsOf, put, search_index, text_column, words_of

_ANY = "*"
_MANY = 100
"""Records from which a statement of their own pays."""


class _Compiled:
    """The statements of one entity."""

    def __init__(self, model: EntityModel, dialect: Dialect) -> None:
        self.table = table = quoted(table_name(model.name))
        self._model = model
        self._dialect = dialect
        self.stored = [field for field in model.fields.values() if is_stored(field)]
        self.one_of = dialect.one_of
        self.select = f"SELECT {columns_sql(model.fields.values(), dialect)} FROM {table} AS t WHERE "
        self.decode = decoder(model.fields.values())
        self.search = search_index(model)
        self.searched = tuple(f for f in model.fields.values() if self.search and text_column(f) in self.search.columns)
        self.insert = lru_cache(256)(self._insert)
        self.update = lru_cache(256)(self._update)

    def _insert(self, empty: frozenset[str]) -> tuple[str, Encode, WordsOf | None]:
        """The INSERT of all fields but the `empty` ones, the encoder of its parameters, what finds their words."""
        columns, encode = encoder([f for f in self.stored if f.name not in empty], self._dialect)
        marks = ", ".join("?" * len(columns))
        sql = f"INSERT INTO {self.table} ({', '.join(map(quoted, columns))}) VALUES ({marks})"
        return sql, encode, self.search and self.search.words_of_rows(columns)

    def empty(self, records: Sequence[Mapping[str, Any]]) -> frozenset[str]:
        """The stored fields that no record has a value in: without them an import takes 2 % less."""
        if len(records) < _MANY:
            return frozenset()
        return frozenset(f.name for f in self.stored if all(record[f.name] is None for record in records))

    def touches(self, changed: frozenset[str]) -> bool:
        """Whether a change of these fields changes what a search finds."""
        return any(field.name in changed for field in self.searched)

    def words(self, record: Mapping[str, Any]) -> tuple[str, str]:
        """The (id, words) of a record of canonical values."""
        values = [(field, record[field.name]) for field in self.searched]
        return record["id"], words_of([f.type.to_columns(value)[-1] for f, value in values if value is not None])

    def _update(self, changed: frozenset[str]) -> tuple[str, Encode] | None:
        """The UPDATE of some fields by id, with the encoder of its parameters; None where none of them is stored."""
        fields = [f for name, f in self._model.fields.items() if name in changed and name != "id" and is_stored(f)]
        if not fields:
            return None
        columns, encode = encoder([self._model.fields["id"], *fields], self._dialect)
        setters = ", ".join(f"{quoted(name)} = ?" for name in columns[1:])
        sql = f"UPDATE {self.table} SET {setters} WHERE id = ?"

        def key_last(record: Mapping[str, Any]) -> list[Any]:
            id, *values = encode(record)
            return [*values, id]

        return sql, key_last


class RecordStore:
    """Loads and stores records; what a caller may see or do is decided above."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._kept_as = f"_statements_{type(dialect).__name__}"

    async def load(self, reads: Reads, model: EntityModel, ids: Iterable[str]) -> list[Record]:
        """The records with these ids, deleted ones too, in the order of the ids; missing ones are left out."""
        wanted = list(dict.fromkeys(ids))
        compiled = self._compiled(model)
        rows = await reads.read(f"{compiled.select}t.id {compiled.one_of}", (self._ids(wanted),))
        found = {record["id"]: record for record in map(compiled.decode, rows)}
        return [found[id] for id in wanted if id in found]

    async def load_where(
        self, reads: Reads, model: EntityModel, condition: str, params: Params = (), *, tail: str = ""
    ) -> list[Record]:
        """The records for which an SQL condition over the alias `t` holds; `tail` is ORDER BY and LIMIT."""
        compiled = self._compiled(model)
        rows = await reads.read(f"{compiled.select}{condition} {tail}", params)
        return [compiled.decode(row) for row in rows]

    async def insert(self, tx: Tx, model: EntityModel, records: Iterable[Mapping[str, Any]]) -> None:
        """Store new records (every stored field must be present). `NotUnique` comes as `Tx.executemany` says."""
        compiled = self._compiled(model)
        listed = list(records)
        sql, encode, words = compiled.insert(compiled.empty(listed))
        rows = [encode(record) for record in listed]
        await tx.executemany(sql, rows)
        if compiled.search and words:
            await put(tx, compiled.search, words(rows))

    async def update(
        self, tx: Tx, model: EntityModel, changes: Iterable[tuple[Mapping[str, Any], Iterable[str]]]
    ) -> None:
        """Store the named fields of each record, which has the version before: pairs of (record, changed fields).

        `NotUnique` as in `insert`.
        """
        listed = list(changes)
        for sql, encode, records in self._updates(model, listed):
            rows = ([*encode(record), record["version"] - 1] for record in records)
            await tx.executemany(f"{sql} AND version = ?", rows)
        await self._put_words(tx, model, listed)

    async def overwrite(
        self, tx: Tx, model: EntityModel, changes: Iterable[tuple[Mapping[str, Any], Iterable[str]]]
    ) -> None:
        """Store the named fields of records that are held, whatever their version: it stays as it is."""
        listed = list(changes)
        for sql, encode, records in self._updates(model, listed):
            await tx.executemany(sql, map(encode, records))
        await self._put_words(tx, model, listed)

    async def _put_words(
        self, tx: Tx, model: EntityModel, changes: Sequence[tuple[Mapping[str, Any], Iterable[str]]]
    ) -> None:
        """Store the words of whole records of which searched fields changed."""
        compiled = self._compiled(model)
        found = [record for record, changed in changes if compiled.touches(frozenset(changed))]
        if compiled.search and found:
            await put(tx, compiled.search, [compiled.words(record) for record in found])

    def _updates(
        self, model: EntityModel, changes: Iterable[tuple[Mapping[str, Any], Iterable[str]]]
    ) -> Iterator[tuple[str, Encode, list[Mapping[str, Any]]]]:
        compiled = self._compiled(model)
        groups: dict[frozenset[str], list[Mapping[str, Any]]] = {}
        for record, changed in changes:
            groups.setdefault(frozenset(changed), []).append(record)
        for changed, records in groups.items():
            statement = compiled.update(changed)
            if statement is not None:
                yield (*statement, records)

    async def hold(self, tx: Tx, model: EntityModel, ids: Iterable[str]) -> list[Record]:
        """The records with these ids, deleted ones too, which nobody else changes until the COMMIT."""
        compiled = self._compiled(model)
        rows = await tx.hold(f"{compiled.select}t.id {compiled.one_of}", (self._ids(ids),), one=False)
        return [compiled.decode(row) for row in rows]

    async def purge(self, tx: Tx, model: EntityModel, ids: Iterable[str]) -> int:
        """Remove records for good; how many there were."""
        compiled = self._compiled(model)
        listed = self._ids(ids)
        if compiled.search:
            await tx.execute(f"DELETE FROM {quoted(compiled.search.name)} WHERE id {compiled.one_of}", (listed,))
        return await tx.execute(f"DELETE FROM {compiled.table} WHERE id {compiled.one_of}", (listed,))

    async def existing_ids(
        self, reads: Reads, model: EntityModel, ids: Iterable[str], *, live: bool = False
    ) -> set[str]:
        """Those of `ids` that are there; deleted ones too, unless `live`."""
        compiled = self._compiled(model)
        alive = " AND deleted_at IS NULL" if live else ""
        sql = f"SELECT id FROM {compiled.table} WHERE id {compiled.one_of}{alive}"
        return {row[0] for row in await reads.read(sql, (self._ids(ids),))}

    async def taken(self, reads: Reads, model: EntityModel, field: str, values: Iterable[Any]) -> dict[Any, str]:
        """Which canonical values of a field live records have: value → id of one of them."""
        found = await self.find_by_key(reads, model, (field,), [(value,) for value in values])
        return {key[0]: id for key, id in found.items()}

    async def analyze(self, database: Database, model: EntityModel) -> None:
        """Let statements be planned for the records that there are now: to be called after many were added."""
        await database.analyze(table_name(model.name))
        search = self._compiled(model).search
        if search:
            await database.analyze(search.name)

    async def find_by_key(
        self,
        reads: Reads,
        model: EntityModel,
        on: Sequence[str],
        keys: Iterable[Sequence[Any]],
        among: Sequence[str] = (),
        params: Params = (),
    ) -> dict[tuple[Any, ...], str]:
        """The oldest live record of each key: (canonical values of the fields `on`) → id. Nulls match nothing.

        `among`: further conditions on the alias `t`, with their parameters.
        """
        fields = [model.fields[name] for name in on]
        bind = [bind_main(field, self.dialect) for field in fields]
        bound = {tuple(b(v) for b, v in zip(bind, key, strict=True)): tuple(key) for key in keys if None not in key}
        if not bound:
            return {}
        columns = [next(field_columns(field)) for field in fields]
        lists = [
            self.dialect.encode_list(dict.fromkeys(values), column.storage)
            for column, values in zip(columns, zip(*bound, strict=True), strict=True)
        ]
        names = [f"t.{quoted(column.name)}" for column in columns]
        conditions = [f"{name} {self.dialect.one_of}" for name in names]
        where = " AND ".join((*conditions, "t.deleted_at IS NULL", *among))
        sql = (
            f"SELECT t.id, {', '.join(names)} FROM {quoted(table_name(model.name))} AS t WHERE {where}"
            " ORDER BY t.created_at DESC, t.id DESC"
        )
        rows = await reads.read(sql, [*lists, *params])
        # Each list is matched by itself, so combinations that nobody asked for come too; the oldest comes last.
        return {bound[tuple(values)]: id for id, *values in rows if tuple(values) in bound}

    async def referring(
        self, reads: Reads, model: EntityModel, field: str, ids: Iterable[str], *, deleted: bool = False
    ) -> list[Record]:
        """All live records (with `deleted`: deleted ones too) of an entity whose `field` refers to one of `ids`."""
        main = quoted(next(field_columns(model.fields[field])).name)
        alive = "" if deleted else " AND t.deleted_at IS NULL"
        condition = f"t.{main} {self._compiled(model).one_of}{alive}"
        return await self.load_where(reads, model, condition, (self._ids(ids),), tail="ORDER BY t.created_at, t.id")

    async def referenced(
        self, reads: Reads, model: Model, entity: str, ids: Iterable[str]
    ) -> list[tuple[str, str, str]]:
        """Which of `ids` of an entity any record refers to, deleted ones too: (id, entity, field), in one statement."""
        branches: list[str] = []
        params: list[Any] = []
        for other in model.values():
            for field in other.fields.values():
                target = field.options.reference
                if field.type.kind is not Kind.REFERENCE or target not in (entity, _ANY):
                    continue
                columns = list(field_columns(field))
                main = quoted(columns[0].name)
                branch = f"SELECT {main}, '{other.name}', '{field.name}' FROM {quoted(table_name(other.name))}"
                branch += f" WHERE {main} {self.dialect.one_of}"
                params.append(self._ids(ids))
                if target == _ANY:
                    branch += f" AND {quoted(columns[1].name)} = ?"
                    params.append(entity)
                branches.append(branch)
        rows = await reads.read(" UNION ".join(branches), params) if branches else []
        return sorted((id, by, field) for id, by, field in rows)

    async def refer_to(
        self, reads: Reads, model: Model, entity: str, ids: Iterable[str], limit: int
    ) -> list[tuple[str, str, str, str]]:
        """Which live records refer to `ids` of an entity: (id, entity, field, record), in one statement."""
        branches: list[str] = []
        params: list[Any] = []
        for other in model.values():
            for field in other.fields.values():
                target = field.options.reference
                if field.type.kind is not Kind.REFERENCE or target not in (entity, _ANY) or field.read_only:
                    continue
                columns = list(field_columns(field))
                main = quoted(columns[0].name)
                branch = f"SELECT {main}, '{other.name}', '{field.name}', id FROM {quoted(table_name(other.name))}"
                branch += f" WHERE deleted_at IS NULL AND {main} {self.dialect.one_of}"
                params.append(self._ids(ids))
                if target == _ANY:
                    branch += f" AND {quoted(columns[1].name)} = ?"
                    params.append(entity)
                branches.append(branch)
        if not branches:
            return []
        rows = await reads.read(f"{' UNION ALL '.join(branches)} LIMIT {limit}", params)
        return sorted((str(id), by, field, str(record)) for id, by, field, record in rows)

    def _ids(self, ids: Iterable[str]) -> Any:
        return self.dialect.encode_list(ids, "uuid")

    def _compiled(self, model: EntityModel) -> _Compiled:
        kept = vars(model)  # lives and dies with the model, so that nothing has to be dropped
        compiled = kept.get(self._kept_as)
        if compiled is None:
            compiled = kept[self._kept_as] = _Compiled(model, self.dialect)
        return compiled


def taken_sentence(field: Field, locale: str) -> str:
    """That another record has the value of a unique field."""
    label = field.label_in(locale)
    return translated(label, Told("unique"), f"{label} is taken by another record.", locale)


def unique_error(models: Model, taken: NotUnique, locale: str = "en") -> Error | None:
    """The refusal that names the field of the first taken column (the write door finds it first, as a rule); None where
    it is no entity's."""
    model = next((model for name, model in models.items() if table_name(name) == taken.table), None)
    if model is None:
        return None
    column = taken.columns[0]
    field = next((found.field for found in entity_columns(model) if found.name == column), model.fields["id"])
    detail = taken_sentence(field, locale)
    return Error("unique", faults=[Fault(pointer=f"/{field.name}", code="unique", detail=detail, status=409)])
