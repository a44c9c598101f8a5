"""Row and field rules through both doors: who sees, who may do what, and what is answered to whom."""

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.callers import Caller
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.storage import few
from crm_kernel.testing import TestCrm
from tests.operations.conftest import refusal

GONE = "018f0000-0000-7000-8000-000000000000"


class World:
    """Two clerks in one team, a third elsewhere, and a job of each."""

    def __init__(self, crm: TestCrm) -> None:
        self.crm = crm
        self.people: dict[str, Caller] = {}
        self.jobs: dict[str, Any] = {}

    async def fill(self) -> World:
        north, south = await self.crm.write([Change.create("team", name="North"), Change.create("team", name="South")])
        for name, team in (("anna", north), ("ben", north), ("cora", south)):
            self.people[name] = await self.crm.user(name, "clerk", team=team["id"])
            owner = self.people[name].id
            values = {
                "number": name,
                "owner": owner,
                "team": team["id"],
                "price": {"amount": 5},
                "amount": 1,
                "secret": "x",
            }
            self.jobs[name] = (await self.crm.write([Change.create("job", values)]))[0]
        return self

    async def list(self, who: str, **query: Any) -> list[dict[str, Any]]:
        page = await self.crm.kernel.reader.list("job", self.people[who], ListQuery(sort="created_at", **query))
        return page.items

    async def write(self, who: str, *changes: Any) -> Any:
        return await self.crm.kernel.writer.write(list(changes), self.people[who])


