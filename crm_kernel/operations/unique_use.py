"""Stored values that stand against a field becoming unique: told by the plan, before the index would fail (floor 7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from crm_kernel.errors import Fault
from crm_kernel.registry import Registry
from crm_kernel.storage import scan
from crm_kernel.storage.ports import Reads


async def unique_faults(
    reads: Reads, registry: Registry, changes: Iterable[tuple[str, str, Mapping[str, Any] | None]]
) -> list[tuple[str, str, Fault]]:
    """(kind, name, fault) for each field that a proposed document makes unique although records share a value."""
    found: list[tuple[str, str, Fault]] = []
    for kind, document, body in changes:
        if kind not in ("entity", "fields") or body is None or (kind, document) not in registry.declarations:
            continue
        model = registry.entities[str(body.get("entity", document))]
        for field in model.unique_fields:
            if field.name in body["schema"].get("properties", {}):
                shared = await scan.shared_values(reads, model, field)
                if shared:
                    found.append((kind, document, _fault(model.name, field.name, shared)))
    return found


def _fault(entity: str, name: str, shared: int) -> Fault:
    return Fault(
        pointer=f"/schema/properties/{name}/x-crm/unique",
        code="unique",
        detail=f"Stored {entity} records share {shared} value{'s' if shared > 1 else ''} of {name!r}.",
        hint="Give these records different values, or none, first.",
    )
