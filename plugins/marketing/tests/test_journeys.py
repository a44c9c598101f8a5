"""Touches and conversions as they are stored, and what they are worth."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from crm_marketing.attribution import MODELS
from crm_marketing.figures import attribute

from crm_kernel import Change, Error, Request


def euros(amount: str, currency: str = "EUR") -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


async def touch(department: Any, day: int, channel: str | None, **values: Any) -> Any:
    return await department.create("touchpoint", at=f"2026-03-{day:02}T10:00:00Z", channel=channel, **values)


async def sold(department: Any, day: int, amount: str | None = "100", **values: Any) -> Any:
    money = None if amount is None else euros(amount)
    return await department.create("conversion", at=f"2026-03-{day:02}T12:00:00Z", amount=money, **values)


def ends(conversion: Any) -> tuple[Any, Any]:
    return conversion["first_channel"], conversion["last_channel"]


async def test_a_conversion_knows_its_first_and_last_touch_whatever_came_first(department: Any) -> None:
    anna = await department.contact("Anna")
    campaign = await department.create("campaign", name="May")
    await touch(department, 2, "email", contact=anna["id"], campaign=campaign["id"])
    conversion = await sold(department, 5, contact=anna["id"], lead_key="a-1")
    assert ends(conversion) == ("email", "email")
    assert (conversion["first_campaign"], conversion["last_campaign"]) == (campaign["id"], campaign["id"])

    async def now() -> tuple[Any, Any]:
        return ends(await department.crm.get("conversion", conversion["id"]))

    early = await touch(department, 1, "paid", lead_key="a-1")  # before there was a contact
    assert await now() == ("paid", "email")
    late = await touch(department, 6, "social", contact=anna["id"])
    assert await now() == ("paid", "email")
    late = await department.update("touchpoint", late, at="2026-03-05T11:00:00Z")
    assert await now() == ("paid", "social")
    await department.crm.write([{"delete": {"id": late["id"]}}, {"delete": {"id": early["id"]}}], entity="touchpoint")
    assert await now() == ("email", "email")
    await department.create("touchpoint", at="2025-11-01T10:00:00Z", channel="old", contact=anna["id"])
    assert await now() == ("email", "email")  # older than the window


async def test_touches_and_conversions_of_one_batch_meet(department: Any) -> None:
    values = {"lead_key": "k", "at": "2026-03-01T10:00:00Z"}
    changes = [
        Change.create("conversion", {**values, "at": "2026-03-02T10:00:00Z"}),
        Change.create("touchpoint", {**values, "channel": "email"}),
    ]
    conversion, _ = await department.crm.write(changes)
    assert ends(conversion) == ("email", "email")


async def test_parameters_are_kept_in_one_form(department: Any) -> None:
    url = "https://a.lv/?utm_source=Face%42ook&utm_medium=Paid-Social&utm_campaign=Spring%20Sale&fbclid=x"
    stored = await touch(department, 1, None, lead_key="k", url=url, utm_source=" News%20Letter ")
    kept = ("utm_source", "utm_medium", "utm_campaign", "fbclid", "channel")
    expected = ["news letter", "paid-social", "Spring Sale", "x", "paid-social"]
    assert [stored[name] for name in kept] == expected
    again = await department.update("touchpoint", stored, became_lead=True)
    assert [again[name] for name in kept] == expected
    with pytest.raises(Error):
        await touch(department, 1, "email")  # whose?


async def test_a_contact_says_whether_he_converted(department: Any) -> None:
    source = await department.create("lead_source", name="Fair")
    anna = await department.contact("Anna", lead_source=source["id"])
    await department.contact("Berta", lead_source=source["id"])
    for day in (5, 4):
        await sold(department, day, contact=anna["id"])
    anna = await department.crm.get("contact", anna["id"])
    assert (anna["converted"], anna["converted_at"]) == (1, "2026-03-04T12:00:00Z")


async def three(department: Any) -> None:
    """Three conversions: of three touches, of a direct one, of none."""
    anna = await department.contact("Anna")
    for day, channel in ((1, "paid"), (3, "email"), (4, "direct")):
        await touch(department, day, channel, contact=anna["id"])
    await sold(department, 5, "100.01", contact=anna["id"])
    await touch(department, 1, "direct", lead_key="b")
    await sold(department, 5, "50", lead_key="b")
    await sold(department, 20, None, lead_key="c")


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("first_touch", {"paid": "100.01", "direct": "50.00"}),
        ("last_touch", {"direct": "150.01"}),
        ("last_non_direct", {"email": "100.01", "direct": "50.00"}),
        ("linear", {"paid": "33.34", "email": "33.34", "direct": "83.33"}),
        ("position_based", {"paid": "40.01", "email": "20.00", "direct": "90.00"}),
    ],
)
async def test_credit_by_channel(department: Any, model: Any, expected: dict[str, str]) -> None:
    await three(department)
    found = await attribute(department.crm.kernel.crm("marketing"), model)
    assert {c.key: str(c.amount) for c in found if c.currency} == expected
    assert [(c.key, c.conversions) for c in found if c.currency is None] == [(None, 1)]


async def test_each_model_gives_all_of_it(department: Any) -> None:
    await three(department)
    for model in MODELS:
        found = await attribute(department.crm.kernel.crm("marketing"), model)
        assert sum(c.amount or 0 for c in found) == Decimal("150.01")
        assert sum(c.conversions for c in found) == pytest.approx(3, abs=1e-5)


async def test_only_conversions_of_the_time_count_and_only_what_he_may_read(department: Any) -> None:
    await three(department)
    crm = department.crm.kernel.crm("marketing")
    since = department.crm.now().replace(day=10)
    assert [c.key for c in await attribute(crm, "linear", since=since)] == [None]
    assert {c.key for c in await attribute(crm, "linear", until=since)} == {"paid", "email", "direct"}
    nobody = await department.crm.user("nobody")
    with pytest.raises(Error):
        await attribute(crm, "linear", as_user=nobody.id)


async def asked(department: Any, caller: Any, **query: str) -> Any:
    """What the route answers a caller."""
    routes = department.crm.kernel.routes
    matched = routes.match("GET", "/api/x/marketing/attribution")
    request = Request("GET", "", {}, query, {}, b"", caller, msgspec.json.decode)
    return msgspec.json.decode((await routes.call(matched, request)).body)


async def test_the_route_by_register_routes_tells_credit(department: Any) -> None:
    await three(department)
    manager = await department.crm.user("max", "marketing_manager")
    answer = await asked(department, manager, model="first_touch", until="2026-03-06")
    assert answer == {
        "model": "first_touch",
        "by": "channel",
        "items": [
            {"key": "direct", "currency": "EUR", "conversions": 1, "amount": 50},
            {"key": "paid", "currency": "EUR", "conversions": 1, "amount": 100.01},
        ],
    }
    assert {item["key"] for item in (await asked(department, manager, by="campaign"))["items"]} == {None}
    for wrong in ({"model": "best"}, {"by": "week"}, {"since": "soon"}, {"form": "csv"}):
        with pytest.raises(Error) as error:
            await asked(department, manager, **wrong)
        assert error.value.status == 400
    with pytest.raises(Error) as error:
        await asked(department, await department.crm.user("nobody"))
    assert error.value.status == 404
