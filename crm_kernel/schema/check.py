"""What is wrong with the schema of an entity or of custom fields, by all rules of docs/documents.md at once.

One small rule a function: each takes the `Draft` under test and yields faults.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any, cast
from urllib.parse import urldefrag, urljoin

import jsonschema_rs
import msgspec

from crm_kernel.errors import HINTED_ROWS, Fault, near
from crm_kernel.fields.base import FieldType
from crm_kernel.model import Source
from crm_kernel.schema.check_options import options
from crm_kernel.schema.draft import MAX_DEPTH, MAX_FIELDS, MAX_KEYWORDS, Draft, draft_of, too_many_keywords, unreadable
from crm_kernel.schema.names import name_problem
from crm_kernel.schema.normal import property_type
from crm_kernel.schema.patterns import PatternCheck, compiled
from crm_kernel.schema.walk import Path, parts, pointer
from crm_kernel.schema.words import MOST, document_words, shown
from crm_kernel.schema.work import Find, work_faults

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

_MADE_UP = "http://document.invalid/"
"""The URI of a document, against which references in it are read."""

DRAFT = "https://json-schema.org/draft/2020-12/schema"
METASCHEMA = {"$ref": DRAFT}


def check_schema(
    schema: Any,
    *,
    known: Mapping[str, Source] | None = None,
    same: Mapping[str, FieldType] | None = None,
    entities: Collection[str] | None = None,
    types: Sequence[type[FieldType]] | None = None,
    at: str = "/schema",
) -> list[Fault]:
    """All faults of the `schema` of an entity, extension or `fields` document, pointers below `at`.

    `known`: fields and reverse names that the entity has already, with who declared them. `same`: types of those that
    a document may take over with `"x-crm": {"adopt": true}`. `entities`: names that may be referred to, `types`: the
    field types there are (None: any).
    """
    faults = unreadable(schema)
    if not faults:
        faults = _found(draft_of(schema, known, same, entities, types), _STAGES)
    return [fault.at(prefix=at) for fault in faults]


def draft_faults(schema: Any, *, at: str) -> list[Fault]:
    """What keeps a value from being a JSON Schema of draft 2020-12 that may be stored, whatever it is about."""
    faults = unreadable(schema) or _found(draft_of(schema), _STAGES[:2])
    return [fault.at(prefix=at) for fault in faults]


def fragment_faults(schema: Any, *, at: str) -> list[Fault]:
    """All faults of a JSON Schema that defines no fields: what a stage requires, a parameter of a report."""
    if isinstance(schema, bool):
        return []
    faults = unreadable(schema) or _found(draft_of(schema), _FRAGMENT)
    return [fault.at(prefix=at) for fault in faults]


def _found(draft: Draft, stages: Sequence[Sequence[Rule]]) -> list[Fault]:
    """The faults of the first stage that finds any."""
    for rules in stages:
        if found := [fault for rule in rules for fault in islice(rule(draft), MOST)]:
            return found
    return []


def _size(draft: Draft) -> Iterator[Fault]:
    if sum(1 + len(sub.schema) for sub in draft.subs) > MAX_KEYWORDS:
        yield too_many_keywords()


def _depth(draft: Draft) -> Iterator[Fault]:
    deep = next((sub for sub in draft.subs if sub.depth > MAX_DEPTH), None)
    if deep is not None:
        detail = f"Schemas are nested more than {MAX_DEPTH} levels deep."
        yield Fault(pointer=pointer(deep.path), code="limit", detail=detail)


@cache
def _metaschema() -> jsonschema_rs.Validator:
    """The draft's own schema, compiled when the first document is checked. Patterns are for `_patterns` to judge."""
    return compiled(METASCHEMA, formats={"regex": lambda _: True})


def _draft_2020_12(draft: Draft) -> Iterator[Fault]:
    """It is a JSON Schema of draft 2020-12: looked at schema by schema, as a wrong one may have thousands of faults."""
    if _metaschema().is_valid(draft.schema):
        return
    told: set[Path] = set()
    for sub in draft.subs:
        if sub.path not in told:
            told.add(sub.path)
            shallow, faults = _shallow(sub.schema)
            faults += [] if _metaschema().is_valid(shallow) else document_words(_metaschema(), METASCHEMA, shallow)
            yield from (fault.at(prefix=pointer(sub.path)) for fault in faults)


