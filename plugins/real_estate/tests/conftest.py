"""An office to test with: a manager's kernel with this plugin, agents, buyers, listings on the market."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def crm_plugins() -> list[str]:
    """The plugins of the kernel that the fixture `crm` gives."""
    return ["real_estate"]


class Office:
    """Short words for what the tests write again and again. Times are hours from `NOW`."""

    def __init__(self, crm: Any) -> None:
        self.crm = crm

    async def create(self, entity: str, **values: Any) -> Any:
        return (await self.crm.write([{"create": {"values": values}}], entity=entity))[0]

    async def move(self, entity: str, record: Any, to: str, reason: str | None = None, **values: Any) -> Any:
        return await self.crm.move(entity, record["id"], to, reason=reason, values=values)

    async def update(self, entity: str, record: Any, **values: Any) -> Any:
        return (await self.crm.write([{"update": {"id": record["id"], "values": values}}], entity=entity))[0]

    async def agent(self, login: str = "janis") -> Any:
        return await self.create("user", login=login, name=login.title(), email=f"{login}@example.com", roles=["agent"])

    async def buyer(self, name: str = "Anna Kalniņa") -> Any:
        return await self.create("contact", name=name)

    async def listing(self, stage: str = "Active", **values: Any) -> Any:
        return await self.create("listing", stage=stage, **{"unparsed_address": "Brīvības iela 45, Rīga", **values})

    def slot(self, starts: float, hours: float = 1) -> dict[str, str]:
        start = NOW + timedelta(hours=starts)
        return {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=hours)).isoformat()}

    def booking(self, listing: Any, starts: float, hours: float = 1, **values: Any) -> dict[str, Any]:
        return {"create": {"values": {"listing": listing["id"], **self.slot(starts, hours), **values}}}

    async def book(self, listing: Any, starts: float, hours: float = 1, **values: Any) -> Any:
        return (await self.crm.write([self.booking(listing, starts, hours, **values)], entity="viewing"))[0]


@pytest.fixture
def office(crm: Any) -> Office:
    crm.clock.set(NOW)
    return Office(crm)
