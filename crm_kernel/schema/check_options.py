"""What is wrong with the `x-crm` of the fields that a schema defines."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from types import MappingProxyType
from typing import Any, cast

import msgspec

from crm_kernel.errors import HINTED_ROWS, Fault, missing, near, token
from crm_kernel.fields.base import Faulty, FieldType, Kind, Options, ValueContext
from crm_kernel.fields.number import MAX_DECIMALS
from crm_kernel.fields.plugin_type import PluginType
from crm_kernel.schema.draft import Draft
from crm_kernel.schema.names import NAME, RESERVED
from crm_kernel.schema.normal import property_type
from crm_kernel.schema.walk import pointer

_UNSET = (None, False)
_OF_PARTS = (Kind.LIST, Kind.OBJECT, Kind.JSON, Kind.MONEY)
_IMPLIED = MappingProxyType({"decimal": "number", "phone": "string", "reference": "string", "autonumber": "string"})
MAX_FORMULAS = 20_000
"""Characters of all formulas and rollups of a document: that many are read in 0.1 s."""


def options(draft: Draft) -> Iterator[Fault]:
    """A rule of `check.py`: unknown members, values out of range, what cannot be meant together, wrong defaults."""
    length = 0
    for name, schema in draft.properties.items():
        if isinstance(schema, dict):
            yield from _option_faults(draft, name, cast("dict[str, Any]", schema))
            length += _length(schema)
    if length > MAX_FORMULAS:
        detail = f"The formulas and rollups of a document have at most {MAX_FORMULAS:,} characters together."
        hint = "Compute what they have in common in a field of its own."
        yield Fault(pointer="/properties", code="limit", detail=detail, hint=hint)


def _length(schema: dict[str, Any]) -> int:
    crm: Any = schema.get("x-crm")
    found = [crm.get("formula"), crm.get("rollup")] if isinstance(crm, dict) else []
    return sum(len(str(one)) for one in found if one is not None)


def _option_faults(draft: Draft, name: str, schema: dict[str, Any]) -> Iterator[Fault]:
    where = pointer(("properties", name, "x-crm"))
    try:
        options, field_type = property_type(schema, draft.links, draft.types)
    except msgspec.ValidationError as error:
        yield Fault(pointer=where, code="type", detail=f"x-crm: {error}")
        return
    except ValueError as error:
        yield Fault(pointer=where, code="format", detail=f"x-crm: {error}")
        return
    yield from (fault.at(prefix=where) for fault in _option_problems(draft, options))
    yield from (fault.at(prefix=where) for fault in _mismatches(schema, options, field_type))
    if "default" in schema:
        yield from _default_faults(name, schema["default"], field_type)


def _option_problems(draft: Draft, options: Options) -> Iterator[Fault]:
    if options.decimal is not None and not 0 <= options.decimal <= MAX_DECIMALS:
        yield Fault(pointer="/decimal", code="maximum", detail=f"Between 0 and {MAX_DECIMALS} decimals.")
    known = [candidate.name for candidate in draft.types if issubclass(candidate, PluginType)]
    if options.type is not None and draft.all_types and options.type not in known:
        detail = f"There is no field type {options.type[:60]!r}:{near(options.type, known) or ' plugins bring them.'}"
        yield Fault(pointer="/type", code="enum", detail=detail)
    target = options.reference
    if target not in (None, "*") and draft.entities is not None and target not in draft.entities:
        yield missing("entity", target, draft.entities, "/reference", "reference")
    if options.reverse is not None and (not NAME.fullmatch(options.reverse) or options.reverse in RESERVED):
        yield Fault(pointer="/reverse", code="pattern", detail=f"{options.reverse!r} cannot be a reverse name.")
    yield from _computed_problems(options)
    meanings = ("reference", "money", "decimal", "phone", "autonumber", "type")
    asked = [n for n in meanings if getattr(options, n) not in _UNSET]
    if len(asked) > 1:
        yield Fault(pointer="", code="oneOf", detail=f"Only one of {', '.join(asked)} can be meant.")


def _mismatches(schema: dict[str, Any], options: Options, field_type: FieldType) -> Iterator[Fault]:
    """Options that do not go with the values of the field."""
    if options.unique and field_type.kind in _OF_PARTS:
        detail = f"A value of type {field_type.name} has parts, so it cannot be unique."
        yield Fault(pointer="/unique", code="type", detail=detail, hint="Make a text or number of it unique.")
    for option, implied in _IMPLIED.items():
        if getattr(options, option) not in _UNSET and schema.get("type", implied) != implied:
            detail = f"{option} means the type {implied!r}, got {str(schema['type'])[:60]!r}; leave the type out."
            yield Fault(pointer=f"/{option}", code="type", detail=detail)
    known = getattr(field_type, "choices", ())
    for choice in islice((c for c in options.choices or {} if known and c not in known), HINTED_ROWS):
        detail = f"{choice[:60]!r} is none of the choices:{near(choice, known)}"
        yield Fault(pointer=f"/choices{token(choice)}", code="enum", detail=detail)


def _computed_problems(options: Options) -> Iterator[Fault]:
    """What formulas and rollups cannot be beside, and what a measure needs."""
    asked = [n for n in ("formula", "rollup", "reference", "autonumber") if getattr(options, n) is not None]
    computed = options.formula is not None or options.rollup is not None
    if computed and len(asked) > 1:
        yield Fault(pointer="", code="oneOf", detail=f"Only one of {', '.join(asked)} can be meant.")
    if computed and options.unique:
        hint = "Let the fields that it is computed from be unique, or refuse the write in a hook."
        yield Fault(pointer="/unique", code="oneOf", detail="What is computed cannot be unique.", hint=hint)
    if options.rollup is None:
        return
    measure, counted = options.rollup.measure, options.rollup.field is not None
    if measure == "count" and counted:
        detail = "A count has no field: it counts records."
        yield Fault(pointer="/rollup/field", code="oneOf", detail=detail, hint="Count those with `where`.")
    if measure != "count" and not counted:
        detail = f"The measure {measure!r} needs a field."
        yield Fault(pointer="/rollup/field", code="required", detail=detail, hint='For example "field": "amount".')


def _default_faults(name: str, default: Any, field_type: FieldType) -> Iterator[Fault]:
    try:
        if default is not None:
            field_type.canonical(default, ValueContext())
    except Faulty as faulty:
        where = pointer(("properties", name, "default"))
        yield from (fault.at(prefix=where) for fault in faulty.faults)
