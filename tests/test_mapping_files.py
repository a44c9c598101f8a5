"""Import mappings in TOML and JSON."""

from __future__ import annotations

import json

import pytest

from crm_kernel.mapping_files import parse_mapping
from crm_kernel.mappings import ColumnMapping, ImportMapping

CONTRACT = """
key = ["parcel_number"]
timezone = "America/Los_Angeles"
delimiter = ","
unmapped = "error"
[columns]
id = "parcel_number"
price = {field = "close_price", currency = "USD"}
date = {field = "close_date", format = "%Y%m%dT%H%M%S"}
agent = {field = "owner", match = "login"}
waterfront = {field = "waterfront", values = {"0" = false, "1" = true}}
[constants]
stage = "Closed"
"""


def read(text: str, file: str = "map.toml") -> ImportMapping:
    mapping, problems = parse_mapping(text.encode(), file)
    assert problems == []
    assert mapping is not None
    return mapping


def sentences(raw: str | bytes, file: str = "map.toml") -> list[str]:
    mapping, problems = parse_mapping(raw if isinstance(raw, bytes) else raw.encode(), file)
    assert mapping is None
    return [p.sentence() for p in problems]


@pytest.mark.contract("documents.md#map-columns")
def test_the_mapping_of_the_contract() -> None:
    mapping = read(CONTRACT)
    assert mapping.key == ["parcel_number"]
    assert mapping.filled_by("id") == [ColumnMapping(field="parcel_number")]
    assert mapping.filled_by("price") == [ColumnMapping(field="close_price", currency="USD")]
    assert mapping.filled_by("waterfront") == [ColumnMapping(field="waterfront", values={"0": False, "1": True})]
    assert mapping.filled_by("other") == []
    assert (mapping.unmapped, mapping.constants) == ("error", {"stage": "Closed"})


@pytest.mark.contract("documents.md#map-columns")
def test_without_columns_headers_are_field_names() -> None:
    assert read("").filled_by("email") == [ColumnMapping(field="email")]


@pytest.mark.contract("documents.md#map-file")
def test_the_defaults_of_a_file() -> None:
    mapping = read("")
    assert (mapping.delimiter, mapping.encoding, mapping.decimal, mapping.timezone) == (",", "utf-8", ".", None)


@pytest.mark.parametrize("file", ["map.json", "upload"])
def test_json_says_the_same(file: str) -> None:
    text = json.dumps({"key": ["email"], "columns": {"Mail": "email"}})
    assert read(text, file).filled_by("Mail") == [ColumnMapping(field="email")]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('keys = ["a"]', "map.toml, line 1, column 8: Unknown member 'keys'; did you mean 'key'?"),
        ('\ndelimiter = ";;"', "map.toml, line 2, column 13: It has 2, at most 1 are allowed."),
        ('encoding = "utf-9"', "map.toml, line 1, column 12: There is no encoding 'utf-9'."),
        ('encoding = "hex"', "map.toml, line 1, column 12: There is no encoding 'hex'."),
        ("delimiter = '\"'", "map.toml, line 1, column 13: '\"' cannot part columns: it has a meaning"),
        ('timezone = "Europe/Rga"', "map.toml, line 1, column 12: There is no time zone 'Europe/Rga'; did you mean"),
        ('timezone = "x"', "There is no time zone 'x'; expected an IANA name like 'Europe/Riga'."),
        ('decimal = ","', "map.toml, line 1, column 11: ',' parts the columns already."),
        ('[columns]\na = "x"\nb = "x"', "map.toml, line 1, column 2: The field 'x' is filled 2 times."),
        ('[columns]\na = "x"\n[constants]\nx = 1', "map.toml, line 1, column 2: The field 'x' is filled 2 times."),
        ("[columns]\na = {feld = 'x'}", "map.toml, line 2, column 5: Unknown member 'feld'; did you mean 'field'?"),
        ("a = = 1", "map.toml, line 1, column 5: not TOML: Invalid value."),
        ("a = [", "map.toml, line 1, column 6: not TOML: Invalid value."),
        (b'a = "\xff"', "map.toml, line 1, column 1: not UTF-8."),
    ],
)
def test_a_fault_has_line_and_column(text: str | bytes, sentence: str) -> None:
    assert sentence in sentences(text)[0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "map.json, line 1, column 2: not JSON"),
        ("[]", "map.json, line 1, column 1: Got [], expected an object."),
        ('{\n "decimal": ";"}', 'map.json, line 2, column 13: Got ";", expected one of ",", ".".'),
        ('{\n "key": ["a"],\n "encoding": "x"}', "map.json, line 3, column 14: There is no encoding 'x'."),
    ],
)
def test_json_faults_too(text: str, sentence: str) -> None:
    assert sentence in sentences(text, "map.json")[0]


def test_all_members_that_stand_twice_are_told() -> None:
    told = sentences('{"key": [],\n "key": [], "columns": {"a": "x", "a": "y"}}', "map.json")
    assert told == [
        "map.json, line 2, column 2: the member 'key' stands twice in one object.",
        "map.json, line 2, column 35: the member 'a' stands twice in one object.",
    ]
