"""What one value can be, a type family a file (floor 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crm_kernel.fields.autonumber import Autonumber
from crm_kernel.fields.base import FieldType, Options
from crm_kernel.fields.boolean import Boolean
from crm_kernel.fields.choice import Choice
from crm_kernel.fields.contact import Email, Phone, Url
from crm_kernel.fields.document import JsonType, ListType, ObjectType
from crm_kernel.fields.moment import Date, Moment
from crm_kernel.fields.money import MoneyType
from crm_kernel.fields.number import DecimalNumber, Integer, Number
from crm_kernel.fields.reference import AnyReference, Reference
from crm_kernel.fields.shape import choose
from crm_kernel.fields.text import Text

BUILTIN_TYPES: tuple[type[FieldType], ...] = (
    AnyReference,
    Reference,
    MoneyType,
    DecimalNumber,
    Autonumber,
    Phone,
    Choice,
    Date,
    Moment,
    Email,
    Url,
    Text,
    Integer,
    Number,
    Boolean,
    ListType,
    ObjectType,
    JsonType,
)
"""The field types of the kernel. The first that matches a schema is taken; those of plugins are asked before."""


def from_schema(
    schema: Mapping[str, Any], options: Options, types: Sequence[type[FieldType]] = BUILTIN_TYPES
) -> FieldType:
    """The field type of a property with this JSON Schema and `x-crm`. Raises `ValueError` for a bad autonumber."""
    return choose(schema, options, types)
