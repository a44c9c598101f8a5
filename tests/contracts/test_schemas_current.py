"""The checked-in JSON Schemas are what the code makes, and each is a schema with an example that it accepts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from crm_kernel.document_check import document_faults
from crm_kernel.document_schemas import SCHEMAS, render
from crm_kernel.documents import KINDS
from crm_kernel.fields.base import Options

each_schema = pytest.mark.parametrize("name", SCHEMAS)


@each_schema
def test_the_file_is_current(root: Path, name: str) -> None:
    file = root / "schemas" / f"{name}.schema.json"
    assert file.read_text("utf-8") == render(name), "run `make schemas`"


def test_every_kind_has_one_and_nothing_else_has(root: Path) -> None:
    files = {file.name.removesuffix(".schema.json") for file in (root / "schemas").glob("*.json")}
    assert files == {*KINDS, "mapping"}


@each_schema
def test_it_is_a_schema_that_speaks(name: str) -> None:
    schema = SCHEMAS[name]
    Draft202012Validator.check_schema(schema)
    assert schema["title"]
    assert schema["description"]
    assert [list(Draft202012Validator(schema).iter_errors(example)) for example in schema["examples"]] == [[]]


def members(schema: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """The schema of each member that a document may have, at any depth."""
    for part in (schema, *schema.get("$defs", {}).values()):
        for name, inner in part.get("properties", {}).items():
            yield f"{at}/{name}", inner
            if "x-crm" in name:
                yield from members(inner, f"{at}/{name}")


@each_schema
def test_every_member_has_title_description_and_an_example_that_fits(name: str) -> None:
    schema = SCHEMAS[name]
    told = dict(members(schema))
    if name in ("fields", "entity"):
        field = schema["properties"]["schema"]["properties"]["properties"]["additionalProperties"]
        told |= dict(members(field))
        assert {at.rpartition("/")[2] for at in told} >= set(Options.__struct_fields__), (
            "help for each keyword of x-crm"
        )
    assert told
    for at, member in told.items():
        assert member["title"], at
        assert member["description"], at
        inner = {**member, "$defs": schema.get("$defs", {})}
        faults = [e.message for example in member["examples"] for e in Draft202012Validator(inner).iter_errors(example)]
        assert not faults, f"{at}: {faults}"


def test_each_document_that_is_shipped_is_valid(root: Path) -> None:
    files = [*root.glob("examples/*/documents/**/*.json"), *root.glob("plugins/*/*/documents/**/*.json")]
    assert len(files) > 10
    for file in files:
        assert document_faults(json.loads(file.read_text("utf-8"))) == [], file
