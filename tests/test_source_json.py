"""JSON as people write it: each value is found again by its pointer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_kernel.source_json import depth, locate, read_json

TEXT = """{
  "name":"hot",
  "list":[1,
   {"a": [{}, "}"], "b/c" : 22}],
  "empty" :[]
}
"""


@pytest.mark.parametrize(
    ("pointer", "starts"),
    [
        ("", '{\n  "name"'),
        ("/name", '"hot"'),
        ("/list/0", "1,"),
        ("/list/1/a/1", '"}"]'),
        ("/list/1/b~1c", "22}"),
        ("/list/7", "[1,"),
        ("/name/deeper", '"hot"'),
        ("/empty/0", "[]"),
        ("/nothing", '{\n  "name"'),
    ],
)
def test_a_value_is_found(pointer: str, starts: str) -> None:
    place = locate(TEXT, pointer)
    assert "\n".join(TEXT.split("\n")[place.line - 1 :])[place.column - 1 :].startswith(starts)


def pointers(value: Any, at: str = "") -> list[tuple[str, Any]]:
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    below = [p for key, v in inner for p in pointers(v, f"{at}/{str(key).replace('~', '~0').replace('/', '~1')}")]
    return [(at, value), *below]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(anything, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_every_value_of_every_document_is_found(value: Any, indent: Any, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert read_json(text.encode("utf-8", "surrogatepass")) == (value, text)
    for pointer, expected in pointers(value):
        place = locate(text, pointer)
        rest = "\n".join(text.split("\n")[place.line - 1 :])[place.column - 1 :]
        assert json.JSONDecoder().raw_decode(rest)[0] == expected


@pytest.mark.parametrize(("value", "expected"), [(1, 0), ("x", 0), ({}, 1), ([[], {"a": [1]}], 3)])
def test_depth(value: Any, expected: int) -> None:
    assert depth(value) == expected
