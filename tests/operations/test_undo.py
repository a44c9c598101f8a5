"""One change taken back: the opposite change, unless something was changed again."""

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel import Change, Error
from crm_kernel.operations.undoing import undoing
from crm_kernel.testing import TestCrm
from tests.operations.conftest import refusal


async def undo(crm: TestCrm, entity: str, id: str, version: int) -> Any:
    """The record after the change of a version was taken back, by the system."""
    kernel, caller = crm.kernel, crm.kernel.system("api")
    changes = await kernel.undo.of_version(entity, id, version, caller)
    return (await kernel.writer.write(changes, undoing(caller, f"version {version}")))[0].record


async def a_job(crm: TestCrm, **values: Any) -> str:
    return str((await crm.write([Change.create("job", values)]))[0]["id"])


async def test_a_change_of_fields(crm: TestCrm) -> None:
    values = {"number": "A", "amount": 0.1, "price": {"amount": 5.50, "currency": "EUR"}, "tags": ["x"]}
    id = await a_job(crm, **values)
    price = {"amount": 7, "currency": "USD"}
    await crm.write([Change.update("job", id, {"amount": 0.2, "price": price, "tags": None, "due": "2026-03-01"})])
    await crm.write([Change.update("job", id, {"number": "B"})])
    record = await undo(crm, "job", id, 2)
    assert (record["amount"], record["tags"], record["due"], record["number"]) == (0.1, ["x"], None, "B")
    assert (float(record["price"]["amount"]), record["price"]["currency"]) == (5.5, "EUR")
    entry = (await crm.kernel.reader.history("job", id, crm.kernel.system("api")))["items"][0]
    assert (entry["channel"], entry["cause"], entry["version"]) == ("undo", {"undo": "version 2"}, 4)
    assert set(entry["changes"]) == {"amount", "price", "tags", "due"}
    assert (await undo(crm, "job", id, 4))["amount"] == 0.2  # an undo is a change as any other


async def test_creation_deletion_and_restoration(crm: TestCrm) -> None:
    id = await a_job(crm, number="A")
    assert (await undo(crm, "job", id, 1))["deleted_at"] is not None
    assert (await undo(crm, "job", id, 2))["deleted_at"] is None
    assert (await undo(crm, "job", id, 3))["deleted_at"] is not None


async def test_a_move_goes_back_by_the_rules_of_moves(crm: TestCrm) -> None:
    contact = (await crm.write([Change.create("contact", {"name": "A", "do_not_contact": False})]))[0]["id"]
    id = await a_job(crm, amount=5, customer=contact)
    await crm.write([Change.move("job", id, "lost", reason="too dear", values={"amount": 6})])
    record = await undo(crm, "job", id, 2)
    assert (record["stage"], record["stage_reason"], record["amount"]) == ("new", None, 5)
    await crm.write([Change.move("job", id, "planned", values={"due": "2026-03-01"})])
    refused = await refusal(undo(crm, "job", id, 4))
    assert (refused.code, refused.faults) == ("move_refused", [("/stage", "no_transition")])


@pytest.mark.contract("http-api.md#undo-conflict")
async def test_what_was_changed_again_stands_against_it(crm: TestCrm) -> None:
    id = await a_job(crm, number="A", amount=1)
    await crm.write([Change.update("job", id, {"amount": 2, "number": "B", "secret": "s"})])
    await crm.write([Change.update("job", id, {"amount": 3})])
    for version, faults in ((2, [("/amount", "conflict"), ("/secret", "conflict")]), (1, [("", "conflict")])):
        refused = await refusal(undo(crm, "job", id, version))
        assert (refused.code, sorted(refused.faults)) == ("conflict", faults)
    await crm.write([Change.delete("job", id)])
    assert (await refusal(undo(crm, "job", id, 3))).faults == [("", "conflict")]
    assert (await crm.kernel.store.records.load(crm.kernel.database, crm.kernel.registry.entities["job"], [id]))[0][
        "amount"
    ] == 3


@pytest.mark.parametrize("version", [0, 2, -1, 2**63 - 1, 2**63, 10**40])
async def test_a_version_that_never_was(crm: TestCrm, version: int) -> None:
    id = await a_job(crm, number="A")
    assert (await refusal(undo(crm, "job", id, version))).code == "not_found"


async def test_a_record_that_changes_meanwhile_is_left_alone(crm: TestCrm) -> None:
    id = await a_job(crm, number="A", amount=1)
    await crm.write([Change.update("job", id, {"amount": 2})])
    [change] = await crm.kernel.undo.of_version("job", id, 2, crm.kernel.system("api"))
    await crm.write([Change.update("job", id, {"number": "B"})])
    with pytest.raises(Error) as refused:
        await crm.kernel.writer.write([change], crm.kernel.system("api"))
    assert refused.value.code == "stale"
