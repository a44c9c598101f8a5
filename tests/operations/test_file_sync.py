"""Files of the app folder beside the database: the three-way rule, and what the server applies by itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.testing import TestCrm
from tests.operations.conftest import contacts, fields, named, plan_of, refusal


@pytest.fixture
def crm_documents() -> list[Mapping[str, Any]]:
    return []


class Files:
    """The documents folder of an app."""

    def __init__(self, crm: TestCrm) -> None:
        self.crm = crm
        self.folder: Path = crm.kernel.settings.documents

    def write(self, body: Mapping[str, Any], name: str = "extra") -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{name}.json").write_text(json.dumps(body), encoding="utf-8")

    async def sync(self, **options: Any) -> dict[str, Any]:
        return await self.crm.kernel.documents.sync_files(self.folder, **options)

    def field(self) -> str:
        names = set(self.crm.kernel.registry.entities["contact"].fields) & {"one", "two", "three"}
        return ",".join(sorted(names))


@pytest.mark.contract(
    "documents.md#truth-in-database",
    "documents.md#file-changed-applied",
    "documents.md#file-unchanged-drift",
    "documents.md#both-changed-conflict",
)
async def test_where_truth_lives(crm: TestCrm) -> None:
    files = Files(crm)
    files.write(named("one"))
    assert (await files.sync())["plan"]["documents"][0]["change"] == "add"
    assert files.field() == "one"
    assert (await files.sync())["plan"]["status"] == "clean"
    files.write(named("two"))
    assert (await files.sync())["plan"]["documents"][0]["change"] == "change"
    assert files.field() == "two"
    await crm.put(named("three"))
    drift = await files.sync()
    assert ([d["change"] for d in drift["plan"]["documents"]], files.field()) == (["drift"], "three")
    files.write(named("one"))
    plan = await plan_of(files.sync())
    assert [d["change"] for d in plan["documents"]] == ["conflict"]
    await files.sync(take="database")
    assert files.field() == "three"
    assert (await files.sync())["plan"]["documents"][0]["change"] == "drift"
    files.write(named("two"))
    await files.sync(take="files")
    assert files.field() == "two"


@pytest.mark.contract("documents.md#file-gone-removed", "documents.md#api-document-kept")
async def test_a_file_that_is_gone_takes_its_document_with_it(crm: TestCrm) -> None:
    files = Files(crm)
    files.write(named("one"))
    await files.sync()
    await crm.put({**named("two"), "name": "by-api"})
    (files.folder / "extra.json").unlink()
    assert [d["change"] for d in (await files.sync())["plan"]["documents"]] == ["remove"]
    assert files.field() == "two"


@pytest.mark.contract("documents.md#serve-applies-safe", "documents.md#serve-pending")
async def test_the_server_applies_what_is_safe_and_tells_the_rest(crm: TestCrm) -> None:
    files = Files(crm)
    await crm.put(fields(properties={"size": {"type": "integer"}}))
    await contacts(crm, {"size": 9})
    files.write({**named("one"), "name": "safe"}, "safe")
    files.write({**fields(properties={"depth": {"type": "integer"}}, required=["depth"]), "name": "strict"}, "strict")
    files.write({**named("two"), "name": "wrong", "entity": "nothing"}, "wrong")
    (files.folder / "broken.json").write_text("{", encoding="utf-8")
    result = await files.sync(safe_only=True)
    assert files.field() == "one"
    assert sorted(p["name"] for p in result["pending"]) == ["documents/broken.json", "strict", "wrong"]
    assert "broken.json" in result["problems"][0]
    assert await crm.count("contact") == 1


LARGE = fields(properties={"size": {"type": "integer"}, "depth": {"type": "integer"}})
LINE = {
    "kind": "pipeline",
    "name": "people",
    "entity": "contact",
    "stages": [{"name": "new", "type": "open"}, {"name": "known", "type": "won"}],
}
UNSAFE = {
    "a column is hidden": (LARGE, fields(properties={"size": {"type": "integer"}}), "change"),
    "values are shared": (LARGE, fields(properties={"size": {"type": "integer", "x-crm": {"unique": True}}}), "change"),
    "records stay invalid": (
        LARGE,
        {**LARGE, "on_invalid": "keep", "schema": {**LARGE["schema"], "required": ["depth"]}},
        "change",
    ),
    "records are filled": (
        LARGE,
        {
            **fields(properties={"size": {"type": "integer"}, "depth": {"type": "integer", "default": 1}}),
            "on_invalid": "backfill",
            "schema": {
                "properties": {"size": {"type": "integer"}, "depth": {"type": "integer", "default": 1}},
                "required": ["depth"],
            },
        },
        "change",
    ),
    "records get a stage": (LARGE, {**LINE, "remap": {"": "known"}}, "add"),
}


@pytest.mark.contract("documents.md#serve-applies-safe", "documents.md#serve-pending")
@pytest.mark.parametrize(("before", "after", "change"), UNSAFE.values(), ids=UNSAFE)
async def test_the_server_changes_no_record_and_takes_nothing_away(
    crm: TestCrm, before: dict[str, Any], after: dict[str, Any], change: str
) -> None:
    files = Files(crm)
    files.write(before)
    await files.sync()
    await contacts(crm, {"size": 9}, {"size": 9})
    stored = await crm.find("contact")
    files.write(after, "extra" if after["kind"] == "fields" else "line")
    result = await files.sync(safe_only=True)
    assert [(p["name"], p["change"]) for p in result["pending"]] == [(after["name"], change)]
    assert await crm.find("contact") == stored
    assert (after["kind"], after["name"], after) not in [
        (*k, d.body) for k, d in crm.kernel.registry.declarations.items()
    ]


async def test_values_that_are_shared_refuse_a_unique_field(crm: TestCrm) -> None:
    await crm.put(LARGE)
    made = await contacts(crm, {"size": 9}, {"size": 9}, {"depth": 1}, {"depth": 1})
    unique = fields(properties={"size": {"type": "integer", "x-crm": {"unique": True}}, "depth": {"type": "integer"}})
    errors = (await plan_of(crm.put(unique)))["documents"][0]["errors"]
    assert [(e["pointer"], e["code"]) for e in errors] == [("/schema/properties/size/x-crm/unique", "unique")]
    assert errors[0]["detail"] == "Stored contact records share 1 value of 'size'."
    await crm.write([Change.delete("contact", made[0]["id"])])
    await crm.put(unique)
    assert (await refusal(contacts(crm, {"size": 9}))).faults == [("/size", "unique")]


HOSTILE = {
    "too large a number": '{"kind": "view", "name": "v", "entity": "contact", "label": "V", "columns": [1e400]}',
    "half a pair": '{"kind": "view", "name": "v", "entity": "contact", "label": "\\ud800"}',
    "half a pair as a name": '{"kind": "view", "name": "v", "entity": "contact", "label": "V", "\\ud800": 1}',
    "half a pair in a schema": json.dumps(fields(properties={"size": {"const": "\ud800"}})),
    "thousands of digits": '{"kind": "view", "name": "v", "entity": "contact", "limit": %s}' % ("9" * 5000),
    "deep": "[" * 5000 + "]" * 5000,
    "no object": "null",
    "nothing": "",
    "no entity": '{"kind": "pipeline", "name": "v", "entity": "nothing", "stages": [{"name": "a", "type": "open"}]}',
    "no filter": '{"kind": "view", "name": "v", "entity": "contact", "label": "V", "filter": "(", "columns": ["name"]}',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_no_file_stops_the_start(crm: TestCrm, text: str) -> None:
    files = Files(crm)
    files.write(named("one"), "good")
    (files.folder / "bad.json").write_text(text, "utf-8")
    result = await files.sync(safe_only=True)
    assert files.field() == "one"
    assert [(p["file"], p["name"]) for p in result["pending"]] in (
        [("documents/bad.json", "documents/bad.json")],
        [("documents/bad.json", "v")],
    )
