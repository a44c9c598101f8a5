"""What the tables keep of fields and entities that documents do not declare any more, and its removal for good."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from crm_kernel.model import Model
from crm_kernel.storage import search_index, shares
from crm_kernel.storage.columns import entity_columns, quoted, table_name
from crm_kernel.storage.ddl import ASIDE, is_retired
from crm_kernel.storage.introspect import indexed_columns, introspect
from crm_kernel.storage.jsontext import from_json
from crm_kernel.storage.ports import Reads, Tx

Fields = Mapping[str, Mapping[str, dict[str, Any]]]
"""Entity → field → the schema of the document that declared it last."""


class Kept(NamedTuple):
    """Columns of one field, or a whole table (no field), that nothing declares; `records` that have a value in it."""

    entity: str
    field: str | None
    columns: tuple[str, ...]
    records: int


async def declared_once(reads: Reads, *, waiting: Collection[str] = ()) -> dict[str, dict[str, dict[str, Any]]]:
    """All fields that stored documents ever declared, also those that are gone.

    But not what only stood for one of the plugins in `waiting`: that is theirs.
    """
    sql = "SELECT kind, name, body FROM crm_document_version WHERE kind IN ('entity', 'fields') ORDER BY seq"
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for kind, name, text in await reads.read(sql):
        body: Any = from_json(text)
        if body is None or body.get("overrides") in waiting:
            continue
        entity = str(name if kind == "entity" else body.get("entity"))
        fields = found.setdefault(entity, {})
        fields.update(dict.fromkeys(body.get("schema", {}).get("properties", {}), body["schema"]))
    return found


async def entities_once(reads: Reads, *, waiting: Collection[str] = ()) -> set[str]:
    """All entities that stored documents ever declared; `waiting` as above."""
    rows = await reads.read("SELECT name, body FROM crm_document_version WHERE kind = 'entity'")
    found: list[tuple[str, Any]] = [(name, from_json(text)) for name, text in rows]
    return {name for name, body in found if body is not None and body.get("overrides") not in waiting}


async def kept(reads: Reads, model: Model, once: Fields, tables: Collection[str], wanted: Fields) -> list[Kept]:
    """What could be purged. `tables`: entities that documents once declared; `wanted`: what stored documents declare
    now, be they in force or not: of that only the values of a former type are purged."""
    catalog = await introspect(reads)
    found: list[Kept] = []
    for entity in sorted(tables):
        table = table_name(entity)
        if table in catalog.tables and entity not in model and entity not in wanted:
            count = (await reads.read(f"SELECT count(*) FROM {quoted(table)}"))[0][0]
            found.append(Kept(entity, None, (), count))
    for entity in model.values():
        there = catalog.tables.get(table_name(entity.name), {})
        declared = {column.name for column in entity_columns(entity)}
        by_field: dict[str, list[str]] = {}
        for column in there:
            field = column.partition("__")[0]
            is_wanted = field in wanted.get(entity.name, {}) and (not is_retired(column) or column.endswith(ASIDE))
            if column not in declared and field in once.get(entity.name, {}) and not is_wanted:
                by_field.setdefault(field, []).append(column)
        found += [await _kept(reads, entity.name, field, columns) for field, columns in sorted(by_field.items())]
    return found


async def _kept(reads: Reads, entity: str, field: str, columns: list[str]) -> Kept:
    given = " OR ".join(f"{quoted(column)} IS NOT NULL" for column in columns)
    sql = f"SELECT count(*) FROM {quoted(table_name(entity))} WHERE {given}"
    return Kept(entity, field, tuple(columns), (await reads.read(sql))[0][0])


async def purge(tx: Tx, found: Collection[Kept]) -> None:
    """Remove it. Of a table go the shares of its records and the values in their history too; that they were stays."""
    indexed = await indexed_columns(tx)
    searches = (await introspect(tx)).searches
    for item in found:
        table = table_name(item.entity)
        if item.field is None:
            await shares.remove_of_entity(tx, item.entity)
            await tx.execute("UPDATE crm_history SET changes = NULL, salt = NULL WHERE entity = ?", (item.entity,))
            await tx.execute(f"DROP TABLE {quoted(table)}")
            if (words := search_index.name_of(item.entity)) in searches:
                await search_index.drop(tx, words)
            continue
        for index, columns in indexed.get(table, {}).items():
            if columns & set(item.columns):
                await tx.execute(f"DROP INDEX IF EXISTS {quoted(index)}")
        for column in item.columns:
            await tx.execute(f"ALTER TABLE {quoted(table)} DROP COLUMN {quoted(column)}")
