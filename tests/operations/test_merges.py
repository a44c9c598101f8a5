"""Merging records: what the one that stays takes over, what refers to the others, who may, and `before_merge`."""

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel import Change, Error
from tests.operations.conftest import MakeCrm

CODE = """
from typing import Annotated, Any, Literal

class Consent(Entity, name="consent", title="{channel}"):
    contact: Ref[Literal["contact"]]
    channel: str
    pair: Annotated[str | None, field(unique=True)] = None

class Card(Entity, name="card", title="{name}"):
    name: str
    about: Ref[Any] | None = None
    others: list[Ref[Literal["contact"]]] | None = None
    parent: Ref[Literal["card"]] | None = None

@hookimpl
def register_entities(): return [Consent, Card]

seen = []

@hookimpl
async def before_merge(batch):
    for change in batch.of("contact"):
        if change.after["last_name"] == "Never":
            change.refuse("/last_name", "Not these.", code="shop.never")
        kept = {c["channel"] for c in await batch.find("consent", "contact = @param.id", id=change.after["id"])}
        for other in change.merged_records:
            for consent in await batch.find("consent", "contact = @param.id", id=other["id"]):
                if consent["channel"] in kept:
                    batch.add(Change.delete("consent", consent["id"]))
        change.amend(job_title="merged")

@hookimpl
async def before_write(batch):
    seen.append(sorted((change.kind, change.entity) for change in batch))
"""
CLERK = {
    "kind": "role",
    "name": "merger",
    "grants": [
        {"entity": "contact", "actions": ["read", "update"]},
        {"entity": "contact", "actions": ["merge"], "where": "owner = @me"},
    ],
}


@pytest.fixture
def merging(with_plugin: MakeCrm) -> Any:
    async def make() -> Any:
        return await with_plugin(CODE)

    return make


async def people(crm: Any, *values: dict[str, Any]) -> list[str]:
    return [r["id"] for r in await crm.write([Change.create("contact", {"last_name": "A", **v}) for v in values])]


def faults(error: pytest.ExceptionInfo[Error]) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in error.value.faults]


@pytest.mark.contract("hooks.md#before-merge", "http-api.md#merge")
async def test_the_one_that_stays_takes_over_values_and_references(merging: Any) -> None:
    crm = await merging()
    a, b, c = await people(crm, {"first_name": "Ann"}, {"first_name": "B", "language": "lv"}, {"language": "en"})
    cards = await crm.write(
        [
            Change.create("card", name="any", about=b),
            Change.create("card", name="list", others=[c, a, b]),
            Change.create("card", name="other", about=a),
            Change.create("consent", contact=a, channel="mail", pair="1"),
            Change.create("consent", contact=b, channel="mail", pair="2"),
            Change.create("consent", contact=c, channel="phone", pair="3"),
        ]
    )
    [kept] = await crm.write([Change.merge("contact", a, [b, c], {"last_name": "Ozola"})])
    assert (kept["first_name"], kept["language"], kept["last_name"], kept["job_title"]) == (
        "Ann",
        "lv",
        "Ozola",
        "merged",
    )
    assert [r["id"] for r in await crm.find("contact")] == [a]
    assert (await crm.get("card", cards[0]["id"]))["about"] == a
    assert (await crm.get("card", cards[1]["id"]))["others"] == [a]
    assert (await crm.get("card", cards[2]["id"]))["version"] == 1
    left = await crm.find("consent", sort="channel")
    assert [(r["channel"], r["contact"], r["pair"]) for r in left] == [("mail", a, "1"), ("phone", a, "3")]
    system = crm.kernel.system("api")
    [entry, *_] = (await crm.kernel.reader.history("contact", a, system))["items"]
    assert (entry["action"], entry["version"]) == ("merge", 2)
    assert entry["changes"]["language"] == {"old": None, "new": "lv"}
    [entry, *_] = (await crm.kernel.reader.history("card", cards[0]["id"], system))["items"]
    assert (entry["action"], entry["cause"]["merge"]) == ("update", a)
    with pytest.raises(Error, match="There is no"):
        await crm.get("contact", b)
    await crm.write([Change.restore("contact", b)])
    assert (await crm.get("contact", b))["first_name"] == "B"


async def test_what_the_one_that_stays_says_of_itself(merging: Any) -> None:
    crm = await merging()
    one, two, three = [r["id"] for r in await crm.write([Change.create("card", name=n) for n in "abc"])]
    await crm.write([Change.update("card", one, parent=two), Change.update("card", three, parent=two)])
    [kept] = await crm.write([Change.merge("card", one, [two])])
    assert kept["parent"] is None
    assert (await crm.get("card", three))["parent"] == one


@pytest.mark.contract("http-api.md#merge")
async def test_it_needs_the_action_on_all_of_them(merging: Any) -> None:
    crm = await merging()
    await crm.put(CLERK)
    clerk = await crm.user("clerk", "merger")
    a, b, c = await people(crm, {"owner": clerk.id}, {"owner": clerk.id}, {})
    for into, sources, told in ((a, [c], ("/from/0", "forbidden")), (c, [a], ("", "forbidden"))):
        with pytest.raises(Error) as raised:
            await crm.write([Change.merge("contact", into, sources)], as_user=clerk.id)
        assert (raised.value.code, faults(raised)) == ("forbidden", [told])
    with pytest.raises(Error) as raised:
        await crm.write([Change.merge("contact", a, [b, "00000000-0000-4000-8000-000000000000"])], as_user=clerk.id)
    assert (raised.value.code, faults(raised)) == ("not_found", [("/from/1", "not_found")])
    await crm.write([Change.merge("contact", a, [b])], as_user=clerk.id)
    assert await crm.count("contact") == 2


@pytest.mark.contract("http-api.md#merge")
async def test_faults_are_told_at_their_place_and_nothing_is_written(merging: Any) -> None:
    crm = await merging()
    a, b = await people(crm, {}, {"last_name": "B"})
    for sources, values, told in (
        ([], {}, [("/from", "minItems")]),
        ([a], {}, [("/from/0", "uniqueItems")]),
        ([b, b], {}, [("/from/1", "uniqueItems")]),
        ([b], {"nix": 1}, [("/nix", "unknown_field")]),
        ([b], {"last_name": "Never"}, [("/last_name", "shop.never")]),
    ):
        with pytest.raises(Error) as raised:
            await crm.write([Change.merge("contact", a, sources, values)])
        assert faults(raised) == told
    assert await crm.count("contact") == 2
    changes = [
        {"update": {"id": b, "values": {"first_name": "New"}}},
        {"merge": {"id": a, "from": [b], "values": {}}},
        {"create": {"values": {"last_name": "C"}}},
    ]
    records = await crm.write(changes, entity="contact")
    assert [r["first_name"] for r in records] == ["New", "New", None]
    for wrong, pointer in (({"id": a}, "/merge/from"), ({"id": a, "from": [3]}, "/merge/from")):
        with pytest.raises(Error) as raised:
            await crm.write([{"merge": wrong}], entity="contact")
        assert faults(raised)[0][0] == pointer
