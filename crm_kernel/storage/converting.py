"""Values of a field that changes its type: read from the columns that are kept of it, stored in the new ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from crm_kernel.model import EntityModel, Field
from crm_kernel.storage.columns import field_columns, quoted, table_name
from crm_kernel.storage.ddl import DdlPlan
from crm_kernel.storage.decoding import decoder
from crm_kernel.storage.encoding import encoder
from crm_kernel.storage.ports import Reads, Tx

PAGE = 1000


async def retired_values(
    reads: Reads, model: EntityModel, old: Field, ddl: DdlPlan
) -> AsyncIterator[list[tuple[str, Any]]]:
    """(id, value) of all records, deleted ones too, that have a value in the columns that the plan has retired."""
    steps = [step for step in ddl.steps if step.entity == model.name and step.change == "rename_column"]
    retired = {step.source: step.name for step in steps}
    columns = [column for column in field_columns(old) if not column.folded]
    selected = ", ".join(reads.dialect.select(f"t.{quoted(retired[c.name])}", c.storage) for c in columns)
    decode = decoder([old])
    sql = f"SELECT {selected}, t.id FROM {quoted(table_name(model.name))} AS t WHERE t.id > ?"
    sql += f" AND t.{quoted(retired[columns[0].name])} IS NOT NULL ORDER BY t.id LIMIT ?"
    last = ""
    while True:
        rows = await reads.read(sql, (last, PAGE))
        if rows:
            yield [(row[-1], decode(row)[old.name]) for row in rows]
        if len(rows) < PAGE:
            return
        last = rows[-1][-1]


async def store_values(tx: Tx, model: EntityModel, field: Field, values: Sequence[tuple[str, Any]]) -> None:
    """Store canonical values of one field by the ids of their records; versions and history stay as they are."""
    columns, encode = encoder([model.fields["id"], field], tx.dialect)
    names = [name for name in columns if name != "id"]
    setters = ", ".join(f"{quoted(name)} = ?" for name in names)
    rows = [dict(zip(columns, encode({"id": id, field.name: value}), strict=True)) for id, value in values]
    sql = f"UPDATE {quoted(table_name(model.name))} SET {setters} WHERE id = ?"
    await tx.executemany(sql, [[*(row[name] for name in names), row["id"]] for row in rows])
