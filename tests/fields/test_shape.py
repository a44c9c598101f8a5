from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from crm_kernel.fields.base import FieldType, Options, Shape
from crm_kernel.fields.shape import choose, options_of, single_type
from crm_kernel.fields.text import Text


@pytest.mark.contract("documents.md#mixed-types-json")
@pytest.mark.parametrize(
    ("schema", "type"),
    [
        ({"type": "string"}, "string"),
        ({"type": ["string", "null"]}, "string"),
        ({"type": ["integer", "number"]}, "number"),
        ({"enum": [1, 2, None]}, "integer"),
        ({"enum": [1, Decimal("2.5")]}, "number"),
        ({"enum": [Decimal("2.0")]}, "integer"),
        ({"type": "number", "enum": [1, 2]}, "integer"),
        ({"const": True}, "boolean"),
        ({"const": []}, "array"),
        ({"const": {}}, "object"),
        ({"const": "x", "type": ["string", "integer"]}, "string"),
        ({"type": ["string", "integer"]}, None),
        ({"enum": ["a", 1]}, None),
        ({"type": "integer", "enum": ["a"]}, None),
        ({}, None),
    ],
)
def test_the_one_type_a_schema_leaves(schema: dict[str, Any], type: str | None) -> None:
    assert single_type(schema) == type


def test_unknown_options_are_refused() -> None:
    assert options_of({"x-crm": {"index": True}}) == Options(index=True)
    with pytest.raises(msgspec.ValidationError):
        options_of({"x-crm": {"indexed": True}})


def test_a_plugins_type_is_asked_before_the_kernels() -> None:
    class Iban(Text):
        name = "iban"

        @classmethod
        def match(cls, shape: Shape) -> Iban | None:
            return cls() if shape.schema.get("format") == "iban" else None

    types: list[type[FieldType]] = [Iban, Text]
    assert choose({"type": "string", "format": "iban"}, Options(), types).name == "iban"
    assert choose({"type": "string"}, Options(), types).name == "text"
    with pytest.raises(LookupError):
        choose({"type": "integer"}, Options(), types)
