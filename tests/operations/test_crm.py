"""What plugins work with after the commit: `crm`."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from crm_kernel import Change, Error, Money
from crm_kernel.operations.crm import Crm
from crm_kernel.storage import keys
from crm_kernel.testing import TestCrm
from tests.operations.conftest import MakeCrm, refusal
from tests.operations.item_shop import CREATED, create, item_shop

CLERK = """
@hookimpl
def register_roles():
    return [{"kind": "role", "name": "clerk", "grants": [
        {"entity": "item", "actions": ["read", "create", "update"], "where": "owner = @me"}]}]
"""


@pytest.fixture
async def shop(with_plugin: MakeCrm) -> TestCrm:
    return await with_plugin(CREATED + CLERK)


@pytest.fixture
def crm_of_shop(shop: TestCrm) -> Crm:
    """What the plugin `shop` is given."""
    return shop.kernel.crm("shop")


async def entries(crm: TestCrm, id: str) -> list[dict[str, Any]]:
    return (await crm.kernel.reader.history("item", id, crm.kernel.system("cli")))["items"]


@pytest.mark.contract("hooks.md#crm-write")
async def test_write_takes_changes_of_both_forms_and_gives_records(crm_of_shop: Crm) -> None:
    (made,) = await crm_of_shop.write([Change.create("item", name="A", cost=Money(Decimal("9.90"), "EUR"))])
    assert made["cost"] == {"amount": Decimal("9.90"), "currency": "EUR"}
    assert made.cost == Money(Decimal("9.90"), "EUR")
    assert (made["stage"], made["version"]) == ("in", 1)
    both = await crm_of_shop.write(
        [{"create": {"values": {"name": "B"}}}, {"update": {"id": made["id"], "values": {"price": 2}}}], entity="item"
    )
    assert [(record.name, record.price) for record in both] == [("B", None), ("A", 2.0)]
    with pytest.raises(TypeError, match="entity="):
        await crm_of_shop.write([{"create": {"values": {"name": "B"}}}])


@pytest.mark.contract("hooks.md#crm-write")
async def test_write_is_atomic(crm_of_shop: Crm) -> None:
    refused = await refusal(crm_of_shop.write([Change.create("item", name="A"), Change.create("item", price=-1)]))
    assert refused.rows == [(2, "/name", "required")]
    assert await crm_of_shop.count("item") == 0


async def test_with_a_key_it_is_done_once(shop: TestCrm, crm_of_shop: Crm) -> None:
    changes = [Change.create("item", name="A"), Change.create("contact", name="Anna")]
    first = await crm_of_shop.write(changes, key="import-7")
    await shop.write([Change.update("item", first[0]["id"], name="B"), Change.purge("contact", first[1]["id"])])
    again = await crm_of_shop.write(changes, key="import-7")
    assert [record["id"] for record in again] == [record["id"] for record in first]
    assert (again[0].name, again[0]["version"], dict(again[1])) == ("B", 2, {"id": first[1]["id"]})
    kept = await keys.find(shop.kernel.database, "plugin:shop", "import-7")
    assert "Anna" not in str(kept)  # what is erased does not live on in the key
    two = await asyncio.gather(*(crm_of_shop.write([Change.create("item", name="C")], key="one") for _ in range(2)))
    assert two[0][0]["id"] == two[1][0]["id"]
    assert await shop.count("item") == 2


@pytest.mark.contract("hooks.md#crm-find")
async def test_find_get_count_move(crm_of_shop: Crm) -> None:
    await crm_of_shop.write([Change.create("item", name=name, price=n) for n, name in enumerate("ABC")])
    found = await crm_of_shop.find("item", "price >= @param.least", sort="-price", limit=1, least=1)
    assert [record.name for record in found] == ["C"]
    assert await crm_of_shop.count("item", "name in @param.names", names=["A", "B", "x"]) == 2
    one = await crm_of_shop.get("item", found[0].id)
    assert dict(one) == dict(found[0])
    moved = await crm_of_shop.move("item", one.id, "out", values={"price": 9})
    assert (moved["stage"], moved["price"]) == ("out", 9.0)
    for wrong in (crm_of_shop.get("item", "0190e1f5-0000-7000-8000-000000000000"), crm_of_shop.find("itm")):
        assert (await refusal(wrong)).code == "not_found"


@pytest.mark.contract("hooks.md#crm-actor")
async def test_it_acts_as_the_plugin_and_history_says_so(shop: TestCrm, crm_of_shop: Crm) -> None:
    id = (await crm_of_shop.write([Change.create("item", name="A")]))[0]["id"]
    (entry,) = await entries(shop, id)
    assert (entry["actor"], entry["channel"], entry["cause"]) == (None, "plugin", {"plugin": "shop"})
    assert (await shop.get("item", id))["owner"] is None


@pytest.mark.contract("hooks.md#crm-actor")
async def test_as_user_it_has_his_rights_only(shop: TestCrm, crm_of_shop: Crm) -> None:
    user = await shop.user("ilze", "clerk")
    foreign = await create(shop, name="foreign")
    mine = (await crm_of_shop.write([Change.create("item", name="mine")], as_user="ilze"))[0]["id"]
    (entry,) = await entries(shop, mine)
    assert (entry["actor"]["id"], entry["cause"]) == (user.id, {"plugin": "shop"})
    ilze = crm_of_shop.as_user(str(user.id))
    assert [record.name for record in await ilze.find("item")] == ["mine"]
    assert await crm_of_shop.count("item", as_user="ilze") == 1
    assert (await refusal(ilze.write([Change.update("item", foreign, name="x")]))).code == "not_found"
    assert (await refusal(ilze.move("item", mine, "out"))).code == "forbidden"
    assert (await refusal(crm_of_shop.get("item", foreign, as_user="ilze"))).code == "not_found"
    with pytest.raises(Error, match="nobody"):
        await crm_of_shop.find("item", as_user="nobody")


@pytest.mark.contract("hooks.md#crm-rest")
async def test_settings_log_and_now(app: Any, with_plugin: MakeCrm, caplog: pytest.LogCaptureFixture) -> None:
    app.toml = '[app]\ntimezone = "Pacific/Auckland"\n[plugins.shop]\nsize = 3\n'
    crm = await with_plugin(
        item_shop("""
    import msgspec

    class Settings(msgspec.Struct):
        size: int = 1

    plugin = Plugin(name="shop", title="shop", kernel=">=0.1", settings=Settings)

    async def tell(event, crm):
        today = await crm.count("item", "price is null and created_at >= @today")
        told.append((crm.settings.size, crm.now(), today))
        crm.log.warning("told")

    @hookimpl
    def register_listeners():
        return [Listener(event="record.created", entity="item", where="created_at >= @today", handle=tell)]
    """)
    )
    # Half past midnight in the app's zone; its day began half an hour ago, that of UTC much earlier.
    crm.clock.set(datetime(2026, 3, 1, 10, 30, tzinfo=UTC))
    await create(crm, name="yesterday")
    crm.clock.set(datetime(2026, 3, 1, 11, 30, tzinfo=UTC))
    await create(crm, name="today")
    with caplog.at_level(logging.WARNING):
        await crm.deliver()
    told = crm.kernel.registry.listeners[0].listener.handle.__globals__["told"]  # type: ignore[attr-defined]
    assert told == [(3, datetime(2026, 3, 1, 11, 30, tzinfo=UTC), 1)]
    assert [(record.name, record.message) for record in caplog.records] == [("crm.plugin.shop", "told")]