@pytest.fixture(params=[few.MANY, 0], ids=["few", "many"])
async def world(crm: TestCrm, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> World:
    """Read both ways: through the keys of his rules, as who may see few records, and in the order of each list."""
    monkeypatch.setattr(few, "MANY", request.param)
    return await World(crm).fill()


async def test_pages_and_counts_are_those_of_his_rows(world: World) -> None:
    caller, reader = world.people["anna"], world.crm.kernel.reader
    first = await reader.list("job", caller, ListQuery(sort="amount", limit=1, count="exact"))
    second = await reader.list("job", caller, ListQuery(sort="amount", limit=1, count="capped", cursor=first.next))
    assert [item["id"] for item in (*first.items, *second.items)] == [world.jobs[n]["id"] for n in ("anna", "ben")]
    assert (first.count, second.count, second.next) == (2, 2, None)


@pytest.mark.contract("documents.md#grants-add-up", "documents.md#grant-fields", "documents.md#grant-star-explicit")
async def test_grants_add_up_per_row_and_field(world: World) -> None:
    own, colleague = await world.list("anna")
    assert own["number"] == "anna"
    assert "price" not in own  # denied in every grant: it does not exist
    assert "secret" not in own  # sensitive: * does not cover it
    assert colleague["amount"] == 1.0
    assert (colleague["number"], colleague["owner"]) == (None, world.people["ben"].id)
    assert [job["number"] for job in await world.list("cora")] == ["cora"]


async def test_a_field_that_is_null_for_him_is_so_in_filters_and_sorts(world: World) -> None:
    assert len(await world.list("anna", filter="number = 'ben'")) == 0
    assert len(await world.list("anna", filter="number is null")) == 1
    assert [
        j["id"]
        for j in (await world.crm.kernel.reader.list("job", world.people["anna"], ListQuery(sort="-number"))).items
    ] == [
        world.jobs["anna"]["id"],
        world.jobs["ben"]["id"],
    ]


@pytest.mark.contract("http-api.md#unknown-name-query")
@pytest.mark.parametrize(
    "query",
    [
        {"filter": "price is null"},
        {"filter": "secret = 'x'"},
        {"fields": ("price",)},
        {"expand": ("secret",)},
        {"filter": "customer.price is null"},
    ],
)
async def test_an_unreadable_name_is_unknown(world: World, query: dict[str, Any]) -> None:
    assert (await refusal(world.list("anna", **query))).code == "unknown_field"


@pytest.mark.parametrize("sort", ["price", "secret", "customer.price"])
async def test_an_unreadable_name_cannot_be_sorted_by(world: World, sort: str) -> None:
    query = ListQuery(sort=sort)
    assert (await refusal(world.crm.kernel.reader.list("job", world.people["anna"], query))).code == "unknown_field"


@pytest.mark.contract("http-api.md#hidden-is-404")
async def test_a_hidden_row_is_answered_like_one_that_never_was(world: World) -> None:
    hidden = world.jobs["cora"]["id"]
    reader = world.crm.kernel.reader
    for id in (hidden, GONE):
        answers = [
            await refusal(reader.get("job", id, world.people["anna"])),
            await refusal(reader.history("job", id, world.people["anna"])),
            await refusal(reader.moves("job", id, world.people["anna"])),
            await refusal(world.write("anna", Change.update("job", id, {"level": 1}))),
            await refusal(world.write("anna", Change.delete("job", id))),
            await refusal(world.write("anna", Change.move("job", id, "lost"))),
        ]
        assert {a.code for a in answers} == {"not_found"}
        assert all(a.error.detail == f"There is no job {id} for you." for a in answers)


@pytest.mark.contract("http-api.md#denied-403")
async def test_a_denied_action_on_a_visible_row_is_403(world: World) -> None:
    colleague = world.jobs["ben"]["id"]
    for change in (Change.update("job", colleague, {"level": 1}), Change.delete("job", colleague)):
        assert (await refusal(world.write("anna", change))).code == "forbidden"
    assert (await refusal(world.write("anna", Change.purge("job", world.jobs["anna"]["id"])))).code == "forbidden"


@pytest.mark.contract("documents.md#where-and-check")
async def test_the_new_image_is_checked_too(world: World) -> None:
    own = world.jobs["anna"]["id"]
    given_away = Change.update("job", own, {"owner": world.people["ben"].id})
    assert (await refusal(world.write("anna", given_away))).code == "forbidden"
    assert (
        await refusal(world.write("anna", Change.create("job", {"owner": world.people["ben"].id})))
    ).code == "forbidden"
    assert (await world.write("anna", Change.create("job", {})))[0].outcome == "created"


@pytest.mark.contract("http-api.md#read-only-field", "http-api.md#unknown-name-body")
async def test_fields_that_may_not_be_written(world: World) -> None:
    own = world.jobs["anna"]["id"]
    refused = await refusal(
        world.write("anna", Change.update("job", own, {"number": "other", "price": None, "nope": 1}))
    )
    assert refused.faults == [("/nope", "unknown_field"), ("/number", "read_only"), ("/price", "unknown_field")]
    repeated = await world.write("anna", Change.update("job", own, {"number": "anna", "level": 9}))
    assert repeated[0].outcome == "updated"


@pytest.mark.contract("documents.md#owner-team-default")
async def test_owner_and_team_of_new_records(world: World) -> None:
    anna = world.people["anna"]
    mine = (await world.write("anna", Change.create("job", {})))[0].record
    assert mine is not None
    assert (mine["owner"], mine["team"], mine["created_by"]) == (anna.id, anna.team, anna.id)
    boss = await world.crm.user("boss", "boss")
    other = await world.crm.acting(boss).write([Change.create("job", {"owner": anna.id})])
    assert (other[0]["owner"], other[0]["team"]) == (anna.id, anna.team)
    system = (await world.crm.write([Change.create("job")]))[0]
    assert (system["owner"], system["team"]) == (None, None)


@pytest.mark.contract("http-api.md#hidden-reference")
async def test_a_reference_to_a_hidden_record_is_as_to_none(world: World) -> None:
    hidden = (await world.crm.write([Change.create("contact", {"name": "H", "language": "en"})]))[0]["id"]
    shown = (await world.crm.write([Change.create("contact", {"name": "S", "language": "lv"})]))[0]["id"]
    details = []
    for id in (hidden, GONE):
        refused = await refusal(world.write("anna", Change.create("job", {"customer": id})))
        assert refused.faults == [("/customer", "reference")]
        details.append(refused.error.detail.replace(id, "ID"))
    assert details[0] == details[1]
    assert (await world.write("anna", Change.create("job", {"customer": shown})))[0].outcome == "created"


async def test_paths_and_expansion_stop_at_hidden_records(world: World) -> None:
    hidden = (await world.crm.write([Change.create("contact", {"name": "Hid", "language": "en"})]))[0]["id"]
    own = world.jobs["anna"]["id"]
    await world.crm.write([Change.update("job", own, {"customer": hidden})])
    assert await world.list("anna", filter="customer.name = 'Hid'") == []
    record = (
        await world.list("anna", filter="owner = @me", fields=("customer", "customer.name"), expand=("customer",))
    )[0]
    assert (record["customer"], record["customer.name"]) == ({"id": hidden, "hidden": True}, None)


@pytest.mark.contract("documents.md#unreadable-result")
async def test_a_result_that_he_may_not_read_is_the_id_only(crm: TestCrm) -> None:
    grants = [{"entity": "job", "actions": ["create"]}, {"entity": "job", "actions": ["read"], "where": "level = 1"}]
    await crm.put({"kind": "role", "name": "inbox", "grants": grants})
    caller = await crm.user("inbox", "inbox")
    outcomes = await crm.kernel.writer.write([Change.create("job", {"level": n}) for n in (1, 2)], caller)
    seen = await crm.kernel.reader.written(outcomes, caller)
    assert seen[0]["level"] == 1
    assert seen[1] == {"id": outcomes[1].id}


@pytest.mark.contract("documents.md#grant-nothing-by-default", "http-api.md#unknown-entity-404")
async def test_without_a_grant_an_entity_does_not_exist(crm: TestCrm) -> None:
    nobody = await crm.user("nobody")
    reader = crm.kernel.reader
    for entity in ("job", "company", "no_such_thing"):
        refused = await refusal(reader.list(entity, nobody, ListQuery()))
        assert (refused.code, refused.error.detail) == ("not_found", f"There is no entity {entity!r} for you.")
        written = await refusal(crm.kernel.writer.write([Change.create(entity, {})], nobody))
        assert written.code == "not_found"
    assert [e["name"] for e in reader.schema(None, nobody)["items"]] == ["user", "team"]


@pytest.mark.contract("documents.md#people-names")
async def test_everybody_signed_in_sees_names_of_people(crm: TestCrm) -> None:
    nobody = await crm.user("nobody")
    gone = await crm.user("gone")
    await crm.write([Change.update("user", str(gone.id), {"active": False})])
    page = await crm.kernel.reader.list("user", nobody, ListQuery())
    assert [sorted(item) for item in page.items] == [["id", "name", "version"]]
    assert page.items[0]["name"] == "nobody"


@pytest.mark.contract("documents.md#role-admin", "documents.md#grant-any-entity")
async def test_admin_may_everything_and_star_leaves_people_out(crm: TestCrm) -> None:
    admin = await crm.user("root", "admin")
    boss = await crm.user("boss", "boss")
    assert (await crm.acting(admin).write([Change.create("user", {"login": "x", "name": "X"})]))[0]["login"] == "x"
    assert (await crm.acting(admin).find("job", "secret is null")) == []
    refused = await refusal(crm.acting(boss).write([Change.create("user", {"login": "y", "name": "Y"})]))
    assert refused.code == "forbidden"
    grants = [{"entity": "*", "actions": ["read"], "where": "number = 'x'"}]
    wide = await refusal(crm.put({"kind": "role", "name": "wide", "grants": grants}))
    assert wide.code == "plan_refused"


@pytest.mark.contract("documents.md#write-grant-per-field")
async def test_each_changed_field_needs_one_grant_that_gives_it(crm: TestCrm) -> None:
    grants = [
        {"entity": "job", "actions": ["read"]},
        {"entity": "job", "actions": ["update"], "where": "owner = @me", "fields": {"write": ["level"]}},
        {"entity": "job", "actions": ["update"], "where": "level > 5", "fields": {"write": ["amount"]}},
    ]
    await crm.put({"kind": "role", "name": "split", "grants": grants})
    caller = await crm.user("split", "split")
    own = (await crm.write([Change.create("job", {"owner": caller.id, "level": 1})]))[0]
    high = (await crm.write([Change.create("job", {"owner": caller.id, "level": 9})]))[0]
    acting = crm.acting(caller)
    assert (await acting.write([Change.update("job", own["id"], {"level": 2})]))[0]["level"] == 2
    assert (await refusal(acting.write([Change.update("job", own["id"], {"amount": 2})]))).faults == [
        ("/amount", "read_only")
    ]
    assert (await acting.write([Change.update("job", high["id"], {"amount": 2, "level": 8})]))[0]["amount"] == 2
    lowered = await refusal(acting.write([Change.update("job", high["id"], {"amount": 3, "level": 1})]))
    assert lowered.code == "forbidden"  # the grant that gives amount does not allow the new image


@pytest.mark.contract("documents.md#x-sensitive")
async def test_sensitive_values_are_given_by_name_only_and_stand_in_no_history(world: World) -> None:
    grants = [{"entity": "job", "actions": ["read"], "fields": {"read": ["*", "secret"]}}]
    await world.crm.put({"kind": "role", "name": "trusted", "grants": grants})
    trusted = await world.crm.user("trusted", "trusted")
    own = world.jobs["anna"]["id"]
    seen = await world.crm.kernel.reader.get("job", own, trusted)
    assert seen["secret"] == "x"
    assert "secret" not in await world.crm.kernel.reader.get("job", own, world.people["anna"])
    history = (await world.crm.kernel.reader.history("job", own, trusted))["items"]
    assert history[0]["changes"]["secret"] == {"old": None, "new": None}


async def test_history_leaves_unreadable_fields_out(world: World) -> None:
    items = (await world.crm.kernel.reader.history("job", world.jobs["ben"]["id"], world.people["anna"]))["items"]
    assert set(items[0]["changes"]) <= {"amount", "owner"}
    assert items[0]["move"] is None
    own = (await world.crm.kernel.reader.history("job", world.jobs["anna"]["id"], world.people["anna"]))["items"]
    assert "number" in own[0]["changes"]
    assert not {"price", "secret"} & set(own[0]["changes"])


@pytest.mark.contract("http-api.md#list-deleted")
async def test_deleted_records_are_listed_with_the_right_to_delete(world: World) -> None:
    await world.crm.write(
        [Change.delete("job", world.jobs["anna"]["id"]), Change.delete("job", world.jobs["ben"]["id"])]
    )
    assert [j["number"] for j in await world.list("anna", deleted=True)] == ["anna"]
    await world.crm.put({"kind": "role", "name": "viewer", "grants": [{"entity": "job", "actions": ["read"]}]})
    viewer = await world.crm.user("viewer", "viewer")
    query = ListQuery(deleted=True)
    assert (await refusal(world.crm.kernel.reader.list("job", viewer, query))).code == "forbidden"


async def test_a_token_scope_narrows_an_admin_too(crm: TestCrm) -> None:
    admin = await crm.user("root", "admin")
    scoped = Caller(id=admin.id, login="root", roles=admin.roles, entities=frozenset({"contact"}))
    assert (await crm.kernel.reader.list("contact", scoped, ListQuery())).items == []
    assert (await refusal(crm.kernel.reader.list("job", scoped, ListQuery()))).code == "not_found"
    assert (await refusal(crm.kernel.documents.list(scoped))).code == "forbidden"


async def test_an_upsert_finds_the_oldest_record_that_he_may_see(world: World) -> None:
    """An older one that is hidden from him is not in its way: else he would learn of it."""
    changes = [Change.upsert("job", ("amount",), {"amount": 1, "level": 7})]
    [outcome] = await world.write("cora", *changes)
    assert (outcome.outcome, outcome.id) == ("updated", world.jobs["cora"]["id"])