def _shallow(schema: dict[str, Any]) -> tuple[dict[str, Any], list[Fault]]:
    """A schema without those within it, and the faults of those that are none."""
    shallow, faults = dict(schema), list[Fault]()
    for path, part, _ in parts(schema):
        keyword = str(path[0])
        if path[1:]:
            if shallow[keyword] is schema[keyword]:
                shallow[keyword] = schema[keyword].copy()
            shallow[keyword][path[1]] = True
        else:
            shallow[keyword] = True
        if not isinstance(part, dict | bool) and len(faults) < MOST:
            detail = f"Got {shown(part)}, expected an object or true or false."
            faults.append(Fault(pointer=pointer(path), code="type", detail=detail))
    return shallow, faults


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
        options, field_type = property_type(cast("dict[str, Any]", schema), draft.links, draft.types)
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
    names, told = draft.names, 0
    for sub in draft.subs:
        for path, name in mentions(sub.schema) if sub.record else ():
            if name not in names:
                told += 1
                detail = f"There is no field {name[:60]!r}:{near(name, names) if told <= HINTED_ROWS else ''}"
                yield Fault(pointer=pointer((*sub.path, *path)), code="unknown_field", detail=detail)


def _references(draft: Draft) -> Iterator[Fault]:
    """`$ref` reaches the same document: a pointer, an anchor, or the `$id` of a schema within. The draft's own schema
    is known without being fetched; what a fragment leads to there is for the engine to see."""
    find = _finder(draft)
    for sub in draft.subs:
        for keyword in ("$ref", "$dynamicRef"):
            ref = sub.schema.get(keyword)
            if isinstance(ref, str) and find(sub.base, ref) is None and urldefrag(ref)[0] != DRAFT:
                detail = f"{ref[:80]!r} leads to nothing in this document, and nothing is ever fetched."
                yield Fault(pointer=pointer((*sub.path, keyword)), code="reference", detail=detail)


def _finder(draft: Draft) -> Find:
    """Finds what a reference leads to by what the document names."""
    bases = _bases(draft)
    homes: dict[str, Path] = {}
    for path, uri in bases.items():
        homes.setdefault(uri, path)

    def find(base: Path, ref: str) -> tuple[Path, Any] | None:
        if ref.startswith("#"):
            return draft.links.lookup(base, ref)
        home, fragment = urldefrag(urljoin(bases.get(base, _MADE_UP), ref))
        return draft.links.lookup(homes[home], f"#{fragment}") if homes.get(home) else None

    return find


def _work(draft: Draft) -> Iterator[Fault]:
    """Its references make neither circles nor more work of a value than can be done."""
    if any("$ref" in sub.schema or "$dynamicRef" in sub.schema for sub in draft.subs):
        yield from work_faults(draft.schema, _finder(draft))


def _bases(draft: Draft) -> dict[Path, str]:
    """The full URI of each schema that has an `$id`, by its path; the document itself has a made-up one."""
    bases: dict[Path, str] = {(): _MADE_UP}
    for sub in sorted(draft.subs, key=lambda s: len(s.path)):
        if sub.path and isinstance(sub.schema.get("$id"), str):
            outer = next(bases[sub.path[:n]] for n in range(len(sub.path) - 1, -1, -1) if sub.path[:n] in bases)
            bases[sub.path] = urldefrag(urljoin(outer, sub.schema["$id"]))[0]
    return bases


def _patterns(draft: Draft) -> Iterator[Fault]:
    check = PatternCheck()
    for sub in draft.subs:
        found: list[tuple[Path, Any]] = [(("pattern",), sub.schema["pattern"])] if "pattern" in sub.schema else []
        found += [(("patternProperties", key), key) for key in sub.schema.get("patternProperties", ())]
        for path, pattern in found:
            problem = check(pattern)
            if problem is not None:
                yield Fault(pointer=pointer((*sub.path, *path)), code="pattern", detail=problem)


def _compiles(draft: Draft) -> Iterator[Fault]:
    """The engine takes it as it is: what no rule above foresaw."""
    try:
        compiled(draft.schema)
    except jsonschema_rs.ValidationError as error:
        detail = f"The schema cannot be used: {error.message[:200]}"
        yield Fault(pointer=pointer(tuple(error.instance_path)), code="format", detail=detail)


Rule = Callable[[Draft], Iterator[Fault]]

_STAGES: tuple[tuple[Rule, ...], ...] = (
    (_size, _depth),
    (_draft_2020_12,),
    (_patterns, _closing, _names, _count, _unknown_names, _references, options),
    (_work,),
    (_compiles,),
)
"""Rules in the order in which they can rely on each other; the first stage that finds something is the last."""
_FRAGMENT: tuple[tuple[Rule, ...], ...] = (*_STAGES[:2], (_patterns, _references), (_work,), (_compiles,))


def title_faults(title: str, names: Container[str]) -> list[Fault]:
    """Faults of a title such as `{number} {tenant.name}` that speaks of fields which are not there."""
    found = [part.split("}")[0] for part in title.split("{")[1:]]
    return [
        Fault(pointer="/title", code="unknown_field", detail=f"There is no field {path!r}.")
        for path in found
        if path.split(".")[0] not in names
    ]
