"""Fields that come back to data that was kept of them: it must be data of the same type (floor 7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec

from crm_kernel.errors import Fault
from crm_kernel.fields.base import FieldType
from crm_kernel.model import Field
from crm_kernel.operations.conversions import differ
from crm_kernel.registry import Registry
from crm_kernel.schema.build import build_fields
from crm_kernel.storage.columns import field_columns
from crm_kernel.storage.ddl import DdlPlan
from crm_kernel.storage.ports import Reads
from crm_kernel.storage.purging import declared_once


async def returning_faults(reads: Reads, before: Registry, after: Registry, ddl: DdlPlan) -> list[Fault]:
    """A fault `/entity/field` for each field whose kept data was of another type."""
    returning = [
        (entity, field)
        for entity, model in after.entities.items()
        for name, field in model.fields.items()
        if field.source.kind == "document" and not _in_force(before, entity, name) and _has_data(ddl, entity, field)
    ]
    if not returning:
        return []
    once = await declared_once(reads)
    faults: list[Fault] = []
    for entity, field in returning:
        schema = once.get(entity, {}).get(field.name)
        old = None if schema is None else _field(schema, field, after.types)
        if old is not None and differ(old, field):
            detail = f"{field.name!r} was {old.type.name} when it was removed, and its data is kept."
            hint = "`crm purge` removes what is kept; or take another name."
            faults.append(Fault(pointer=f"/{entity}/{field.name}", code="type", detail=detail, hint=hint))
    return faults


def _in_force(registry: Registry, entity: str, name: str) -> bool:
    return entity in registry.entities and name in registry.entities[entity].fields


def _has_data(ddl: DdlPlan, entity: str, field: Field) -> bool:
    """Whether the table has the field's column without any step of the plan."""
    columns = list(field_columns(field))
    mine = [step for step in ddl.steps if step.entity == entity]
    made = any(step.change == "create_table" for step in mine)
    changed = {step.name for step in mine if step.change in ("add_column", "rename_column")}
    return bool(columns) and not made and columns[0].name not in changed


def _field(schema: object, field: Field, types: Sequence[type[FieldType]]) -> Field | None:
    """The field as it was declared last."""
    try:
        return build_fields(cast("dict[str, object]", schema), field.source, types).get(field.name)
    except (msgspec.ValidationError, ValueError):
        return None
