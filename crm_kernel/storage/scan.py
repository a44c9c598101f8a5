"""Reads over all records of an entity, page by page, for plans and background work."""

from __future__ import annotations

from collections.abc import AsyncIterator

from crm_kernel.model import EntityModel, Field
from crm_kernel.storage.columns import quoted, table_name
from crm_kernel.storage.indexes import entity_indexes
from crm_kernel.storage.introspect import introspect
from crm_kernel.storage.ports import Reads
from crm_kernel.storage.records import Record, RecordStore

PAGE = 1000


async def live_records(reads: Reads, records: RecordStore, model: EntityModel) -> AsyncIterator[Record]:
    """All live records of an entity that is stored already, in the order of their ids."""
    if not await is_stored(reads, model.name):
        return
    last = ""
    while True:
        page = await records.load_where(
            reads, model, "t.deleted_at IS NULL AND t.id > ?", (last, PAGE), tail="ORDER BY t.id LIMIT ?"
        )
        for record in page:
            yield record
        if len(page) < PAGE:
            return
        last = page[-1]["id"]


async def stage_counts(reads: Reads, model: EntityModel) -> list[tuple[str | None, str | None, int]]:
    """(pipeline, stage, records) of all records of an entity, deleted ones too; nulls where it has no pipeline yet."""
    columns = (await introspect(reads)).tables.get(table_name(model.name))
    if columns is None:
        return []
    table = quoted(table_name(model.name))
    if "pipeline" not in columns:
        total = (await reads.read(f"SELECT count(*) FROM {table}"))[0][0]
        return [(None, None, total)] if total else []
    sql = f"SELECT pipeline, stage, count(*) FROM {table} GROUP BY pipeline, stage ORDER BY pipeline, stage"
    return [(pipeline, stage, total) for pipeline, stage, total in await reads.read(sql)]


async def ids_in_stage(reads: Reads, model: EntityModel, pipeline: str | None, stage: str | None) -> list[str]:
    """The ids of all records in a stage of a pipeline (None: in none), deleted ones too."""
    asked = {"pipeline": pipeline, "stage": stage}
    condition = " AND ".join(f"{name} IS NULL" if value is None else f"{name} = ?" for name, value in asked.items())
    params = [value for value in asked.values() if value is not None]
    rows = await reads.read(f"SELECT id FROM {quoted(table_name(model.name))} WHERE {condition} ORDER BY id", params)
    return [row[0] for row in rows]


async def count_all(reads: Reads, model: EntityModel) -> int:
    """How many records an entity has, deleted ones too."""
    if not await is_stored(reads, model.name):
        return 0
    return (await reads.read(f"SELECT count(*) FROM {quoted(table_name(model.name))}"))[0][0]


async def last_id(reads: Reads, model: EntityModel) -> str:
    """The greatest id of an entity, "" where it has no record."""
    return (await reads.read(f"SELECT coalesce(max(id), '') FROM {quoted(table_name(model.name))}"))[0][0]


async def ids_after(reads: Reads, model: EntityModel, id: str, last: str, limit: int) -> list[str]:
    """The next ids behind one, up to `last`, deleted records' too."""
    sql = f"SELECT id FROM {quoted(table_name(model.name))} WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
    return [row[0] for row in await reads.read(sql, (id, last, limit))]


async def shared_values(reads: Reads, model: EntityModel, field: Field) -> int:
    """How many values of a field stand in several live records, where no unique index holds that yet."""
    table = table_name(model.name)
    catalog = await introspect(reads)
    index = next(i for i in entity_indexes(model) if i.unique and i.columns[0].partition("__")[0] == field.name)
    if index.name in catalog.indexes.get(table, ()) or not set(index.columns) <= catalog.tables.get(table, {}).keys():
        return 0
    columns = ", ".join(map(quoted, index.columns))
    given = " AND ".join(f"{quoted(column)} IS NOT NULL" for column in index.columns)
    groups = (
        f"SELECT 1 FROM {quoted(table)} WHERE deleted_at IS NULL AND {given} GROUP BY {columns} HAVING count(*) > 1"
    )
    return int((await reads.read(f"SELECT count(*) FROM ({groups}) AS shared"))[0][0])


async def is_stored(reads: Reads, entity: str) -> bool:
    """Whether the entity has its table."""
    return table_name(entity) in (await introspect(reads)).tables
