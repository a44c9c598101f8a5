"""Reads over all records of an entity, page by page, for plans and background work."""

from __future__ import annotations

from collections.abc import AsyncIterator

from crm_kernel.model import EntityModel
from crm_kernel.storage.columns import quoted, table_name
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
    if not await is_stored(reads, model.name):
        return []
    table = quoted(table_name(model.name))
    if not model.pipelines:
        total = (await reads.read(f"SELECT count(*) FROM {table}"))[0][0]
        return [(None, None, total)] if total else []
    sql = f"SELECT pipeline, stage, count(*) FROM {table} GROUP BY pipeline, stage"
    return [(pipeline, stage, total) for pipeline, stage, total in await reads.read(sql)]


async def ids_in_stage(reads: Reads, model: EntityModel, stage: str | None) -> list[str]:
    """The ids of all records in a stage (None: without one), deleted ones too."""
    table = quoted(table_name(model.name))
    condition = "stage IS NULL" if stage is None else "stage = ?"
    rows = await reads.read(f"SELECT id FROM {table} WHERE {condition}", () if stage is None else (stage,))
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


async def is_stored(reads: Reads, entity: str) -> bool:
    """Whether the entity has its table."""
    return table_name(entity) in (await introspect(reads)).tables
