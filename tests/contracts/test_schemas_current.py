"""The checked-in JSON Schemas are what the code makes, and each is a schema with an example that it accepts."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from crm_kernel.document_schemas import SCHEMAS, render
from crm_kernel.documents import KINDS

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
