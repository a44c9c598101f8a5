"""How a plugin's class says what a field is: `field(...)`, `Ref[...]` and types with a meaning of their own."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, TypeVar, get_args, get_origin

from crm_kernel.fields.reference import ANY

_KEYWORDS = {
    "max_length": "maxLength",
    "min_length": "minLength",
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
    "pattern": "pattern",
    "format": "format",
    "min_items": "minItems",
    "max_items": "maxItems",
    "unique_items": "uniqueItems",
    "title": "title",
    "description": "description",
}


@dataclass(frozen=True, eq=False, slots=True)
class FieldMarker:
    """What `field(...)` says: JSON Schema keywords and `x-crm` members.

    Compared by identity: `typing` hashes the marks of a type that stands in a union.
    """

    schema: dict[str, Any]
    crm: dict[str, Any]


def field(
    *,
    max_length: int | None = None,
    min_length: int | None = None,
    ge: float | Decimal | None = None,
    gt: float | Decimal | None = None,
    le: float | Decimal | None = None,
    lt: float | Decimal | None = None,
    multiple_of: float | Decimal | None = None,
    pattern: str | None = None,
    format: str | None = None,
    min_items: int | None = None,
    max_items: int | None = None,
    unique_items: bool | None = None,
    title: str | None = None,
    description: str | None = None,
    index: bool | None = None,
    unique: bool | None = None,
    search: bool | None = None,
    sensitive: bool | None = None,
    personal: bool | None = None,
    labels: dict[str, str] | None = None,
    help: str | None = None,
    group: str | None = None,
    order: int | None = None,
    widget: str | None = None,
    unit: str | None = None,
    reverse: str | None = None,
    decimal: int | None = None,
    phone: bool | None = None,
    autonumber: str | None = None,
    formula: str | None = None,
    rollup: dict[str, Any] | None = None,
    choices: dict[str, Any] | None = None,
    was: str | None = None,
    type: str | None = None,
    schema: dict[str, Any] | None = None,
) -> FieldMarker:
    """What a field is beyond its type: `Annotated[str | None, field(max_length=200, search=True)] = None`.

    Limits (`max_length` ... `description`) become JSON Schema keywords and are enforced there; the rest becomes
    `x-crm` (docs/documents.md). `schema` holds further JSON Schema keywords of the value.
    """
    given = {name: value for name, value in locals().items() if value is not None and name != "schema"}
    keywords = {keyword: given.pop(name) for name, keyword in _KEYWORDS.items() if name in given}
    return FieldMarker({**(schema or {}), **keywords}, given)


class Target(NamedTuple):
    """What `Ref[...]` refers to: an entity class, or the name of an entity."""

    entity: Any


def ref_target(item: Any) -> Target:
    """The target of `Ref[item]`. Raises `TypeError` for what names no entity."""
    if item is Any:
        return Target(ANY)
    if get_origin(item) is Literal:
        item = get_args(item)[0]
    if isinstance(item, str | type):
        return Target(item)
    raise TypeError(f"Ref[...] takes an entity class, Literal['name'] or Any, got {item!r}")


if TYPE_CHECKING:
    from typing_extensions import TypeAliasType

    _E = TypeVar("_E")
    Ref = TypeAliasType("Ref", str, type_params=(_E,))
    """A reference: its value is the id of the record."""
else:

    class Ref:
        """A reference: `Ref[Contact]`, `Ref[Literal["contact"]]`, `Ref[Any]`. Its value is the id of the record."""

        def __class_getitem__(cls, item: Any) -> Any:
            return Annotated[str, ref_target(item)]


Email = Annotated[str, field(format="email")]
"""An e-mail address."""

Phone = Annotated[str, field(phone=True)]
"""A telephone number, kept in E.164."""

Url = Annotated[str, field(format="uri")]
"""A URL with its scheme."""
