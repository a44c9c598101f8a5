"""A dealership to test with: a kernel with this plugin, vehicles in stock, people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crm_kernel import Error

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def crm_plugins() -> list[str]:
    """The plugins of the kernel that the fixture `crm` gives."""
    return ["automotive"]


@pytest.fixture(scope="session")
def shared_file() -> Callable[[str], Path]:
    """Finds a file of `shared/data` beside the repository; the test is skipped where it is not there."""

    def find(name: str) -> Path:
        path = Path(__file__).resolve().parents[4] / "shared" / "data" / name
        if not path.exists():
            pytest.skip("the shared collections of data are not here")
        return path

    return find


def codes(error: pytest.ExceptionInfo[Error]) -> list[tuple[str, str]]:
    """Pointer and code of each fault."""
    return [(fault.pointer, fault.code) for fault in error.value.faults]


class Dealer:
    """Short words for what the tests write again and again. Times are hours from `NOW`."""

    def __init__(self, crm: Any) -> None:
        self.crm = crm
        self.own = crm.kernel.crm("automotive")

    async def create(self, entity: str, **values: Any) -> Any:
        return (await self.crm.write([{"create": {"values": values}}], entity=entity))[0]

    async def move(self, entity: str, record: Any, to: str, reason: str | None = None, **values: Any) -> Any:
        return await self.crm.move(entity, record["id"], to, reason=reason, values=values)

    async def update(self, entity: str, record: Any, **values: Any) -> Any:
        return (await self.crm.write([{"update": {"id": record["id"], "values": values}}], entity=entity))[0]

    async def vehicle(self, **values: Any) -> Any:
        return await self.create("vehicle", **{"make": "Volvo", "model": "XC60", **values})

    async def unit(self, stage: str = "AVAILABLE", **values: Any) -> Any:
        vehicle = values.pop("vehicle", None) or (await self.vehicle())["id"]
        return await self.create("vehicle_unit", vehicle=vehicle, stage=stage, **values)

    async def customer(self, name: str = "Anna Kalniņa", **values: Any) -> Any:
        return await self.create("contact", name=name, **values)

    async def salesperson(self, login: str = "janis") -> Any:
        return await self.create("user", login=login, name=login.title(), roles=["car_sales"])

    def drive(self, unit: Any, contact: Any, starts: float, hours: float = 1, **values: Any) -> dict[str, Any]:
        start = NOW + timedelta(hours=starts)
        times = {"starts_at": start.isoformat(), "ends_at": (start + timedelta(hours=hours)).isoformat()}
        return {"create": {"values": {"unit": unit["id"], "contact": contact["id"], **times, **values}}}

    async def book(self, unit: Any, contact: Any, starts: float, hours: float = 1, **values: Any) -> Any:
        return (await self.crm.write([self.drive(unit, contact, starts, hours, **values)], entity="test_drive"))[0]


@pytest.fixture
def dealer(crm: Any) -> Dealer:
    crm.clock.set(NOW)
    return Dealer(crm)
