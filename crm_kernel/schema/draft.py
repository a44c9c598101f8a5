"""A schema under test: what the rules of `check.py` are given, and what keeps them from looking at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, cast

import msgspec

from crm_kernel.errors import Fault
from crm_kernel.fields import BUILTIN_TYPES
from crm_kernel.fields.base import FieldType
from crm_kernel.model import Source
from crm_kernel.schema.names import PIPELINE_FIELDS, SYSTEM_FIELDS
from crm_kernel.schema.walk import Links, Sub, is_json, subschemas
from crm_kernel.source_json import depth

MAX_FIELDS = 500
MAX_DEPTH = 16
MAX_KEYWORDS = 8000
"""Schemas and their keywords together: 500 fields of fifteen keywords each."""
MAX_BYTES = 256 * 1024
MAX_NESTING = 64
"""How deep the JSON of a document may be nested at all, values of `const`, `default` ... included."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


class Draft(NamedTuple):
    """A schema under test. `known` are the names that are there already, and whose they are."""

    schema: dict[str, Any]
    known: Mapping[str, Source]
    same: Mapping[str, FieldType]
    entities: Collection[str] | None
    types: Sequence[type[FieldType]]
    subs: Sequence[Sub]
    links: Links
    all_types: bool
    """Whether `types` are all there are."""

    @property
    def properties(self) -> dict[str, Any]:
        """The fields it defines."""
        found = self.schema.get("properties")
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}

    @property
    def names(self) -> set[str]:
        """All fields that its rules may speak of."""
        return {*self.known, *self.properties, *SYSTEM_FIELDS, *PIPELINE_FIELDS}


def draft_of(
    schema: dict[str, Any],
    known: Mapping[str, Source] | None = None,
    same: Mapping[str, FieldType] | None = None,
    entities: Collection[str] | None = None,
    types: Sequence[type[FieldType]] | None = None,
) -> Draft:
    """A readable schema with all schemas within it, or as many of them as show that they are too many."""
    links = Links(schema)
    subs: list[Sub] = []
    keywords = 0
    for sub in subschemas(schema, MAX_DEPTH, links):
        subs.append(sub)
        keywords += 1 + len(sub.schema)
        if keywords > MAX_KEYWORDS:
            break
    return Draft(schema, known or {}, same or {}, entities, types or BUILTIN_TYPES, subs, links, types is not None)


def unreadable(schema: Any) -> list[Fault]:
    """What keeps the other rules from looking at all."""
    if not isinstance(schema, dict):
        return [Fault(pointer="", code="type", detail="A schema is an object.")]
    if depth(schema) > MAX_NESTING:
        return [Fault(pointer="", code="limit", detail=f"The schema is nested more than {MAX_NESTING} levels deep.")]
    try:
        text = _encode(schema)
    except UnicodeEncodeError:
        return [Fault(pointer="", code="format", detail="A text of the schema has half of a surrogate pair.")]
    except (TypeError, ValueError):
        text = b""
    if len(text) > MAX_BYTES:
        return [Fault(pointer="", code="limit", detail=f"The schema has more than {MAX_BYTES // 1024} KiB.")]
    if text.count(b"{") > 2 * MAX_KEYWORDS:
        return [too_many_keywords()]
    if not is_json(schema):  # a plugin's dict may hold anything
        return [Fault(pointer="", code="type", detail="The schema holds what JSON does not have.")]
    return []


def too_many_keywords() -> Fault:
    """What is said of a schema with more keywords than anybody needs."""
    detail = f"The schema has more than {MAX_KEYWORDS} keywords."
    return Fault(pointer="", code="limit", detail=detail, hint="Divide the fields among several documents.")
