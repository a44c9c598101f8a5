"""Which of some values would fit their fields: for readers of messages whose details are often faulty (floor 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from crm_kernel.errors import Error, Fault
from crm_kernel.fields.base import Faulty
from crm_kernel.registry import Registry


class Fitting(NamedTuple):
    """`values`, canonical, are those that fit; `faults` say of each other value why it does not."""

    values: dict[str, Any]
    faults: list[Fault]


def fit(registry: Registry, entity: str, values: Mapping[str, Any]) -> Fitting:
    """Judge values one by one, by their fields' types and by the record's schema; texts are read like cells of a CSV.

    For readers of messages from outside, where a record must not be lost over a misspelt address: they keep what fits
    and put the rest where people see it. Rules over several fields, references and uniqueness are not looked at: the
    write door says those. Raises `Error("not_found")` for an unknown entity.
    """
    model, context = registry.entities.get(entity), registry.value_context
    if model is None:
        raise Error("not_found", f"There is no entity {entity!r}.")
    fitting: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in values.items():
        field = model.fields.get(name)
        if field is None or field.read_only:
            why = "is computed" if field else "is no field"
            faults.append(Fault(pointer=f"/{name}", code="read_only" if field else "unknown_field", detail=why))
            continue
        try:
            sent = field.type.parse(value, context) if isinstance(value, str) else value
            canonical = None if sent is None else field.type.canonical(sent, context)
        except Faulty as faulty:
            faults += [fault.at(prefix=f"/{name}") for fault in faulty.faults]
            continue
        if canonical is not None:
            fitting[name] = canonical
    for fault in model.validate(fitting):
        name = fault.pointer.split("/")[1] if fault.pointer else ""
        if name in fitting or any(f.pointer == f"/{name}" for f in faults):
            faults.append(fault)
    refused = {fault.pointer.split("/")[1] for fault in faults}
    return Fitting({name: value for name, value in fitting.items() if name not in refused}, faults)
