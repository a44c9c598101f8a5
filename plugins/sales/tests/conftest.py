"""A sales office to test with: the kernel with this plugin, and short words for what tests write again and again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from crm_kernel import Error

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def crm_plugins() -> list[str]:
    """The plugins of the kernel that the fixture `crm` gives."""
    return ["sales"]


class Office:
    """What salespeople do."""

    def __init__(self, crm: Any) -> None:
        self.crm = crm

    async def create(self, entity: str, **values: Any) -> Any:
        return (await self.crm.write([{"create": {"values": values}}], entity=entity))[0]

    async def update(self, entity: str, record: Any, **values: Any) -> Any:
        return (await self.crm.write([{"update": {"id": record["id"], "values": values}}], entity=entity))[0]

    async def move(
        self, record: Any, to: str, reason: str | None = None, *, entity: str = "deal", **values: Any
    ) -> Any:
        return await self.crm.move(entity, record["id"], to, reason=reason, values=values)

    async def lead(self, **values: Any) -> Any:
        return await self.create("lead", **values)

    async def deal(self, **values: Any) -> Any:
        return await self.create("deal", **{"name": "Server", **values})

    async def qualify(self, *leads: Any) -> list[Any]:
        """Move leads to qualified in one batch."""
        moves = [{"move": {"id": lead["id"], "to": "qualified"}} for lead in leads]
        return await self.crm.write(moves, entity="lead")

    async def counts(self) -> tuple[int, int, int]:
        """How many companies, contacts and deals there are."""
        return tuple([await self.crm.count(entity) for entity in ("company", "contact", "deal")])  # type: ignore[return-value]


@pytest.fixture
def office(crm: Any) -> Office:
    crm.clock.set(NOW)
    return Office(crm)


def eur(amount: str | float) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


def faults(error: pytest.ExceptionInfo[Error]) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in error.value.faults]
