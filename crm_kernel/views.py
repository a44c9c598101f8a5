"""What is wrong with a saved list, judged against the entities that are declared (floor 4)."""

from __future__ import annotations

from crm_kernel.documents import View
from crm_kernel.errors import Error, Fault, near
from crm_kernel.fields.base import ValueContext
from crm_kernel.filters.resolver import resolve
from crm_kernel.model import Model


def view_faults(view: View, entities: Model, *, context: ValueContext) -> list[Fault]:
    """What of a view does not resolve: entity, filter, columns, sort."""
    if view.entity not in entities:
        detail = f"There is no entity {view.entity!r}:{near(view.entity, entities)}"
        return [Fault(pointer="/entity", code="not_found", detail=detail)]
    faults: list[Fault] = []
    if view.filter is not None:
        try:
            resolve(view.filter, view.entity, entities, context=context)
        except Error as error:
            faults.append(Fault(pointer="/filter", code=error.code, detail=error.detail))
    sort = [view.sort] if isinstance(view.sort, str) else list(view.sort)
    keys = [key.strip().removeprefix("-") for text in sort for key in text.split(",") if key.strip()]
    places = [*((f"/columns/{i}", n) for i, n in enumerate(view.columns)), *(("/sort", n) for n in keys)]
    fields = entities[view.entity].fields
    return faults + [
        Fault(pointer=at, code="unknown_field", detail=f"unknown field {name!r}:{near(name, fields)}")
        for at, name in places
        if name.partition(".")[0] not in fields
    ]
