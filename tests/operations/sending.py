"""Words of the tests of jobs: texts sent as files, and jobs done and undone."""

from __future__ import annotations

from typing import Any

from crm_kernel.callers import Caller
from crm_kernel.operations.jobs import Jobs, Sent
from crm_kernel.testing import TestCrm

KEEPER = {
    "kind": "role",
    "name": "keeper",
    "grants": [
        {
            "entity": "job",
            "actions": ["read", "create", "update", "delete", "move", "import"],
            "where": "owner = @me",
            "fields": {"deny": ["price"]},
        }
    ],
}


class Killed(Exception):
    """What ends a process in the middle of a job."""


class Sending:
    """Sends texts as files."""

    def __init__(self, crm: TestCrm) -> None:
        self.crm = crm
        self.jobs: Jobs = crm.kernel.jobs
        self.system = crm.kernel.system("import")

    async def take(self, text: str, caller: Caller | None = None, **options: Any) -> str:
        """The id of the job that waits."""
        id, raw = self.crm.kernel.store.new_id(), text.encode()
        with self.jobs.files.draft(id) as file:
            file.write(raw)
            file.flush()
            sent = Sent(id, "jobs.csv", options.pop("size", len(raw)), **options)
            job = await self.jobs.take("job", sent, caller or self.system)
        assert (job["id"], job["state"]) == (id, "queued")
        return id

    async def done(self, text: str, caller: Caller | None = None, **options: Any) -> dict[str, Any]:
        """The job once it is done."""
        id = await self.take(text, caller, **options)
        await self.jobs.work(id)
        return await self.jobs.get(id, caller or self.system)

    async def undone(self, id: str, caller: Caller | None = None) -> dict[str, Any]:
        """The job once it is undone."""
        assert (await self.jobs.undo(id, caller or self.system))["state"] == "queued"
        await self.jobs.work(id)
        return await self.jobs.get(id, caller or self.system)

    async def pairs(self) -> list[tuple[Any, Any]]:
        """Number and amount of all live records."""
        return [(j["number"], j["amount"]) for j in await self.crm.find("job", sort="number", limit=500)]
