"""Defaults that their own field would refuse: each record that is created without a value would be (floor 7)."""

from __future__ import annotations

from collections.abc import Sequence

from crm_kernel.errors import Fault
from crm_kernel.operations.impact import Changed, defaults_of, entity_of, parts_of
from crm_kernel.registry import Registry
from crm_kernel.schema.validate import SchemaValidator

_OF_FIELDS = frozenset({"properties", "$defs", "definitions", "$id"})


def default_faults(after: Registry, changes: Sequence[Changed]) -> list[tuple[str, str, Fault]]:
    """(kind, name, fault at the default) of documents that are put."""
    found: list[tuple[str, str, Fault]] = []
    for kind, name, body in changes:
        model = after.entities.get(entity_of((kind, name, body)) or "")
        part = None if model is None else parts_of(after, model).get((kind, name))
        if model is None or part is None:
            continue
        rules = SchemaValidator(model.fields, [{key: value for key, value in part.items() if key in _OF_FIELDS}])
        for fault in rules(defaults_of(body, model, after.value_context)):
            _, field, *below = fault.pointer.split("/")
            pointer = "/".join(("/schema/properties", field, "default", *below))
            found.append((kind, name, Fault(pointer=pointer, code=fault.code, detail=f"The default: {fault.detail}")))
    return found
