"""`register_importers`: source records of a plugin's format, each whole or not at all, exactly once, and taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crm_kernel import Error
from crm_kernel.callers import Caller
from crm_kernel.testing import TestCrm
from tests.operations.conftest import MakeCrm, refusal
from tests.operations.importing import batches_of

CODE = """
from uuid import NAMESPACE_DNS, uuid5
class Lead(Entity, name="lead", title="{name}"):
    name: Annotated[str, field(max_length=8)]
    contact: Ref[Literal["contact"]] | None = None

@hookimpl
def register_entities(): return [Lead]

async def read(file, crm):
    if file.read(3) != b"CRD":
        raise Error("bad_value", "This is no file of cards.")
    for line in file.read().decode().split():
        if line == "broken":
            yield Error("invalid", "The card is torn.")
        elif line == "odd":
            yield 3
        elif line == "fail":
            raise ValueError("secret")
        elif line == "write":
            await crm.write([Change.create("lead", name="sly")])
        else:
            family, _, name = line.partition("/")
            known = await crm.find("contact", "last_name = @param.n", n=family)
            if known:
                yield [Change.create("lead", name=name, contact=known[0]["id"])]
            else:
                id = str(uuid5(NAMESPACE_DNS, family))
                yield [Change.create("contact", id=id, last_name=family), Change.create("lead", name=name, contact=id)]

@hookimpl
def register_importers():
    there = {"suffixes": [".crd"], "media_types": ["text/x-cards"]}
    return [Importer(name="cards", title="Cards", entity="lead", read=read, **there)]
"""
CLERK = {
    "kind": "role",
    "name": "cards-clerk",
    "grants": [
        {"entity": "lead", "actions": ["read", "create", "import"]},
        {"entity": "contact", "actions": ["read", "create"], "where": "owner = @me"},
    ],
}


class Cards:
    """Imports texts as files of cards."""

    def __init__(self, crm: TestCrm, folder: Path) -> None:
        self.crm = crm
        self.file = folder / "in.crd"
        self.system = crm.kernel.system("import")

    async def run(self, text: str, caller: Caller | None = None, **options: Any) -> dict[str, Any]:
        self.file.write_text(f"CRD {text}", "utf-8")
        return await self.crm.kernel.imports.run("lead", self.file, None, caller=caller or self.system, **options)

    async def leads(self) -> list[str]:
        return [lead["name"] for lead in await self.crm.find("lead", sort="name", limit=500)]


@pytest.fixture
def cards(with_plugin: MakeCrm, tmp_path: Path) -> Any:
    async def make() -> Cards:
        return Cards(await with_plugin(f"from typing import Annotated, Literal\n{CODE}"), tmp_path)

    return make


def found(job: dict[str, Any]) -> dict[str, int]:
    return {name: count for name, count in job["counts"].items() if count}


@pytest.mark.contract("hooks.md#importers")
async def test_each_record_is_written_whole_or_refused_alone(cards: Any) -> None:
    cards = await cards()
    job = await cards.run("Ozola/good Kalns/muchtoolong broken Liepa/fine odd")
    assert found(job) == {"created": 2, "refused": 3}
    assert (job["rows"], job["state"]) == (5, "done")
    assert [(e["row"], e["pointer"], e["code"]) for e in job["errors"]] == [
        (2, "/1/name", "maxLength"),
        (3, "", "invalid"),
        (5, "", "plugin_fault"),
    ]
    assert await cards.leads() == ["fine", "good"]
    assert {c["last_name"] for c in await cards.crm.find("contact")} == {"Ozola", "Liepa"}
    assert found(await cards.run("Ozola/second")) == {"created": 1}
    assert len(await cards.crm.find("contact", "last_name = 'Ozola'")) == 1


async def test_an_interrupted_import_takes_each_record_once(cards: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cards = await cards()
    batches_of(4, monkeypatch)
    text = " ".join(f"F{n}/n{n}" if n % 5 else "broken" for n in range(1, 24))

    def stop(done: int, _: int) -> None:
        if done > 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await cards.run(text, progress=stop)
    assert 0 < await cards.crm.count("lead") < 19
    job = await cards.run(text)
    assert found(job) == {"created": 19, "refused": 4}
    assert sorted(await cards.leads()) == sorted(f"n{n}" for n in range(1, 24) if n % 5)
    undone = await cards.crm.kernel.jobs.undo(job["id"], cards.system, here=True)
    await cards.crm.kernel.jobs.work(job["id"])
    assert undone["state"] == "queued"
    assert await cards.crm.count("lead") == await cards.crm.count("contact") == 0


async def test_a_dry_run_writes_nothing(cards: Any) -> None:
    cards = await cards()
    job = await cards.run("Ozola/a Kalns/muchtoolong", dry_run=True)
    assert found(job) == {"created": 1, "refused": 1}
    assert await cards.leads() == []


async def test_every_change_passes_the_rules_of_who_imports(cards: Any) -> None:
    cards = await cards()
    await cards.crm.put(CLERK)
    clerk = await cards.crm.user("clerk", "cards-clerk")
    await cards.run("Ozola/theirs")
    job = await cards.run("Kalns/mine Ozola/other", caller=clerk)
    assert found(job) == {"created": 1, "refused": 1}  # a contact that he does not see has that id already
    assert (await cards.crm.get("contact", (await cards.crm.find("lead", "name = 'mine'"))[0]["contact"]))["owner"]
    nobody = await cards.crm.user("nobody", "")
    assert (await refusal(cards.run("A/b", caller=nobody))).code == "not_found"


async def test_a_file_that_cannot_be_read_to_its_end_changes_nothing(cards: Any) -> None:
    cards = await cards()
    cards.file.write_text("XYZ", "utf-8")
    for text in ("A/b fail", "A/b write"):
        with pytest.raises(Error, match="failed at record 2") as raised:
            await cards.run(text)
        assert [(f.pointer, f.code) for f in raised.value.faults] == [("", "plugin_fault")]
    cards.file.write_text("XYZ", "utf-8")
    with pytest.raises(Error, match="This is no file of cards"):
        await cards.crm.kernel.imports.run("lead", cards.file, None, caller=cards.system)
    assert await cards.leads() == []


async def test_the_format_is_told_by_name_or_suffix(cards: Any) -> None:
    cards = await cards()
    run = cards.crm.kernel.imports.run
    other = cards.file.with_suffix(".txt")
    other.write_text("CRD A/b", "utf-8")
    refused = await refusal(run("lead", other, None, caller=cards.system))
    assert refused.faults == [("/columns/CRD A/b", "unknown_field")]
    assert found(await run("lead", other, None, caller=cards.system, format="cards")) == {"created": 1}
    with pytest.raises(Error, match="lead is not imported from 'card'; there are csv, cards") as raised:
        await run("lead", other, None, caller=cards.system, format="card")
    assert raised.value.faults[0].pointer == "/format"
    assert (await refusal(run("contact", other, None, caller=cards.system, format="cards"))).code == "invalid"
    cards.file.write_text("name\nx\n", "utf-8")
    assert found(await run("lead", cards.file, None, caller=cards.system, format="csv")) == {"created": 1}
