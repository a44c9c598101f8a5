"""The fast engine agrees with the reference implementation on schemas and values that nobody thought of."""

from __future__ import annotations

from typing import Any

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_kernel.model import Source
from crm_kernel.schema import build_entity, check_schema

SOURCE = Source("document", "test")
NAMES = st.sampled_from(["a", "b", "c", "7", ""])
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, "", "a", "ab", "b7", "2026-03-01"])
VALUES = st.recursive(
    SCALARS, lambda parts: st.lists(parts, max_size=3) | st.dictionaries(NAMES, parts, max_size=3), max_leaves=6
)
COUNTS = st.integers(0, 3)
TYPES = st.sampled_from(["string", "integer", "number", "boolean", "array", "object", "null"])
LEAVES: dict[str, st.SearchStrategy[Any]] = {
    "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
    "enum": st.lists(VALUES, min_size=1, max_size=3),
    "const": VALUES,
    **dict.fromkeys(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], st.integers(-3, 3)),
    **dict.fromkeys(["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"], COUNTS),
    "pattern": st.sampled_from(["^a", "b$", "[0-9]", "^$"]),
    "format": st.sampled_from(["date", "ipv4"]),
    "uniqueItems": st.booleans(),
    "required": st.lists(NAMES, max_size=2, unique=True),
    "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=2, unique=True), max_size=2),
    "minContains": COUNTS,
    "maxContains": COUNTS,
    "$ref": st.just("#/$defs/one"),
}


def schemas(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Schemas of any keywords but `multipleOf`, in which ours is exact and the reference is not."""
    listed = st.lists(parts, min_size=1, max_size=2)
    keywords = {
        **LEAVES,
        **dict.fromkeys(["allOf", "anyOf", "oneOf", "prefixItems"], listed),
        **dict.fromkeys(["properties", "dependentSchemas"], st.dictionaries(NAMES, parts, max_size=2)),
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "[0-9]"]), parts, max_size=2),
        **dict.fromkeys(["not", "if", "then", "else", "items", "contains", "propertyNames"], parts),
        **dict.fromkeys(["additionalProperties", "unevaluatedProperties", "unevaluatedItems"], parts),
    }
    wanted = st.lists(st.sampled_from(sorted(keywords)), min_size=1, max_size=4, unique=True)
    return wanted.flatmap(lambda names: st.fixed_dictionaries({name: keywords[name] for name in names}))


SCHEMAS = st.recursive(st.booleans() | st.just({}), schemas, max_leaves=6)
ONE = st.sampled_from([{"type": "integer"}, {"minLength": 2}, {"properties": {"a": {"type": "string"}}}, False])


@settings(max_examples=400)
@given(part=SCHEMAS, one=ONE, values=st.lists(VALUES, min_size=1, max_size=4))
def test_random_schemas_and_values(part: Any, one: Any, values: list[Any]) -> None:
    nested = {"type": "object", "properties": {"value": part}, "$defs": {"one": one}, "$id": "urn:v"}
    document = {"properties": {"v": nested}}
    if check_schema(document):
        return
    model = build_entity({"name": "thing", "schema": document}, source=SOURCE)
    reference = jsonschema.Draft202012Validator(nested, format_checker=jsonschema.FormatChecker(["date", "ipv4"]))
    for value in values:
        ours = model.validate({"v": {"value": value}})
        assert (ours == []) == reference.is_valid({"value": value}), (part, value, ours)
