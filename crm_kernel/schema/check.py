"""What is wrong with the schema of an entity or of custom fields, by all rules of docs/documents.md at once.

One small rule a function: each takes the `Draft` under test and yields faults.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, cast
from urllib.parse import urldefrag, urljoin

import jsonschema_rs
import msgspec

from crm_kernel.errors import Fault, near
from crm_kernel.fields import BUILTIN_TYPES
from crm_kernel.fields.base import FieldType
from crm_kernel.model import Source
from crm_kernel.schema.check_options import options
from crm_kernel.schema.draft import MAX_DEPTH, MAX_FIELDS, Draft, unreadable
from crm_kernel.schema.names import name_problem
from crm_kernel.schema.normal import property_type
from crm_kernel.schema.patterns import compiled, is_linear
from crm_kernel.schema.walk import Path, lookup, pointer, subschemas

CLOSING = (
    "additionalProperties",
    "unevaluatedProperties",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "$id",
    "$schema",
)
"""Keywords that the top level may not have: they would close or rename the flat object that all documents share."""

DRAFT = "https://json-schema.org/draft/2020-12/schema"
METASCHEMA = {"$ref": DRAFT}


def check_schema(
    schema: Any,
    *,
    known: Mapping[str, Source] | None = None,
    same: Mapping[str, FieldType] | None = None,
    entities: Container[str] | None = None,
    types: Sequence[type[FieldType]] = BUILTIN_TYPES,
    at: str = "/schema",
) -> list[Fault]:
    """All faults of the `schema` of an entity, extension or `fields` document, pointers below `at`.

    `known`: fields and reverse names that the entity has already, with who declared them. `same`: types of those that
    a document may take over with `"x-crm": {"adopt": true}`. `entities`: names that may be referred to (None: any).
    """
    faults = unreadable(schema)
    if not faults:
        subs = list(subschemas(schema, MAX_DEPTH))
        draft = Draft(schema, known or {}, same or {}, entities, types, subs)
        faults = next((found for rules in _STAGES if (found := [f for rule in rules for f in rule(draft)])), [])
    return [fault.at(prefix=at) for fault in faults]


def _depth(draft: Draft) -> Iterator[Fault]:
    deep = next((sub for sub in draft.subs if sub.depth > MAX_DEPTH), None)
    if deep is not None:
        detail = f"Schemas are nested more than {MAX_DEPTH} levels deep."
        yield Fault(pointer=pointer(deep.path), code="limit", detail=detail)


@cache
def _metaschema() -> jsonschema_rs.Validator:
    """The draft's own schema, compiled when the first document is checked."""
    return compiled(METASCHEMA)


def _draft_2020_12(draft: Draft) -> Iterator[Fault]:
    """It is a JSON Schema of draft 2020-12. The metaschema's parts repeat themselves, so faults are told once."""
    told: set[tuple[str, str]] = set()
    for error in _metaschema().iter_errors(draft.schema):
        where, code = pointer(tuple(error.instance_path)), str(error.schema_path[-1])
        regex = code == "format" and error.instance_path[-1] in ("pattern", "patternProperties")
        if not regex and (where, code) not in told:
            told.add((where, code))
            yield Fault(pointer=where, code=code, detail=f"Not JSON Schema: {error.message[:200]}")


def _closing(draft: Draft) -> Iterator[Fault]:
    for sub in draft.subs:
        for keyword in CLOSING if sub.record else ():
            if keyword in sub.schema:
                detail = f"{keyword!r} is not allowed at the top level: other documents add fields to the same object."
                yield Fault(pointer=pointer((*sub.path, keyword)), code="keyword", detail=detail)


def _names(draft: Draft) -> Iterator[Fault]:
    for name, schema in draft.properties.items():
        where = pointer(("properties", name))
        owner = draft.known.get(name)
        if owner is not None:
            if not _adopts(draft, name, schema):
                yield Fault(pointer=where, code="redefined", detail=f"{name!r} is defined already by {owner}.")
        elif problem := name_problem(name):
            yield Fault(pointer=where, code=problem[0], detail=problem[1])


def _adopts(draft: Draft, name: str, schema: Any) -> bool:
    """Whether it gives its field to the one of the same name and type that a plugin brought."""
    if not isinstance(schema, dict) or name not in draft.same:
        return False
    try:
        options, field_type = property_type(cast("dict[str, Any]", schema), draft.schema, draft.types)
        return options.adopt and type(field_type) is type(draft.same[name])
    except (msgspec.ValidationError, ValueError):
        return False


