"""Fields that a plugin adds to an entity of another, as a typed class (floor 2)."""

from __future__ import annotations

import re
from typing import Any, ClassVar, cast, dataclass_transform

import msgspec

from crm_kernel.entities import Entity, EntityMeta, declaration, entity_name

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass_transform(kw_only_default=True, field_specifiers=(msgspec.field,))
class ExtensionMeta(EntityMeta):
    """Takes the class keyword `entity`: the entity that is extended, as its class or its name."""

    def __new__(
        mcls,
        class_name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        /,
        *,
        entity: Any = None,
        **keywords: Any,
    ) -> ExtensionMeta:
        cls = super().__new__(mcls, class_name, bases, namespace, **keywords)
        type.__setattr__(cls, "__extends__", entity)
        return cast("ExtensionMeta", cls)


class Extension(Entity, metaclass=ExtensionMeta):
    """Base of all extension classes.

    `class ContactBuyer(Extension, entity=Contact)`: annotations are fields as in an `Entity` class. The document it
    is equal to is called like the class (`contact-buyer`).
    """

    __extends__: ClassVar[Any]


def is_extension(value: object) -> bool:
    """Whether a value is an extension class."""
    return isinstance(value, ExtensionMeta)


def extension_declaration(cls: type[Extension]) -> dict[str, Any]:
    """The class as the document of kind `fields` it is equal to: `{"kind", "name", "label", "entity", "schema"}`.

    Raises `TypeError`, naming the class, for a missing entity or a type that has no JSON Schema.
    """
    try:
        entity = entity_name(cls.__extends__)
    except TypeError as error:
        raise TypeError(f"{cls.__name__}: the class keyword entity: {error}") from None
    body = declaration(cls)
    name = _WORD.sub("-", cls.__name__).lower()
    return {"kind": "fields", "name": name, "label": body["label"], "entity": entity, "schema": body["schema"]}
