"""Files of the app folder beside the database: the three-way rule, and what the server applies by itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from crm_kernel.testing import TestCrm
from tests.operations.conftest import contacts, fields, named, plan_of


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
