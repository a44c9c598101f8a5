"""A changed formula or rollup is computed for stored records in the background: resumed, superseded, by one process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.kernel import Kernel
from crm_kernel.operations import recompute
from crm_kernel.testing import TestCrm
from tests.operations.computing import BILL, DOCUMENTS, LINE, STAGES, changed, everything, expected, shown
from tests.operations.conftest import refusal


@pytest.fixture
def crm_documents() -> Sequence[Mapping[str, Any]]:
    return DOCUMENTS


@pytest.fixture
def crm(crm: TestCrm) -> TestCrm:
    crm.kernel.recompute.settle = 0
    return crm


def twice() -> dict[str, Any]:
    """The lines, their total by another formula."""
    return changed(LINE, total={"x-crm": {"money": True, "formula": "price * quantity * 2"}})


async def apply(crm: TestCrm, *bodies: Mapping[str, Any]) -> str | None:
    answer = await crm.kernel.documents.put_all(bodies, crm.kernel.system("api"))
    assert answer["applied"]
    return answer["job"]


async def filled(crm: TestCrm, lines: int) -> str:
    """A contact with one bill of so many lines; the bill."""
    contact = (await crm.write([Change.create("contact", {"name": "c"})]))[0]["id"]
    bill = str((await crm.write([Change.create("bill", {"customer": contact})]))[0]["id"])
    values = {"bill": bill, "about": contact, "price": {"amount": "2.50", "currency": "EUR"}, "quantity": 2}
    await crm.write([Change.create("line", {**values, "weight": n / 4}) for n in range(lines)])
    return bill


async def job(crm: TestCrm, id: str | None) -> dict[str, Any]:
    return await crm.kernel.jobs.get(str(id), crm.kernel.system("api"))


@pytest.mark.contract("documents.md#recompute")
async def test_stored_records_follow_a_changed_formula_and_all_that_is_made_of_it(crm: TestCrm) -> None:
    bill = await filled(crm, 3)
    await crm.write([Change.delete("line", (await crm.find("line"))[0]["id"])])
    before = await crm.get("bill", bill)
    id = await apply(crm, twice())
    waiting = await job(crm, id)
    assert (waiting["kind"], waiting["state"], waiting["rows"], waiting["done"]) == ("recompute", "queued", 3, 0)
    assert waiting["fields"] == ["line.total"]
    assert (await crm.get("bill", bill))["sum"] == before["sum"]  # meanwhile what is stored
    assert await crm.kernel.recompute.finish() is None
    assert (await job(crm, id))["state"] == "done"
    stored = await everything(crm)
    doubled = {
        id: {**line, "price": {**line["price"], "amount": line["price"]["amount"] * 2}}
        for id, line in stored["line"].items()
    }
    wanted = expected({**stored, "line": doubled})
    wanted[f"bill {bill}"]["dearest"] = before["dearest"]
    assert shown(stored) == wanted
    assert {r["version"] for r in stored["line"].values()} == {1, 2}  # the deletion alone made a version
    entries = await crm.kernel.reader.history("bill", bill, crm.kernel.system("api"))
    assert [e["version"] for e in entries["items"]] == [1]


async def test_a_new_rollup_counts_what_is_there_and_nothing_is_done_twice(crm: TestCrm) -> None:
    bill = await filled(crm, 4)
    count = {"type": "integer", "x-crm": {"rollup": {"of": "lines", "measure": "count"}}}
    id = await apply(crm, changed(BILL, lines_count=count))
    assert (await crm.get("bill", bill))["lines_count"] is None
    await crm.kernel.recompute.finish()
    assert (await crm.get("bill", bill))["lines_count"] == 4
    assert (await job(crm, id))["counts"]["updated"] == 1
    assert await crm.kernel.recompute.note() is None
    assert await apply(crm, changed(BILL, lines_count={**count, "title": "Lines"})) is None  # computes the same


async def test_where_there_are_no_records_there_is_nothing_to_compute(crm: TestCrm) -> None:
    assert await apply(crm, twice()) is None
    await filled(crm, 1)
    assert await crm.kernel.recompute.note() is None


class Killed(Exception):
    """Stands for the end of the process."""


async def killed_after(crm: TestCrm, batches: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process computes anew, in batches of three records, and ends in the middle of a batch."""
    another = await Kernel.open(crm.kernel.settings)
    another.recompute.settle = 0
    done = 0

    async def follow(*_: Any) -> None:
        nonlocal done
        done += 1
        if done > batches:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(recompute, "BATCH", 3)
        patch.setattr(recompute, "ROOM", 1000)
        patch.setattr(recompute, "follow", follow)
        with pytest.raises(Killed):
            await another.recompute.finish()
    await another.close()


async def finished(crm: TestCrm) -> None:
    """Compute all, once nobody else does any more."""
    for _ in range(100):
        if await crm.kernel.recompute.finish() is None:
            return
        await asyncio.sleep(0.02)
    pytest.fail("another process keeps computing")


