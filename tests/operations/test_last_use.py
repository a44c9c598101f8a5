from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from crm_kernel.errors import Error
from crm_kernel.operations import last_use
from crm_kernel.operations.identity import Identity
from crm_kernel.operations.last_use import LastUse
from crm_kernel.storage import tokens
from crm_kernel.testing import TestCrm

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


async def last_used(identity: Identity) -> list[str | None]:
    return [token["last_used_at"] for token in await identity.tokens("ilze")]


async def test_the_last_use_is_written_down_when_the_kernel_is_closed(crm: TestCrm) -> None:
    crm.clock.set(NOW)
    identity = crm.kernel.identity
    await identity.add_user("ilze")
    token = (await identity.create_token("ilze", "laptop"))[1]
    await identity.caller_for_token(token)
    assert await last_used(identity) == [None]
    await identity.close()
    assert await last_used(identity) == ["2026-03-01T12:00:00Z"]
    await identity.close()


async def test_it_is_written_down_in_the_background_once_a_minute(
    crm: TestCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = crm.kernel.identity
    await identity.add_user("ilze")
    id, _ = await identity.create_token("ilze", "laptop")
    monkeypatch.setattr(last_use, "INTERVAL", 0.0)
    use = LastUse(crm.kernel, tokens.touch, "tokens")
    use.note(id, NOW)
    (task,) = [task for task in asyncio.all_tasks() if task.get_name() == "crm-last-use"]
    await task
    assert await last_used(identity) == ["2026-03-01T12:00:00Z"]


async def test_a_failure_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        class Database:
            async def write(self, _work: object) -> None:
                raise Error("busy")

        database = Database()

    use = LastUse(Broken(), tokens.touch, "tokens")  # type: ignore[arg-type]
    use.note("x", NOW)
    await use.close()
    assert "could not be written down" in caplog.text
