"""JSON as people write it: each value is found again by its pointer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_kernel.source_json import JsonFault, depth, locate, read_json
from tests.pace import timed

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


@pytest.mark.contract("cli.md#check")
@pytest.mark.parametrize(
    ("raw", "line", "column", "detail"),
    [
        (b'{"a": 1,\n "b": [{"c": 1, "c ": 2,\n  "c": 3}]}', 3, 3, "the member 'c' stands twice in one object."),
        (b'{"a": {"b": 1}, "b": 2,\n "\\u0061": 3}', 2, 2, "the member 'a' stands twice in one object."),
        (b'{"a": "\\"{",\n "b": NaN}', 2, 7, "NaN is not JSON."),
        (b"[1,\n -Infinity]", 2, 2, "-Infinity is not JSON."),
        (b"[" + b"9" * 5000 + b"]", 1, 2, "the number has too many digits."),
        (b'{"a": 1,\n}', 2, 1, "not JSON: Expecting property name enclosed in double quotes."),
        ('{"ā": "'.encode() + b"\xff" + b'"}', 1, 8, "not UTF-8."),
        (b"\xef\xbb\xbf[\n\xff", 2, 1, "not UTF-8."),
        (b'\xff\xfe{\x00"\x00', 1, 1, "not UTF-8."),
        (b"\xef\xbb\xbf[1 2]", 1, 4, "not JSON: Expecting ',' delimiter."),
        (b"[" * 70 + b"]" * 70, 1, 1, "more than 64 levels deep."),
        (b'{"a": "' + b"x" * 300_000 + b'"}', 1, 1, "300009 bytes, at most 262144 are read."),
    ],
)
def test_what_is_not_json_is_told_with_its_place(raw: bytes, line: int, column: int, detail: str) -> None:
    with pytest.raises(JsonFault) as caught:
        read_json(raw)
    assert caught.value.mistakes == [(detail, (line, column))]


@pytest.mark.contract("cli.md#check")
@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b'{"a": 1, "a": {"b": 1, "b": 2},\n "a": 3}', ["1:10 'a'", "1:24 'b'", "2:2 'a'"]),
        (b'[{"a": 1, "a": NaN},\n {"c": -Infinity, "c": [1]}]', ["1:11 'a'", "1:16 NaN", "2:8 -Infinity", "2:19 'c'"]),
        (b'{"a": 1, "a": 2,\n "b": [}', ["1:10 'a'", "2:8 not JSON"]),
        (b'{"a": 1, "a": 2,\n "b": "} \x01"}', ["1:10 'a'", "2:10 not JSON"]),
        (b'{"a": 1, "a": 2,\n "b": "} \\q"}', ["1:10 'a'", "2:10 not JSON"]),
        (b'{"a": 1, "a": 2}}', ["1:10 'a'", "1:17 not JSON"]),
    ],
)
def test_all_mistakes_are_told_at_once(raw: bytes, told: list[str]) -> None:
    with pytest.raises(JsonFault) as caught:
        read_json(raw)
    found = [f"{place.line}:{place.column} {detail}" for detail, place in caught.value.mistakes]
    assert len(found) == len(told)
    for sentence, words in zip(found, told, strict=True):
        assert words.split(" ")[0] == sentence.split(" ")[0]
        assert words.split(" ", 1)[1] in sentence


def test_of_many_mistakes_some_are_told_and_soon() -> None:
    raw = b"{" + b",\n".join(b'"a": 1' for _ in range(30_000)) + b"}"
    with timed() as taken, pytest.raises(JsonFault) as caught:
        read_json(raw)
    assert len(caught.value.mistakes) == 100
    assert caught.value.mistakes[-1].place.line == 101
    assert taken.seconds < 0.1


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert read_json(b'\xef\xbb\xbf{"a": 1}') == ({"a": 1}, '{"a": 1}')