@pytest.mark.contract("documents.md#recompute-resumed")
async def test_a_process_that_is_ended_is_gone_on_for_by_the_next(
    crm: TestCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(crm, 10)
    id = await apply(crm, twice())
    await killed_after(crm, 2, monkeypatch)
    half = await job(crm, id)
    assert (half["state"], half["done"], half["rows"]) == ("running", 6, 10)
    lines = (await everything(crm))["line"].values()
    assert sorted(float(line["total"]["amount"]) for line in lines) == [5.0] * 4 + [10.0] * 6
    await finished(crm)
    ended = await job(crm, id)
    assert (ended["state"], ended["done"], ended["counts"]["updated"]) == ("done", 10, 10)
    assert {float(line["total"]["amount"]) for line in (await everything(crm))["line"].values()} == {10.0}


async def test_a_definition_that_is_changed_meanwhile_has_a_job_of_its_own(
    crm: TestCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(crm, 10)
    first = await apply(crm, twice())
    await killed_after(crm, 1, monkeypatch)
    second = await apply(crm, changed(LINE, total={"x-crm": {"money": True, "formula": "price * 4"}}))
    assert first != second
    assert (await job(crm, first))["state"] == "cancelled"
    await finished(crm)
    assert {float(line["total"]["amount"]) for line in (await everything(crm))["line"].values()} == {10.0}


async def test_a_definition_that_comes_back_is_computed_too(crm: TestCrm, monkeypatch: pytest.MonkeyPatch) -> None:
    bill = await filled(crm, 7)
    body = changed(BILL, pieces={"type": "integer", "x-crm": {"rollup": {
        "of": "lines", "measure": "sum", "field": "quantity", "where": "weight > 1"}}})  # fmt: skip
    await apply(crm, twice(), body)
    await killed_after(crm, 1, monkeypatch)
    values = {"bill": bill, "quantity": 5, "weight": 0}
    await crm.write([Change.create("line", values)])  # by the definition that goes again
    assert await apply(crm, LINE, BILL) is not None
    await finished(crm)
    stored = await everything(crm)
    assert shown(stored) == expected(stored)


async def test_a_field_that_was_away_is_computed_when_it_comes_back(crm: TestCrm) -> None:
    extra = {"kind": "fields", "name": "extra", "entity": "line",
             "schema": {"properties": {"half": {"type": "number", "x-crm": {"formula": "quantity / 2"}}}}}  # fmt: skip
    await filled(crm, 1)
    await apply(crm, extra)
    await crm.kernel.recompute.finish()
    [line] = await crm.find("line")
    assert line["half"] == 1.0
    await crm.kernel.documents.delete("fields", "extra", crm.kernel.system("api"))
    await crm.write([Change.update("line", line["id"], {"quantity": 8})])
    assert await apply(crm, extra) is not None
    await crm.kernel.recompute.finish()
    assert (await crm.get("line", line["id"]))["half"] == 4.0


async def test_writers_are_not_kept_waiting_and_write_by_the_new_definition(
    crm: TestCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    bill = await filled(crm, 60)
    await apply(crm, twice())
    monkeypatch.setattr(recompute, "BATCH", 4)
    running = asyncio.create_task(crm.kernel.recompute.finish())
    written = 0
    while not running.done():
        await crm.write([Change.create("line", {"bill": bill, "price": {"amount": 1}, "quantity": 1})])
        written += 1
        await asyncio.sleep(0.001)
    await running
    assert written > 3
    stored = await everything(crm)
    assert {float(line["total"]["amount"]) for line in stored["line"].values()} == {2.0, 10.0}
    amounts = [line["taxed"]["amount"] for line in stored["line"].values()]
    assert stored["bill"][bill]["sum"]["amount"] == sum(amounts)


async def test_the_job_is_for_who_may_change_documents_and_is_not_cancelled(crm: TestCrm) -> None:
    await filled(crm, 1)
    id = str(await apply(crm, twice()))
    boss, clerk = await crm.user("boss", "admin"), await crm.user("clerk")
    assert (await crm.kernel.jobs.get(id, boss))["id"] == id
    assert (await refusal(crm.kernel.jobs.get(id, clerk))).code == "not_found"
    assert (await refusal(crm.kernel.jobs.cancel(id, boss))).code == "conflict"
    assert (await refusal(crm.kernel.jobs.undo(id, boss))).code == "conflict"
    assert (await refusal(crm.kernel.jobs.cancel(id, clerk))).code == "not_found"


async def test_another_process_may_still_write_by_the_former_definition_at_first(
    crm: TestCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(crm, 1)
    await apply(crm, twice())
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(recompute.asyncio, "sleep", sleep)
    crm.kernel.recompute.settle = 5
    await crm.kernel.recompute.finish()
    assert 4 < waited[0] <= 5


async def test_a_record_without_changes_is_not_written(crm: TestCrm) -> None:
    """So that a job over a million records writes those that it concerns."""
    await filled(crm, 2)
    id = await apply(crm, changed(LINE, total={"x-crm": {"money": True, "formula": "price * quantity * 1"}}))
    await crm.kernel.recompute.finish()
    assert (await job(crm, id))["counts"] == {"created": 0, "updated": 0, "unchanged": 2, "skipped": 0, "refused": 0}


async def test_a_stage_that_a_document_gives_to_stored_records_is_computed_with_it(crm: TestCrm) -> None:
    bill = await filled(crm, 2)
    late = [{"name": "late", "type": "open"}, *STAGES["stages"]]  # type: ignore[misc]
    await apply(crm, {**STAGES, "stages": late})
    for line in await crm.find("line"):
        await crm.write([Change.move("line", line["id"], "late")])
    assert (await crm.get("bill", bill))["done"] == 0
    await apply(crm, {**STAGES, "remap": {"late": "done"}})
    stored = await everything(crm)
    assert shown(stored) == expected(stored)
    assert (await crm.get("bill", bill))["done"] == 2
