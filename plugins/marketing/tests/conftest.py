"""A marketing department to test with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def crm_plugins() -> list[str]:
    """The plugins of the kernel that the fixture `crm` gives."""
    return ["marketing"]


class Department:
    """Short words for what the tests write again and again."""

    def __init__(self, crm: Any) -> None:
        self.crm = crm

    async def create(self, entity: str, **values: Any) -> Any:
        return (await self.crm.write([{"create": {"values": values}}], entity=entity))[0]

    async def update(self, entity: str, record: Any, **values: Any) -> Any:
        return (await self.crm.write([{"update": {"id": record["id"], "values": values}}], entity=entity))[0]

    async def move(self, entity: str, record: Any, to: str, **values: Any) -> Any:
        return await self.crm.move(entity, record["id"], to, values=values)

    async def contact(self, name: str = "Anna", *, consent: str | None = "granted", **values: Any) -> Any:
        """A contact with an address, who agreed (or said what `consent` says)."""
        person = await self.create("contact", **{"name": name, "email": f"{name.lower()}@example.com", **values})
        if consent is not None:
            await self.said(person, consent)
        return person

    async def said(self, person: Any, status: str, days: float = -1, **values: Any) -> Any:
        """A consent record; `days` from now."""
        at = (self.crm.now() + timedelta(days=days)).isoformat()
        return await self.create("consent", **{"contact": person["id"], "status": status, "at": at, **values})

    async def campaign(self, filter: str | None = "name is not null", **values: Any) -> Any:
        """A draft to the contacts of a filter."""
        name = values.pop("name", "Spring")
        segment = await self.create("segment", name=f"{name} people", filter=filter)
        return await self.create("campaign", **{"name": name, "segment": segment["id"], **values})

    async def send(self, campaign: Any) -> dict[str, tuple[str, str | None]]:
        """Begins to send; the members: stage and reason by the name of the contact."""
        await self.move("campaign", campaign, "sending")
        await self.crm.deliver()
        return await self.members(campaign)

    async def members(self, campaign: Any) -> dict[str, tuple[str, str | None]]:
        found = await self.crm.find("campaign_member", "campaign = @param.id", id=campaign["id"], limit=10_000)
        people = {c["id"]: c["name"] for c in await self.crm.find("contact", limit=10_000)}
        assert len(found) == len({m["contact"] for m in found})
        return {people[m["contact"]]: (m["stage"], m["suppressed_reason"]) for m in found}


@pytest.fixture
def department(crm: Any) -> Department:
    crm.clock.set(NOW)
    return Department(crm)
