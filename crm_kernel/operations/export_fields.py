"""Which fields a list shows where its request names none, and an export where it does not (floor 7)."""

from __future__ import annotations

from crm_kernel.access import Access
from crm_kernel.model import EntityModel
from crm_kernel.operations.list_query import ListQuery


def shown_fields(access: Access, model: EntityModel, query: ListQuery) -> tuple[str, ...] | None:
    """The fields a request asks for, None for all. From an export sensitive ones are left out: they leave by name."""
    return exported(access, model) if query.export and query.fields is None else query.fields


def exported(access: Access, model: EntityModel) -> tuple[str, ...]:
    """The fields of an export that names none."""
    readable = access.readable(model.name)
    return tuple(name for name, f in model.fields.items() if name in readable and not f.options.sensitive)
