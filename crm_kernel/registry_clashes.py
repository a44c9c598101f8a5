"""Names that a document has from a plugin, or a plugin from a document (floor 5).

Plugin against a stored document: the plugin gets the field; the document's is set aside with its data, unless it says
that the plugin may have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from crm_kernel.errors import Fault
from crm_kernel.fields.base import FieldType
from crm_kernel.model import Source
from crm_kernel.registry import Declaration
from crm_kernel.schema.normal import property_type

_HINT = 'Rename it with "x-crm": {"was": …}, or leave it to the plugin with "x-crm": {"adopt": true}.'


class Clash(NamedTuple):
    """Fields of a document that a plugin has: those it adopts with their data, and those that are set aside."""

    adopted: list[str]
    aside: list[str]
    faults: list[Fault]


def clashes(
    declaration: Declaration,
    taken: Mapping[str, Source],
    declared: Iterable[Declaration],
    types: Sequence[type[FieldType]],
) -> Clash:
    """What becomes of the `taken` fields (name → who has it) of a stored `fields` document."""
    found = Clash([], [], [])
    entity, declarations = declaration.body["entity"], list(declared)
    for name, owner in taken.items():
        adopts, own = _type_in(declaration.body, name, types)
        theirs = next((_type_in(d.body, name, types)[1] for d in declarations if _defines(d, entity, name)), "")
        if adopts and own == theirs:
            found.adopted.append(name)
            continue
        found.aside.append(name)
        detail = f"{name!r} is a field of {owner}; this one is set aside with its data."
        if adopts:
            detail += f" It is {own}, not {theirs}, so the plugin cannot adopt it."
        found.faults.append(Fault(pointer=f"/schema/properties/{name}", code="redefined", detail=detail, hint=_HINT))
    return found


def override_faults(declaration: Declaration, first: Declaration) -> list[Fault]:
    """What is wrong with a document that has the kind and name of an earlier one."""
    if declaration.body.get("overrides") == first.source.name and first.source.kind != "document":
        return []
    detail = f'The {declaration.kind} {declaration.name!r} is declared by {first.source}; "overrides" must name it.'
    return [Fault(pointer="/overrides", code="unique", detail=detail)]


def own_names(declaration: Declaration) -> dict[str, Source]:
    """The fields that a document defines, and who it is."""
    properties: Mapping[str, Any] = declaration.body["schema"].get("properties", {})
    return dict.fromkeys(properties, declaration.source)


def _defines(declaration: Declaration, entity: str, name: str) -> bool:
    """Whether it is a plugin's declaration of a field."""
    if declaration.source.kind == "document" or declaration.kind not in ("fields", "entity"):
        return False
    of = declaration.body["entity"] if declaration.kind == "fields" else declaration.name
    return of == entity and name in own_names(declaration)


def _type_in(body: Mapping[str, Any], name: str, types: Sequence[type[FieldType]]) -> tuple[bool, str]:
    """Whether a document leaves a field of its own to a plugin, and the name of the field's type."""
    try:
        options, field_type = property_type(body["schema"]["properties"][name], body["schema"], types)
    except (msgspec.ValidationError, ValueError):
        return False, "faulty"
    return options.adopt, field_type.name
