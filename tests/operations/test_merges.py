"""Merging records: what the one that stays takes over, what refers to the others, who may, and `before_merge`."""

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel import Change, Error
from crm_kernel.operations.undoing import undoing
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


async def take_back(crm: Any, id: str, version: int, login: str | None = None, *, entity: str = "contact") -> Any:
    """The record that stayed, once its merge was taken back."""
    kernel = crm.kernel
    caller = kernel.system("api") if login is None else await kernel.caller_for(login, "api")
    changes = await kernel.undo.of_version(entity, id, version, caller)
    return (await kernel.writer.write(changes, undoing(caller, f"version {version}")))[0].record


async def images(crm: Any) -> dict[str, Any]:
    """All records without what each write sets."""
    stamps = {"version", "updated_at", "updated_by"}
    found = [*await crm.find("contact"), *await crm.find("card"), *await crm.find("consent")]
    return {record["id"]: {k: v for k, v in dict(record).items() if k not in stamps} for record in found}


@pytest.mark.contract("http-api.md#undo-merge")
async def test_a_merge_is_taken_back_in_one_write(merging: Any) -> None:
    crm = await merging()
    a, b, c = await people(crm, {"first_name": "Ann"}, {"first_name": "B", "language": "lv"}, {"language": "en"})
    other = (await people(crm, {}))[0]
    await crm.write(
        [
            Change.create("card", name="any", about=b),
            Change.create("card", name="list", others=[c, a, b, other]),
            Change.create("consent", contact=a, channel="mail", pair="1"),
            Change.create("consent", contact=b, channel="mail", pair="2"),
            Change.create("consent", contact=c, channel="phone", pair="3"),
        ]
    )
    before = await images(crm)
    await crm.write([Change.merge("contact", a, [b, c], {"last_name": "Ozola"})])
    [later] = await crm.write([Change.create("card", name="later", about=a)])
    record = await take_back(crm, a, 2)
    assert (record["last_name"], record["language"], record["job_title"]) == ("A", None, None)
    after = await images(crm)
    assert after.pop(later["id"])["about"] == a
    assert after == before
    entries = (await crm.kernel.reader.history("contact", b, crm.kernel.system("api")))["items"]
    assert [(e["action"], e["channel"]) for e in entries[:2]] == [("restore", "undo"), ("delete", "job")]
    assert entries[1]["cause"]["merge"] == a
    with pytest.raises(Error) as raised:
        await take_back(crm, a, 2)
    assert raised.value.code == "conflict"


@pytest.mark.contract("http-api.md#undo-merge")
async def test_what_was_changed_since_stands_against_taking_it_back(merging: Any) -> None:
    crm = await merging()
    a, b, other = await people(crm, {}, {"language": "lv"}, {})
    [card] = await crm.write([Change.create("card", name="any", about=b)])
    [gone] = await crm.write([Change.create("card", name="gone", about=b)])
    await crm.write([Change.merge("contact", a, [b])])
    await crm.write([Change.update("contact", a, language="en"), Change.update("contact", a, first_name="Z")])
    await crm.write([Change.update("card", card["id"], about=other)])
    before = await images(crm)
    with pytest.raises(Error) as raised:
        await take_back(crm, a, 2)
    assert faults(raised) == [("", "conflict"), ("/language", "conflict")]
    assert raised.value.faults[0].detail == f"The card {card['id']}: About was changed again."
    assert await images(crm) == before
    await crm.write([Change.update("contact", a, language="lv"), Change.update("card", card["id"], about=a)])
    await crm.write([Change.delete("card", gone["id"])])
    with pytest.raises(Error, match="changed since") as raised:
        await take_back(crm, a, 2)
    assert [fault.detail for fault in raised.value.faults] == [f"The card {gone['id']}: The record was deleted since."]
    await crm.write([Change("purge", "card", id=gone["id"])])
    record = await take_back(crm, a, 2)
    assert (record["language"], record["first_name"]) == (None, "Z")
    assert (await crm.get("card", card["id"]))["about"] == b


async def test_a_merge_is_taken_back_whatever_it_said_of_itself_and_of_unique_values(merging: Any) -> None:
    crm = await merging()
    one, two, three = [r["id"] for r in await crm.write([Change.create("card", name=n) for n in "abc"])]
    [person] = await people(crm, {})
    consents = [Change.create("consent", contact=person, channel=n, pair=n) for n in "xy"]
    x, y = [r["id"] for r in await crm.write(consents)]
    await crm.write([Change.update("card", one, parent=two), Change.update("card", three, parent=two)])
    await crm.write([Change.merge("card", one, [two]), Change.merge("consent", x, [y], {"pair": "y"})])
    caller = crm.kernel.system("api")
    for entity, id, version in (("card", one, 3), ("consent", x, 2)):
        await crm.kernel.writer.write(await crm.kernel.undo.of_version(entity, id, version, caller), caller)
    assert {(await crm.get("card", id))["parent"] for id in (one, three)} == {two}
    assert [(await crm.get("consent", id))["pair"] for id in (x, y)] == ["x", "y"]


async def test_taking_a_merge_back_needs_the_right_to_merge(merging: Any) -> None:
    crm = await merging()
    await crm.put(CLERK)
    clerk, other = await crm.user("clerk", "merger"), await crm.user("other", "merger")
    a, b = await people(crm, {"owner": clerk.id}, {"owner": clerk.id})
    await crm.write([Change.create("card", name="any", about=b)])
    await crm.write([Change.merge("contact", a, [b])])
    with pytest.raises(Error) as raised:
        await take_back(crm, a, 2, other.id)
    assert raised.value.code == "forbidden"
    assert await crm.count("contact") == 1
    [card] = await crm.find("card")
    await crm.write([Change.update("card", card.id, about=None)])
    with pytest.raises(Error) as raised:
        await take_back(crm, a, 2, clerk.id)
    told = [fault.detail for fault in raised.value.faults]
    assert told == ["Something that you may not read was changed since."]  # he knows of no cards
    await crm.write([Change.update("card", card.id, about=a)])
    await take_back(crm, a, 2, clerk.id)
    assert await crm.count("card", "about = @param.b", b=b) == 1


@pytest.mark.contract("http-api.md#merge-statements")
async def test_a_merge_and_its_undo_take_as_many_statements_for_one_record_as_for_many(merging: Any) -> None:
    crm = await merging()
    counted: list[tuple[int, int]] = []
    for size in (1, 1, 80):  # the first one fills what is prepared once
        cards = await crm.write([Change.create("card", name="c") for _ in range(size + 1)])
        stays, *sources = [card["id"] for card in cards]
        about = [id for id in sources for _ in range(size)]
        await crm.write([Change.create("card", name="c", about=id) for id in about])
        begun = crm.kernel.database.statements
        await crm.write([Change.merge("card", stays, sources)])
        between = crm.kernel.database.statements
        await take_back(crm, stays, 2, entity="card")
        counted.append((between - begun, crm.kernel.database.statements - between))
    assert counted[1] == counted[2]
