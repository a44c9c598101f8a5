"""The names of the events of a record's life."""

from __future__ import annotations

import pytest

from crm_kernel import Change
from crm_kernel.testing import TestCrm


@pytest.mark.contract("cli.md#event-names")
async def test_each_change_has_its_event(crm: TestCrm) -> None:
    (job,) = await crm.write([Change.create("job", {"due": "2026-01-01", "amount": 1})])
    id = job["id"]
    await crm.write([Change.update("job", id, {"amount": 2})])
    await crm.move("job", id, "lost", reason="no answer")
    await crm.write([Change.delete("job", id)])
    await crm.write([Change.restore("job", id)])
    await crm.write([Change.purge("job", id)])
    rows = await crm.kernel.database.read("SELECT type FROM crm_outbox WHERE record = ? ORDER BY seq", (id,))
    assert [row[0].removeprefix("record.") for row in rows] == ["created", "updated", "moved", "deleted", "restored"]
