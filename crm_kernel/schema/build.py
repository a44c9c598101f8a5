"""From declarations and documents to the one model of an entity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from msgspec.structs import replace

from crm_kernel.fields import BUILTIN_TYPES
from crm_kernel.fields.base import FieldType, Kind
from crm_kernel.fields.reference import ANY
from crm_kernel.model import EntityModel, Field, Reverse, Source
from crm_kernel.schema.normal import money_limits, normal_property, property_type
from crm_kernel.schema.system import NO_PIPELINES, system_fields
from crm_kernel.schema.validate import SchemaValidator
from crm_kernel.schema.walk import LINKS, Links, has_member


class Part(NamedTuple):
    """One schema of the several that an entity is merged from, and who declared it."""

    source: Source
    schema: Mapping[str, Any]


def build_fields(
    schema: Mapping[str, Any], source: Source, types: Sequence[type[FieldType]] = BUILTIN_TYPES
) -> dict[str, Field]:
    """The fields that the top-level `properties` of a checked schema define, in its order.

    Raises `msgspec.ValidationError` or `ValueError` where `check_schema` would have found a fault.
    """
    properties = cast("dict[str, Any]", schema.get("properties", {}))
    required = set(schema.get("required", ()))
    links = Links(schema)
    found: dict[str, Field] = {}
    for name, property_ in properties.items():
        options, field_type = property_type(property_, links, types)
        normal = normal_property(property_, types)
        computed = options.formula is not None or options.rollup is not None
        read_only = computed or options.autonumber is not None
        found[name] = Field(
            name=name,
            type=field_type,
            schema=normal,
            source=source,
            required=name in required and not read_only,
            default=None if read_only else normal.get("default"),
            options=options,
            read_only=read_only,
        )
    return found


def build_entity(
    declaration: Mapping[str, Any],
    *,
    source: Source,
    extensions: Sequence[Part] = (),
    documents: Sequence[Part] = (),
    pipelines: Mapping[str, Sequence[str]] = NO_PIPELINES,
    types: Sequence[type[FieldType]] = BUILTIN_TYPES,
    cls: type | None = None,
) -> EntityModel:
    """One entity from its declaration (an entity document, or `entities.declaration(cls)`), merged with the rest.

    `extensions` in plugin order, `documents` in any order (they are merged in name order); `pipelines`: stage names of
    each, default first. All must have passed `check_schema`. A field that is declared twice belongs to who comes first;
    the later one is set aside. Reverse names are those of other entities' references: `with_reverses` adds them.
    """
    name = str(declaration["name"])
    ordered = [Part(source, declaration["schema"]), *extensions, *sorted(documents, key=lambda p: p.source.name)]
    fields = system_fields(pipelines)
    schemas: list[dict[str, Any]] = []
    for part in ordered:
        own = {n: f for n, f in build_fields(part.schema, part.source, types).items() if n not in fields}
        fields.update(own)
        schemas.append(_merged_part(part.schema, own))
    required = {name for part in ordered for name in part.schema.get("required", ())}
    money = {name for name, field in fields.items() if field.type.kind is Kind.MONEY}
    schemas = [_named(_finished(schema, fields, money), name, n) for n, schema in enumerate(schemas)]
    label = str(declaration.get("label") or name.replace("_", " ").capitalize())
    final = {n: _with_required(field, n in required) for n, field in fields.items()}
    return EntityModel(
        name=name,
        label=label,
        plural=str(declaration.get("plural") or plural_of(label)),
        title=str(declaration.get("title") or default_title(final)),
        icon=declaration.get("icon"),
        history=bool(declaration.get("history", True)),
        source=source,
        fields=final,
        schema={"type": "object", "allOf": schemas},
        validate=SchemaValidator(final, schemas),
        pipelines=tuple(pipelines),
        labels=declaration.get("labels") or {},
        plurals=declaration.get("plurals") or {},
        cls=cls,
    )


def _merged_part(schema: Mapping[str, Any], own: Mapping[str, Field]) -> dict[str, Any]:
    """A part with its properties in normal form, without those that belong to an earlier part."""
    part = dict(schema)
    if "properties" in part:
        written = cast("dict[str, Any]", part["properties"])
        part["properties"] = {n: False if written[n] is False else field.schema for n, field in own.items()}
    return part


def _finished(schema: dict[str, Any], fields: Mapping[str, Field], money: set[str]) -> dict[str, Any]:
    """A part that neither asks callers for what they cannot send nor compares money with numbers."""
    part = money_limits(schema, money) if money else dict(schema)
    if "required" in part:
        part["required"] = [n for n in part["required"] if n not in fields or not _given_by_kernel(fields[n])]
    return part


def _given_by_kernel(field: Field) -> bool:
    return field.read_only and field.source.kind != "system"


def _with_required(field: Field, required: bool) -> Field:
    if not required or field.required or field.read_only:
        return field
    return replace(field, required=True)


def _named(schema: dict[str, Any], entity: str, number: int) -> dict[str, Any]:
    """A part with references or anchors gets an `$id`: within `allOf` its `#...` still lead into itself alone."""
    linked = has_member(schema, *LINKS)
    return {"$id": f"crm:///{entity}/{number}", **schema} if linked else schema


def rules_beside(model: EntityModel, schemas: Sequence[Mapping[str, Any]], name: str) -> list[dict[str, Any]]:
    """Rules that are no part of an entity, in the form in which a `SchemaValidator` of its fields takes them."""
    money = {n for n, field in model.fields.items() if field.type.kind is Kind.MONEY}
    return [_named(money_limits(dict(schema), money), name, number) for number, schema in enumerate(schemas)]


def plural_of(label: str) -> str:
    """A label's plural by the plainest rule of English; declarations that want another say so."""
    if label.endswith("y") and label[-2:-1] not in "aeiou":
        return label[:-1] + "ies"
    return label + ("es" if label.endswith(("s", "x", "ch", "sh")) else "s")