def _count(draft: Draft) -> Iterator[Fault]:
    owned = [name for name, source in draft.known.items() if source.kind != "system"]
    if len({*owned, *draft.properties}) > MAX_FIELDS:
        yield Fault(pointer="/properties", code="limit", detail=f"An entity has at most {MAX_FIELDS} fields.")


def mentions(schema: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """(path, name) of the fields that one record-level schema names itself, those of its parts left out."""
    for index, name in enumerate(schema.get("required", ())):
        yield ("required", index), name
    for keyword in ("properties", "dependentSchemas", "dependentRequired"):
        for name in schema.get(keyword, ()):
            yield (keyword, name), name
    for trigger, names in schema.get("dependentRequired", {}).items():
        for index, name in enumerate(names):
            yield ("dependentRequired", trigger, index), name


def _unknown_names(draft: Draft) -> Iterator[Fault]:
    names = draft.names
    for sub in draft.subs:
        for path, name in mentions(sub.schema) if sub.record else ():
            if name not in names:
                detail = f"There is no field {name[:60]!r}:{near(name, names)}"
                yield Fault(pointer=pointer((*sub.path, *path)), code="unknown_field", detail=detail)


def _references(draft: Draft) -> Iterator[Fault]:
    """`$ref` reaches the same document: a pointer, an anchor, or the `$id` of a schema within. The draft's own schema
    is known without being fetched; what a fragment leads to there is for the engine to see."""
    bases = _bases(draft)
    for sub in draft.subs:
        for keyword in ("$ref", "$dynamicRef"):
            ref = sub.schema.get(keyword)
            if not isinstance(ref, str):
                continue
            home, fragment = urldefrag(urljoin(bases[sub.base], ref))
            if home == DRAFT:
                continue
            base = sub.base if ref.startswith("#") else next((p for p, uri in bases.items() if p and uri == home), None)
            if base is None or lookup(draft.schema, base, f"#{fragment}") is None:
                detail = f"{ref[:80]!r} leads to nothing in this document, and nothing is ever fetched."
                yield Fault(pointer=pointer((*sub.path, keyword)), code="reference", detail=detail)


def _bases(draft: Draft) -> dict[Path, str]:
    """The full URI of each schema that has an `$id`, by its path; the document itself has a made-up one."""
    bases: dict[Path, str] = {(): "http://document.invalid/"}
    for sub in sorted(draft.subs, key=lambda s: len(s.path)):
        if sub.path and isinstance(sub.schema.get("$id"), str):
            outer = next(bases[sub.path[:n]] for n in range(len(sub.path) - 1, -1, -1) if sub.path[:n] in bases)
            bases[sub.path] = urldefrag(urljoin(outer, sub.schema["$id"]))[0]
    return bases


def _patterns(draft: Draft) -> Iterator[Fault]:
    for sub in draft.subs:
        found: list[tuple[Path, Any]] = [(("pattern",), sub.schema["pattern"])] if "pattern" in sub.schema else []
        found += [(("patternProperties", key), key) for key in sub.schema.get("patternProperties", ())]
        for path, pattern in found:
            if not is_linear(pattern):
                detail = "No pattern of the linear-time engine (look-around and back-references are not allowed)."
                yield Fault(pointer=pointer((*sub.path, *path)), code="pattern", detail=detail)


def _compiles(draft: Draft) -> Iterator[Fault]:
    """The engine takes it as it is: what no rule above foresaw."""
    try:
        compiled(draft.schema)
    except jsonschema_rs.ValidationError as error:
        detail = f"The schema cannot be used: {error.message[:200]}"
        yield Fault(pointer=pointer(tuple(error.instance_path)), code="format", detail=detail)


Rule = Callable[[Draft], Iterator[Fault]]

_STAGES: tuple[tuple[Rule, ...], ...] = (
    (_depth,),
    (_draft_2020_12,),
    (_patterns, _closing, _names, _count, _unknown_names, _references, options),
    (_compiles,),
)
"""Rules in the order in which they can rely on each other; the first stage that finds something is the last."""


def title_faults(title: str, names: Container[str]) -> list[Fault]:
    """Faults of a title such as `{number} {tenant.name}` that speaks of fields which are not there."""
    found = [part.split("}")[0] for part in title.split("{")[1:]]
    return [
        Fault(pointer="/title", code="unknown_field", detail=f"There is no field {path!r}.")
        for path in found
        if path.split(".")[0] not in names
    ]
