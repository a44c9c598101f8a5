"""Entities as plugins declare them: typed classes, turned into the same declaration that a document is (floor 2)."""

from __future__ import annotations

import inspect
import re
from datetime import datetime
from typing import Any, ClassVar, dataclass_transform, get_type_hints

import msgspec
from msgspec import StructMeta

from crm_kernel.fields.hints import default_of, describe, schema_of

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class EntityInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The class keywords of an entity. `schema` holds rules between fields (`if/then`, `dependentRequired` ...)."""

    name: str
    label: str
    plural: str | None = None
    title: str | None = None
    icon: str | None = None
    history: bool = True
    schema: dict[str, Any] = {}


@dataclass_transform(kw_only_default=True, field_specifiers=(msgspec.field,))
class EntityMeta(StructMeta):
    """Takes the class keywords: a field may be called `name` too, so they cannot be class attributes."""

    __entity__: EntityInfo

    def __new__(
        mcls,
        class_name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        /,
        *,
        name: str | None = None,
        title: str | None = None,
        label: str | None = None,
        plural: str | None = None,
        icon: str | None = None,
        history: bool = True,
        schema: dict[str, Any] | None = None,
        **options: Any,
    ) -> EntityMeta:
        options["kw_only"] = True
        cls = super().__new__(mcls, class_name, bases, namespace, **options)
        words = _WORD.sub(" ", class_name)
        info = EntityInfo(
            name=name or words.replace(" ", "_").lower(),
            label=label or words.capitalize(),
            plural=plural,
            title=title,
            icon=icon,
            history=history,
            schema=schema or {},
        )
        type.__setattr__(cls, "__entity__", info)
        return cls

    def __init__(cls, *args: Any, **_keywords: Any) -> None:
        super().__init__(*args)


class Entity(msgspec.Struct, metaclass=EntityMeta):
    """Base of all entity classes.

    `class Listing(Entity, name="listing", title="{address}", icon="home")`: annotations are fields, a field without
    default is required, the docstring is the description. Class keywords: `name title label plural icon history`,
    and `schema` for rules between fields in JSON Schema. The attributes below are the system fields.
    """

    __entity__: ClassVar[EntityInfo]

    id: str = ""
    version: int = 0
    created_at: datetime | None = None
    created_by: str | None = None
    updated_at: datetime | None = None
    updated_by: str | None = None
    owner: str | None = None
    team: str | None = None
    deleted_at: datetime | None = None
    pipeline: str | None = None
    stage: str | None = None
    stage_since: datetime | None = None
    stage_reason: str | None = None
    rotting: bool = False

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)


def is_entity(value: object) -> bool:
    """Whether a value is an entity class."""
    return isinstance(value, EntityMeta)


def entity_name(entity: Any) -> str:
    """The name of an entity given by its class or its name. Raises `TypeError` for anything else."""
    if isinstance(entity, EntityMeta):
        return entity.__entity__.name
    if isinstance(entity, str):
        return entity
    raise TypeError(f"expected an entity class or the name of an entity, got {entity!r}")


def declaration(cls: type[Entity]) -> dict[str, Any]:
    """A class as the entity document it is equal to.

    `{"kind": "entity", "name", "label", "plural"?, "title"?, "icon"?, "history", "schema": {"type", "description"?,
    "properties", "required"?, and what the class keyword `schema` says}}`. Raises `TypeError`, naming class and field,
    for a type that has no JSON Schema. It is made once, and to be read only.
    """
    made: dict[str, Any] | None = cls.__dict__.get("__declaration__")
    if made is None:
        made = _declaration(cls)
        type.__setattr__(cls, "__declaration__", made)
    return made


def _declaration(cls: type[Entity]) -> dict[str, Any]:
    info = cls.__entity__
    hints = get_type_hints(cls, include_extras=True)
    fields = {field.name: field for field in msgspec.structs.fields(cls)}
    properties: dict[str, Any] = {}
    for name in _declared(cls):
        try:
            properties[name] = schema_of(hints[name], entity_name)
        except TypeError as error:
            raise TypeError(f"{cls.__name__}.{name}: {error}") from None
        default = default_of(fields[name])
        if default is not None:
            properties[name]["default"] = default
    schema: dict[str, Any] = {"type": "object"}
    if description := describe(cls):
        schema["description"] = description
    schema["properties"] = properties
    if required := [name for name in properties if fields[name].required]:
        schema["required"] = required
    given = {key: value for key in ("plural", "title", "icon") if (value := getattr(info, key)) is not None}
    head = {"kind": "entity", "name": info.name, "label": info.label, **given, "history": info.history}
    return {**head, "schema": _joined(schema, info.schema)}


def _declared(cls: type[Entity]) -> list[str]:
    """The names annotated by the class and its bases below `Entity`, in order."""
    below = [base for base in reversed(cls.__mro__) if issubclass(base, Entity) and base is not Entity]
    names = dict.fromkeys(name for base in below for name in inspect.get_annotations(base))
    return [name for name in names if name in cls.__struct_fields__]


def _joined(schema: dict[str, Any], rules: dict[str, Any]) -> dict[str, Any]:
    """The schema with the rules of the class keyword `schema`; names they require add to the required ones."""
    required = [*schema.get("required", []), *rules.get("required", [])]
    joined = {**schema, **{key: value for key, value in rules.items() if key != "required"}}
    return {**joined, "required": list(dict.fromkeys(required))} if required else joined
