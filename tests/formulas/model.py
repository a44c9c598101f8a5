"""One entity with a formula, without a database."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from crm_kernel.errors import Fault
from crm_kernel.fields.base import ValueContext
from crm_kernel.formulas.computed import Problem, resolve_computed
from crm_kernel.model import Source
from crm_kernel.schema.build import build_entity, with_reverses

CONTEXT = ValueContext(region="LV", currency="EUR", timezone="Europe/Riga")
PROPERTIES: Mapping[str, Any] = {
    "n": {"type": "integer"},
    "m": {"type": "integer"},
    "x": {"type": "number"},
    "d": {"type": "number", "x-crm": {"decimal": 4}},
    "price": {"x-crm": {"money": True}},
    "fee": {"x-crm": {"money": True}},
    "word": {"type": "string"},
    "pick": {"enum": ["small", "large"]},
    "on": {"type": "boolean"},
    "day": {"type": "string", "format": "date"},
    "end": {"type": "string", "format": "date"},
    "at": {"type": "string", "format": "date-time"},
    "till": {"type": "string", "format": "date-time"},
    "tags": {"type": "array", "items": {"type": "string"}},
    "place": {"type": "object", "properties": {"size": {"type": "number"}, "city": {"type": "string"}}},
    "link": {"type": "string", "x-crm": {"reference": "thing"}},
}
TYPES: Mapping[str, dict[str, Any]] = {
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "decimal": {"type": "number", "x-crm": {"decimal": 2}},
    "money": {"x-crm": {"money": True}},
    "text": {"type": "string"},
    "choice": {"enum": ["small", "large"]},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "moment": {"type": "string", "format": "date-time"},
    "list": {"type": "array"},
}


def eur(amount: str, currency: str = "EUR") -> dict[str, Any]:
    """Canonical money."""
    return {"amount": Decimal(amount), "currency": currency}


def resolved(fields: Mapping[str, Mapping[str, Any]]) -> Any:
    """The entity `thing` with further fields: what is computed of it, and what is wrong."""
    declaration = {"name": "thing", "schema": {"properties": {**PROPERTIES, **fields}}}
    return resolve_computed(
        with_reverses({"thing": build_entity(declaration, source=Source("document", "t"))}), CONTEXT
    )


def formula(text: str, type: str) -> dict[str, Any]:
    """The schema of a field that is computed by a formula."""
    schema = TYPES[type]
    return {**schema, "x-crm": {**schema.get("x-crm", {}), "formula": text}}


def computed(text: str, type: str, record: Mapping[str, Any]) -> Any:
    """The value of one formula for a record of canonical values."""
    found = resolved({"f": formula(text, type)})
    assert found.problems == []
    image = {**dict.fromkeys(found.model["thing"].fields), **record}
    found.computed["thing"].fill(image)
    return image["f"]


def problem(fields: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Fault]]:
    """(field, fault) of each field that is wrong."""
    problems: list[Problem] = resolved(fields).problems
    return [(one.field, one.fault) for one in problems]
