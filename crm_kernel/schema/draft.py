"""A schema under test: what the rules of `check.py` are given, and what keeps them from looking at all."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, NamedTuple, cast

import msgspec

from crm_kernel.errors import Fault
from crm_kernel.fields.base import FieldType
from crm_kernel.model import Source
from crm_kernel.schema.names import PIPELINE_FIELDS, SYSTEM_FIELDS
from crm_kernel.schema.walk import Sub, is_json

MAX_FIELDS = 500
MAX_DEPTH = 16
MAX_BYTES = 256 * 1024
MAX_NESTING = 64
"""How deep the JSON of a document may be nested at all, values of `const`, `default` ... included."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


class Draft(NamedTuple):
    """A schema under test. `known` are the names that are there already, and whose they are."""

    schema: dict[str, Any]
    known: Mapping[str, Source]
    same: Mapping[str, FieldType]
    entities: Container[str] | None
    types: Sequence[type[FieldType]]
    subs: Sequence[Sub]

    @property
    def properties(self) -> dict[str, Any]:
        """The fields it defines."""
        found = self.schema.get("properties")
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}

    @property
    def names(self) -> set[str]:
        """All fields that its rules may speak of."""
        return {*self.known, *self.properties, *SYSTEM_FIELDS, *PIPELINE_FIELDS}


def unreadable(schema: Any) -> list[Fault]:
    """What keeps the other rules from looking at all."""
    if not isinstance(schema, dict):
        return [Fault(pointer="", code="type", detail="A schema is an object.")]
    if _nesting(schema) > MAX_NESTING:
        return [Fault(pointer="", code="limit", detail=f"The schema is nested more than {MAX_NESTING} levels deep.")]
    if not is_json(schema):  # a plugin's dict may hold anything
        return [Fault(pointer="", code="type", detail="The schema holds what JSON does not have.")]
    try:
        size = len(_encode(schema))
    except UnicodeEncodeError:
        return [Fault(pointer="", code="format", detail="A text of the schema has half of a surrogate pair.")]
    if size > MAX_BYTES:
        return [Fault(pointer="", code="limit", detail=f"The schema has more than {MAX_BYTES // 1024} KiB.")]
    return []


def _nesting(value: Any) -> int:
    """How deep a JSON value is nested, counted no further than needed."""
    level = [value]
    depth = 0
    while level and depth <= MAX_NESTING:
        depth += 1
        parts: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                parts += cast("dict[str, Any]", item).values()
            elif isinstance(item, list):
                parts += cast("list[Any]", item)
        level = parts
    return depth
