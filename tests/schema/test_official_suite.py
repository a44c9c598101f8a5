"""The required cases of the JSON-Schema-Test-Suite for draft 2020-12, each as a field `v` of a `fields` document."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from crm_kernel import Change
from crm_kernel.document_check import document_faults
from crm_kernel.fields.base import Faulty, ValueContext
from crm_kernel.model import Source
from crm_kernel.operations.answers import parse, plain_json
from crm_kernel.schema import build_entity, check_schema
from crm_kernel.testing import TestCrm
from tests.schema.official_left_out import CHANGED_FIRST, LEFT_OUT

CASES = 1243
SOURCE = Source("document", "case")


class Official(NamedTuple):
    """One group of the suite: a schema, and values with whether they are valid."""

    file: str
    group: str
    schema: Any
    tests: list[dict[str, Any]]

    @property
    def document(self) -> dict[str, Any]:
        """The group as a document; its `$id` keeps its references to itself."""
        whole = isinstance(self.schema, bool) or "$id" in self.schema
        schema = {"properties": {"v": self.schema if whole else {"$id": "urn:case", **self.schema}}}
        return {"kind": "fields", "name": "case", "entity": "contact", "schema": schema}


def official(folder: Path) -> Iterator[Official]:
    """The groups, with the values that reach JSON Schema as they are written there."""
    for file in sorted(folder.glob("*.json")):
        schemas = plain_json(parse(file.read_bytes()))
        for group, plain in zip(parse(file.read_bytes()), schemas, strict=True):
            about = (file.stem, group["description"])
            changed = CHANGED_FIRST.get(about, ())
            tests = [t for t in group["tests"] if t["data"] is not None and t["description"] not in changed]
            yield Official(*about, plain["schema"], tests)


def takes(model: Any, value: Any) -> bool:
    """Whether a field `v` takes a value: what the write door does with it."""
    try:
        return model.validate({"v": model.fields["v"].type.canonical(value, ValueContext())}) == []
    except Faulty:
        return False


@pytest.mark.contract("documents.md#nested-whole-draft", "documents.md#official-suite")
def test_all_cases_but_those_that_are_named(shared_file: Callable[[str], Path]) -> None:
    failing: dict[str, dict[str, list[str]]] = {}
    cases = 0
    for group in official(shared_file("json_schema/draft2020-12")):
        document = group.document
        sound = not document_faults(document) and not check_schema(document["schema"])
        model = build_entity({"name": "case", "schema": document["schema"]}, source=SOURCE) if sound else None
        for test in group.tests:
            cases += 1
            if model is None or takes(model, test["data"]) is not test["valid"]:
                failing.setdefault(group.file, {}).setdefault(group.group, []).append(test["description"])
    assert cases == CASES
    assert failing == {file: dict(left.groups) for file, left in LEFT_OUT.items()}


@pytest.mark.contract("documents.md#official-suite")
async def test_the_door_says_the_same(shared_file: Callable[[str], Path], crm: TestCrm) -> None:
    first: dict[str, Official] = {}
    for group in official(shared_file("json_schema/draft2020-12")):
        if group.file not in LEFT_OUT:
            first.setdefault(group.file.lower().replace("-", "_"), group)
    for name in first:
        await crm.kernel.documents.put(
            "entity", name, {"kind": "entity", "name": name, "schema": {}}, crm.kernel.system("api")
        )
    bodies = [{**group.document, "entity": name, "name": name} for name, group in first.items()]
    await crm.kernel.documents.put_all(bodies, crm.kernel.system("api"))
    sent = [(name, test) for name, group in first.items() for test in group.tests]
    changes = [Change.create(name, {"v": test["data"]}) for name, test in sent]
    outcomes = await crm.kernel.writer.write(changes, crm.kernel.system("api"), atomic=False)
    wrong = [(n, t["description"]) for (n, t), o in zip(sent, outcomes, strict=True) if (o.error is None) != t["valid"]]
    assert len(sent) > 100
    assert wrong == []
