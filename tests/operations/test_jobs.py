"""Imports that were sent: taken, seen by whom they concern, cancelled, gone on with, undone."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest

from crm_kernel import Change
from crm_kernel.callers import Caller
from crm_kernel.errors import Error
from crm_kernel.mappings import ImportMapping
from crm_kernel.testing import TestCrm
from tests.operations.conftest import refusal
from tests.operations.importing import PEOPLE, batches_of
from tests.operations.sending import KEEPER, Killed, Sending


@pytest.fixture
def crm_documents(crm_documents: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    return [*crm_documents, PEOPLE, KEEPER]


@pytest.fixture
def sending(crm: TestCrm) -> Sending:
    return Sending(crm)


@pytest.mark.contract("http-api.md#import-job")
async def test_a_file_becomes_a_job_that_tells_how_far_it_is(sending: Sending) -> None:
    id = await sending.take("number,amount\nA,1\nB,-1\n")
    waiting = await sending.jobs.get(id, sending.system)
    assert (waiting["state"], waiting["rows"], waiting["done"], waiting["undo"]) == ("queued", 2, 0, "no")
    assert sending.jobs.files.waiting() == [id]
    await sending.jobs.work(id)
    job = await sending.jobs.get(id, sending.system)
    assert {name: job[name] for name in ("id", "kind", "state", "rows", "undo", "errors_url")} == {
        "id": id,
        "kind": "import",
        "state": "done",
        "rows": 2,
        "undo": "possible",
        "errors_url": f"/api/jobs/{id}/errors.csv",
    }
    assert job["counts"] == {"created": 1, "updated": 0, "unchanged": 0, "skipped": 0, "refused": 1}
    assert [(e["row"], e["pointer"], e["code"]) for e in job["errors"]] == [(2, "/amount", "minimum")]
    assert await sending.pairs() == [("A", 1.0)]
    await sending.jobs.work(id)  # what has ended is left alone
    assert await sending.pairs() == [("A", 1.0)]


@pytest.mark.contract("http-api.md#job-seen-by")
async def test_whoever_sent_it_and_administrators_see_a_job(sending: Sending) -> None:
    crm = sending.crm
    anna, bert = await crm.user("anna", "keeper"), await crm.user("bert", "keeper")
    boss = await crm.user("root", "admin")
    id = await sending.take("number\nA\n", anna)
    for caller in (anna, boss, sending.system):
        assert (await sending.jobs.get(id, caller))["id"] == id
    elsewhere = msgspec.structs.replace(anna, entities=frozenset({"contact"}))
    for caller in (bert, elsewhere, Caller(roles=frozenset({"keeper"}))):
        for asked in (sending.jobs.get, sending.jobs.cancel, sending.jobs.undo):
            never = await refusal(asked("00000000-0000-7000-8000-000000000000", caller))
            hidden = await refusal(asked(id, caller))
            assert (hidden.code, hidden.error.detail.replace(id, "")) == (
                "not_found",
                never.error.detail.replace("00000000-0000-7000-8000-000000000000", ""),
            )


async def test_it_is_done_with_the_rights_he_has_then(sending: Sending) -> None:
    anna = await sending.crm.user("anna", "keeper")
    id = await sending.take("number\nA\n", anna)
    await sending.crm.write([Change.update("user", str(anna.id), {"active": False})])
    await sending.jobs.work(id)
    job = await sending.jobs.get(id, sending.system)
    assert (job["state"], job["errors"][0]["code"]) == ("failed", "forbidden")
    assert await sending.pairs() == []


@pytest.mark.contract("http-api.md#import-refused-at-once")
@pytest.mark.parametrize(
    ("text", "mapping", "code", "faults"),
    [
        ("number\n\xff", ImportMapping(encoding="ascii"), "bad_value", []),
        ("", None, "bad_value", []),
        ('number\n"A\n', None, "bad_value", []),
        ("nix\nA\n", None, "invalid", [("/mapping/columns/nix", "unknown_field")]),
        ("number\nA\n", ImportMapping(key=["amount"]), "invalid", [("/mapping/key/0", "required")]),
        ("number\nA\n", ImportMapping(columns={"N": "number"}), "invalid", [("/mapping/columns/N", "required")]),
    ],
)
async def test_what_can_be_told_at_once_is(
    sending: Sending, text: str, mapping: ImportMapping | None, code: str, faults: list[tuple[str, str]]
) -> None:
    refused = await refusal(sending.take(text, mapping=mapping))
    assert (refused.code, refused.faults) == (code, faults)
    assert sending.jobs.files.waiting() == []


async def test_a_denied_field_is_unknown(sending: Sending) -> None:
    anna = await sending.crm.user("anna", "keeper")
    refused = await refusal(sending.take("number,price\nA,1\n", anna))
    assert refused.faults == [("/mapping/columns/price", "unknown_field")]
    assert "price" not in str(refused.error.hint)


async def test_what_shows_late_in_a_large_file_ends_the_job(sending: Sending) -> None:
    id = await sending.take('number\nA\n"B', size=10**9)
    assert (await sending.jobs.get(id, sending.system))["rows"] == 0
    await sending.jobs.work(id)
    job = await sending.jobs.get(id, sending.system)
    assert (job["state"], job["errors"][0]["code"], job["undo"]) == ("failed", "bad_value", "no")
    assert await sending.pairs() == []


@pytest.mark.contract("http-api.md#import-dry-run")
async def test_a_dry_run_writes_nothing_and_tells_the_same(sending: Sending) -> None:
    job = await sending.done("number,amount\nA,1\nB,-1\n", dry_run=True)
    assert (job["state"], job["counts"]["created"], job["counts"]["refused"]) == ("done", 1, 1)
    assert (job["undo"], job["errors"][0]["row"]) == ("no", 2)
    assert await sending.pairs() == []
    assert (await refusal(sending.jobs.undo(job["id"], sending.system))).code == "conflict"


@pytest.mark.contract("http-api.md#job-errors")
async def test_refused_rows_as_csv_that_no_spreadsheet_runs(sending: Sending) -> None:
    job = await sending.done("number,amount\n=A1,-1\nB,2\nC,x\n")
    text = "".join([line async for line in sending.jobs.errors(job["id"], sending.system)])
    rows = list(csv.DictReader(text.splitlines()))
    assert [(r["number"], r["amount"], r["_row"], r["_pointer"], r["_code"]) for r in rows] == [
        ("'=A1", "'-1", "1", "/amount", "minimum"),
        ("C", "x", "3", "/amount", "type"),
    ]


@pytest.mark.contract("http-api.md#job-cancel")
async def test_a_job_is_cancelled_where_it_is(sending: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    id = await sending.take("number\nA\n")
    assert (await sending.jobs.cancel(id, sending.system))["state"] == "cancelled"
    await sending.jobs.work(id)
    assert await sending.pairs() == []
    assert (await refusal(sending.jobs.cancel(id, sending.system))).code == "conflict"
    batches_of(2, monkeypatch)
    id = await sending.take("number\nA\nB\nC\nD\nE\n")
    batch = sending.crm.kernel.imports._batch  # pyright: ignore[reportPrivateUsage]

    async def cancelled_after_one(task: Any, job: Any, *rest: Any) -> Any:
        if job.position == 2:
            await sending.jobs.cancel(id, sending.system)
        return await batch(task, job, *rest)

    monkeypatch.setattr(sending.crm.kernel.imports, "_batch", cancelled_after_one)
    await sending.jobs.work(id)
    job = await sending.jobs.get(id, sending.system)
    assert (job["state"], job["done"], job["counts"]["created"], job["undo"]) == ("cancelled", 2, 2, "possible")
    assert [n for n, _ in await sending.pairs()] == ["A", "B"]
    assert (await sending.undone(id))["state"] == "undone"
    assert await sending.pairs() == []


@pytest.mark.contract("http-api.md#job-goes-on")
async def test_a_job_goes_on_where_its_process_was_killed(sending: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    batches_of(2, monkeypatch)
    id = await sending.take("".join(["number\n", *(f"{n}\n" for n in range(9))]))
    batch = sending.crm.kernel.imports._batch  # pyright: ignore[reportPrivateUsage]

    async def killed_later(*args: Any) -> Any:
        if args[1].position == 4:
            raise Killed
        return await batch(*args)

    monkeypatch.setattr(sending.crm.kernel.imports, "_batch", killed_later)
    with pytest.raises(Killed):
        await sending.jobs.work(id)
    job = await sending.jobs.get(id, sending.system)
    assert (job["state"], job["done"]) == ("running", 4)
    assert (await refusal(sending.jobs.undo(id, sending.system))).code == "conflict"
    monkeypatch.setattr(sending.crm.kernel.imports, "_batch", batch)
    await sending.jobs.work(id)
    assert [n for n, _ in await sending.pairs()] == [str(n) for n in range(9)]
    assert (await sending.jobs.get(id, sending.system))["counts"]["created"] == 9


@pytest.mark.parametrize("text", ["number\n", "number\n\n"])
async def test_a_file_without_rows_is_done(sending: Sending, text: str) -> None:
    job = await sending.done(text)
    assert (job["state"], job["rows"], job["undo"]) == ("done", 0, "no")


async def test_a_disk_that_takes_no_file(sending: Sending) -> None:
    folder = sending.crm.kernel.settings.folder / "data" / "jobs"
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("no folder")
    with pytest.raises(Error) as caught, sending.jobs.files.draft("x"):
        pass
    assert caught.value.code == "disk_full"
