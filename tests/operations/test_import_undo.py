"""A whole import taken back: created records go, changed ones are as before, what was edited since stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.operations import import_undo
from crm_kernel.testing import TestCrm
from tests.operations.conftest import MakeCrm, refusal
from tests.operations.importing import BY_NUMBER, PEOPLE, batches_of
from tests.operations.sending import KEEPER, Killed, Sending


@pytest.fixture
def crm_documents(crm_documents: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    return [*crm_documents, PEOPLE, KEEPER]


@pytest.fixture
def sending(crm: TestCrm) -> Sending:
    return Sending(crm)


async def history_of(crm: TestCrm, id: str) -> list[dict[str, Any]]:
    return (await crm.kernel.reader.history("job", id, crm.kernel.system("api")))["items"]


async def id_of(crm: TestCrm, number: str) -> str:
    return str((await crm.find("job", f"number = '{number}'"))[0]["id"])


@pytest.mark.contract("http-api.md#job-undo")
async def test_created_records_go_and_changed_ones_are_put_back(sending: Sending) -> None:
    crm = sending.crm
    await crm.write([Change.create("job", {"number": "A", "amount": 1, "tags": ["x"]})])
    await crm.write([Change.create("job", {"number": "B", "amount": 2})])
    text = 'number,amount,tags\nA,10,\nB,2,\nC,3,\nA,11,"[""y""]"\nD,4,\nD,5,\n'
    job = await sending.done(text, mapping=BY_NUMBER, on_duplicate="update")
    assert {n: c for n, c in job["counts"].items() if c} == {"created": 2, "updated": 3, "unchanged": 1}
    assert job["undo"] == "possible"
    undone = await sending.undone(job["id"])
    assert (undone["state"], undone["undo"], undone["errors"]) == ("undone", "no", [])
    assert undone["undone"] == {"records": 3, "refused": 0}
    assert undone["counts"] == job["counts"]
    assert await sending.pairs() == [("A", 1.0), ("B", 2.0)]
    record = (await crm.find("job", "number = 'A'"))[0]
    assert record["tags"] == ["x"]
    entry = (await history_of(crm, str(record["id"])))[0]
    assert (entry["channel"], entry["cause"], entry["action"]) == (
        "undo",
        {"undo": f"job {job['id']}"},
        "update",
    )
    assert (await refusal(sending.jobs.undo(job["id"], sending.system))).code == "conflict"


@pytest.mark.contract("http-api.md#job-undo-partly")
async def test_what_was_edited_since_stays_and_is_named(sending: Sending) -> None:
    crm = sending.crm
    await crm.write([Change.create("job", {"number": n, "amount": 1}) for n in "ABC"])
    job = await sending.done("number,amount\nA,2\nB,2\nC,2\nD,2\nE,2\n", mapping=BY_NUMBER, on_duplicate="update")
    await crm.write([Change.update("job", await id_of(crm, "A"), {"amount": 3})])
    await crm.write([Change.update("job", await id_of(crm, "B"), {"due": "2026-03-01"})])  # another field
    await crm.write([Change.update("job", await id_of(crm, "D"), {"amount": 3})])
    await crm.write([Change.delete("job", await id_of(crm, "C"))])
    assert (await sending.jobs.get(job["id"], sending.system))["undo"] == "partly"
    a, d = await id_of(crm, "A"), await id_of(crm, "D")
    undone = await sending.undone(job["id"])
    assert (undone["state"], undone["undone"]) == ("undone", {"records": 2, "refused": 3})
    assert await sending.pairs() == [("A", 3.0), ("B", 1.0), ("D", 3.0)]
    told = {e["record"]: (e["pointer"], e["code"]) for e in undone["errors"]}
    assert (told[a], told[d]) == (("/amount", "conflict"), ("", "conflict"))
    assert sorted(code for _, code in told.values()) == ["conflict", "conflict", "not_found"]
    text = "".join([line async for line in sending.jobs.errors(job["id"], sending.system)])
    assert text.count("conflict") == 2


async def test_nothing_to_undo_where_all_was_edited_since(sending: Sending) -> None:
    job = await sending.done("number\nA\n")
    await sending.crm.write([Change.update("job", await id_of(sending.crm, "A"), {"amount": 3})])
    assert (await sending.jobs.get(job["id"], sending.system))["undo"] == "no"
    refused = await refusal(sending.jobs.undo(job["id"], sending.system))
    assert (refused.code, "changed since" in refused.error.detail) == ("conflict", True)


async def test_edits_of_others_between_two_rows_of_one_record(
    sending: Sending,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crm = sending.crm
    batches_of(1, monkeypatch)
    await crm.write([Change.create("job", {"number": "A", "amount": 1})])
    batch = crm.kernel.imports._batch  # pyright: ignore[reportPrivateUsage]

    async def edited_between(task: Any, job: Any, *rest: Any) -> Any:
        if job.position == 2:
            for number in "AB":
                await crm.write([Change.update("job", await id_of(crm, number), {"amount": 7})])
        return await batch(task, job, *rest)

    monkeypatch.setattr(crm.kernel.imports, "_batch", edited_between)
    job = await sending.done("number,amount\nA,2\nB,2\nA,3\nB,3\n", mapping=BY_NUMBER, on_duplicate="update")
    monkeypatch.setattr(import_undo, "ENTRIES", 1)
    undone = await sending.undone(job["id"])
    assert (job["undo"], undone["state"], undone["undone"]) == ("partly", "done", {"records": 0, "refused": 2})
    assert sorted(e["pointer"] for e in undone["errors"]) == ["", "/amount"]
    assert await sending.pairs() == [("A", 3.0), ("B", 3.0)]


async def test_it_is_undone_in_batches_and_goes_on(
    sending: Sending,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crm = sending.crm
    await crm.write([Change.create("job", {"number": str(n), "amount": 0}) for n in range(5)])
    rows = "".join(f"{n},{n + 1}\n" for n in (*range(9), *range(9)))
    job = await sending.done(f"number,amount\n{rows}3,99\n", mapping=BY_NUMBER, on_duplicate="update")
    monkeypatch.setattr(import_undo, "ENTRIES", 3)
    write, calls = crm.kernel.jobs._undo._write, 0  # pyright: ignore[reportPrivateUsage]

    async def killed(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls % 2 == 0:
            raise Killed
        return await write(*args)

    monkeypatch.setattr(crm.kernel.jobs._undo, "_write", killed)  # pyright: ignore[reportPrivateUsage]
    await sending.jobs.undo(job["id"], sending.system)
    for _ in range(20):
        try:
            await sending.jobs.work(job["id"])
            break
        except Killed:
            continue
    undone = await sending.jobs.get(job["id"], sending.system)
    assert (undone["state"], undone["undone"]) == ("undone", {"records": 9, "refused": 0})
    assert await sending.pairs() == [(str(n), 0.0) for n in range(5)]
    ids = await crm.kernel.database.read(
        "SELECT record, count(*) FROM crm_history WHERE channel = 'undo' GROUP BY record"
    )
    assert sorted(count for _, count in ids) == [1] * 9


async def test_an_undo_that_was_cancelled_goes_on_when_it_is_asked_for_again(
    sending: Sending,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = await sending.done("".join(["number\n", *(f"{n}\n" for n in range(6))]))
    monkeypatch.setattr(import_undo, "ENTRIES", 2)
    write, calls = sending.jobs._undo._write, 0  # pyright: ignore[reportPrivateUsage]

    async def cancelled(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            await sending.jobs.cancel(job["id"], sending.system)
        return await write(*args)

    monkeypatch.setattr(sending.jobs._undo, "_write", cancelled)  # pyright: ignore[reportPrivateUsage]
    half = await sending.undone(job["id"])
    assert (half["state"], half["undone"]["records"], half["undo"]) == ("cancelled", 2, "possible")
    assert (await sending.undone(job["id"]))["undone"] == {"records": 6, "refused": 0}
    assert await sending.pairs() == []


async def test_he_undoes_with_his_own_rights(sending: Sending) -> None:
    crm = sending.crm
    anna = await crm.user("anna", "importer")  # may create and import, not delete
    job = await sending.done("number\nA\nB\n", anna)
    refused = await sending.undone(job["id"], anna)
    assert (refused["state"], refused["undone"]) == ("done", {"records": 0, "refused": 2})
    assert {e["code"] for e in refused["errors"]} == {"forbidden"}
    await crm.write([Change.update("job", await id_of(crm, "A"), {"owner": None})])
    hidden = await sending.undone(job["id"], anna)
    assert sorted(e["code"] for e in hidden["errors"]) == ["forbidden", "not_found"]
    keeper = await sending.undone(job["id"])
    assert (keeper["state"], keeper["undone"]) == ("undone", {"records": 1, "refused": 1})


async def test_what_hooks_did_with_an_import_goes_too(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        """
        class Box(Entity, name="job"):
            number: str | None = None
            note: str | None = None
        @hookimpl
        def register_entities():
            return [Box]
        @hookimpl
        async def before_write(batch):
            for change in batch.of("job"):
                if change.is_new():
                    change.amend(note="seen")
                    batch.add(Change.create("contact", {"name": change.after.number}))
        """
    )
    sending = Sending(crm)
    job = await sending.done("number\nA\nB\n")
    assert await crm.count("contact") == 2
    undone = await sending.undone(job["id"])
    assert undone["undone"] == {"records": 4, "refused": 0}
    assert (await crm.count("contact"), await crm.count("job")) == (0, 0)