def default_title(fields: Mapping[str, Field]) -> str:
    """How records are named where the declaration does not say: by `name`, else the first text field, else the id."""
    own = [field for field in fields.values() if field.source.kind != "system"]
    text = next((field.name for field in own if field.type.kind is Kind.TEXT), "id")
    return "{name}" if "name" in fields else f"{{{text}}}"


def reverses_of(model: EntityModel) -> list[tuple[str, Reverse]]:
    """(entity referred to, or "*" for every one; reverse name) of each reference field of an entity."""
    return [
        (target, Reverse(field.options.reverse or f"{model.name}_by_{field.name}", model.name, field.name))
        for field in model.own_fields
        if field.type.kind is Kind.REFERENCE and (target := field.options.reference) is not None
    ]


def with_reverses(models: Mapping[str, EntityModel]) -> dict[str, EntityModel]:
    """The same entities, each with the reverse names by which others refer to it.

    A name that is taken already (a field, an earlier reverse name) keeps its meaning; `reverse_clashes` tells.
    """
    found: dict[str, dict[str, Reverse]] = {name: {} for name in models}
    for target, reverse in _all_reverses(models):
        if reverse.name not in models[target].fields:
            found[target].setdefault(reverse.name, reverse)
    return {name: replace(model, reverses=found[name]) for name, model in models.items()}


def reverse_clashes(models: Mapping[str, EntityModel]) -> list[tuple[str, Reverse, Source]]:
    """(entity, reverse name that cannot be given there, owner of the name) for each name that is taken."""
    clashes: list[tuple[str, Reverse, Source]] = []
    given: dict[tuple[str, str], Reverse] = {}
    for target, reverse in _all_reverses(models):
        field = models[target].fields.get(reverse.name)
        first = given.setdefault((target, reverse.name), reverse)
        if field is not None:
            clashes.append((target, reverse, field.source))
        elif first != reverse:
            clashes.append((target, reverse, models[first.entity].fields[first.field].source))
    return clashes


def _all_reverses(models: Mapping[str, EntityModel]) -> list[tuple[str, Reverse]]:
    return [
        (name, reverse)
        for model in models.values()
        for target, reverse in reverses_of(model)
        for name in (models if target == ANY else [target])
        if name in models
    ]
