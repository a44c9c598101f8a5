"""The write door: values, references, unique, versions, batches, segments, dry runs."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.operations.answers import encode
from crm_kernel.testing import TestCrm
from tests.operations.conftest import contacts, refusal

GONE = "018f0000-0000-7000-8000-000000000000"


async def one(crm: TestCrm, entity: str = "job", **values: Any) -> Any:
    return (await crm.write([Change.create(entity, values)]))[0]


async def history_of(crm: TestCrm, record: Any, entity: str = "job") -> list[dict[str, Any]]:
    return (await crm.kernel.reader.history(entity, record["id"], crm.kernel.system("cli")))["items"]


@pytest.mark.contract("documents.md#default-on-create")
async def test_a_default_fills_what_is_absent_on_create_only(crm: TestCrm) -> None:
    absent, null = await crm.write([Change.create("job", {}), Change.create("job", {"level": None})])
    assert (absent["level"], null["level"]) == (3, None)
    cleared = (await crm.write([Change.update("job", absent["id"], {"level": None})]))[0]
    assert cleared["level"] is None


@pytest.mark.contract("documents.md#text-normal", "documents.md#null-is-absent")
async def test_text_is_trimmed_and_empty_text_is_null(crm: TestCrm) -> None:
    record = await one(crm, number="  A1 ", secret="")
    assert (record["number"], record["secret"]) == ("A1", None)


@pytest.mark.contract("documents.md#x-autonumber")
async def test_autonumbers_count_on_and_cannot_be_sent(crm: TestCrm) -> None:
    first, second = await crm.write([Change.create("job"), Change.create("job")])
    assert (first["serial"], second["serial"]) == ("J-001", "J-002")
    refused = await refusal(crm.write([Change.create("job", {"serial": "J-9"})]))
    assert refused.faults == [("/serial", "read_only")]
    assert (await one(crm))["serial"] == "J-003"


@pytest.mark.contract("http-api.md#all-faults", "http-api.md#fault-order")
async def test_one_answer_names_all_faults_of_all_rows(crm: TestCrm) -> None:
    refused = await refusal(
        crm.write(
            [
                Change.create("job", {"due": "soon", "amount": -1, "customer": GONE}),
                Change.create("job", {"ammount": 1, "kind_of": "large"}),
            ]
        )
    )
    assert refused.code == "invalid"
    assert refused.rows == [
        (1, "/amount", "minimum"),
        (1, "/customer", "reference"),
        (1, "/due", "format"),
        (2, "/ammount", "unknown_field"),
        (2, "/amount", "required"),
    ]
    assert await crm.count("job") == 0


@pytest.mark.contract("http-api.md#read-only-system")
async def test_system_fields_are_read_only_but_may_be_repeated(crm: TestCrm) -> None:
    record = await one(crm)
    for name in ("version", "created_at", "updated_at", "deleted_at", "stage_since"):
        wrong = 7 if name == "version" else "2020-01-01T00:00:00Z"
        refused = await refusal(crm.write([Change.update("job", record["id"], {name: wrong})]))
        assert refused.faults == [(f"/{name}", "read_only")]
    same = (await crm.write([Change.update("job", record["id"], {"created_at": record["created_at"], "level": 4})]))[0]
    assert (same["version"], same["level"]) == (2, 4)


@pytest.mark.contract("http-api.md#create-id")
async def test_an_id_may_be_given_once(crm: TestCrm) -> None:
    record = await one(crm, id="018F0000-0000-7000-8000-00000000000a")
    assert record["id"] == "018f0000-0000-7000-8000-00000000000a"
    refused = await refusal(crm.write([Change.create("job", {"id": record["id"]})]))
    assert (refused.code, refused.faults) == ("unique", [("/id", "unique")])


async def test_records_of_one_batch_may_refer_to_each_other(crm: TestCrm) -> None:
    parent = "018f0000-0000-7000-8000-00000000000b"
    child, _ = await crm.write([Change.create("job", {"parent": parent}), Change.create("job", {"id": parent})])
    assert child["parent"] == parent


@pytest.mark.contract("documents.md#x-unique", "http-api.md#status-wins")
async def test_unique_holds_among_live_records_and_loses_to_value_faults(crm: TestCrm) -> None:
    first = await one(crm, number="A1")
    assert (await refusal(crm.write([Change.create("job", {"number": "A1"})]))).code == "unique"
    both = await refusal(crm.write([Change.create("job", {"number": "A1", "amount": -1})]))
    assert (both.code, both.faults) == ("invalid", [("/amount", "minimum")])
    twice = await refusal(crm.write([Change.create("job", {"number": "B"}), Change.create("job", {"number": "B"})]))
    assert twice.rows == [(2, "/number", "unique")]
    await crm.write([Change.delete("job", first["id"])])
    second = await one(crm, number="A1")
    restored = await refusal(crm.write([Change.restore("job", first["id"])]))
    assert (restored.code, restored.faults) == ("unique", [("/number", "unique")])
    await crm.write([Change.update("job", second["id"], {"number": None}), Change.restore("job", first["id"])])
    assert await crm.count("job", "number = 'A1'") == 1


async def test_one_of_parallel_rivals_gets_a_unique_value(crm: TestCrm) -> None:
    answers = await asyncio.gather(
        *(crm.write([Change.create("job", {"number": "only"})]) for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(answer, list) for answer in answers) == 1


@pytest.mark.contract("http-api.md#patch")
async def test_an_update_is_a_merge_patch(crm: TestCrm) -> None:
    record = await one(crm, place={"city": "Rīga", "zip": "LV-1010"}, price={"amount": 5, "currency": "USD"})
    patch = {"place": {"zip": None}, "price": {"amount": 6}, "tags": ["a"]}
    patched = (await crm.write([Change.update("job", record["id"], patch)]))[0]
    assert patched["place"] == {"city": "Rīga"}
    assert patched["price"] == {"amount": Decimal("6.00"), "currency": "USD"}
    assert patched["tags"] == ["a"]


async def test_an_update_that_changes_nothing_leaves_no_trace(crm: TestCrm) -> None:
    record = await one(crm, number="A1", amount=2)
    outcomes = await crm.kernel.writer.write(
        [Change.update("job", record["id"], {"amount": 2})], crm.kernel.system("cli")
    )
    assert (outcomes[0].outcome, outcomes[0].version) == ("unchanged", 1)
    assert len(await history_of(crm, record)) == 1


@pytest.mark.contract("http-api.md#if-match")
async def test_a_stale_version_is_refused(crm: TestCrm) -> None:
    record = await one(crm)
    await crm.write([Change.update("job", record["id"], {"level": 9}, version=1)])
    assert (await refusal(crm.write([Change.update("job", record["id"], {"level": 8}, version=1)]))).code == "stale"
    assert (await refusal(crm.write([Change.delete("job", record["id"], version=1)]))).code == "stale"


@pytest.mark.contract("http-api.md#delete", "http-api.md#restore")
async def test_delete_is_soft_and_restore_takes_it_back(crm: TestCrm) -> None:
    record = await one(crm, number="A1")
    await crm.write([Change.delete("job", record["id"])])
    assert await crm.count("job") == 0
    assert (await refusal(crm.get("job", record["id"]))).code == "not_found"
    for change in (Change.update("job", record["id"], {"level": 1}), Change.delete("job", record["id"])):
        assert (await refusal(crm.write([change]))).code == "not_found"
    restored = (await crm.write([Change.restore("job", record["id"])]))[0]
    assert (restored["version"], restored["deleted_at"]) == (3, None)
    assert (await refusal(crm.write([Change.restore("job", record["id"])]))).code == "not_found"
    assert [entry["action"] for entry in await history_of(crm, record)] == ["restore", "delete", "create"]


@pytest.mark.contract("http-api.md#purge")
async def test_purge_removes_for_good_unless_others_refer(crm: TestCrm) -> None:
    parent = await one(crm)
    child = await one(crm, parent=parent["id"])
    assert (await refusal(crm.write([Change.purge("job", parent["id"])]))).code == "referenced"
    await crm.write([Change.delete("job", child["id"])])
    assert (await refusal(crm.write([Change.purge("job", parent["id"])]))).code == "referenced"
    await crm.write([Change.purge("job", child["id"])])
    await crm.write([Change.purge("job", parent["id"])])
    rows = await crm.kernel.database.read("SELECT count(*) FROM e_job")
    assert rows == [(0,)]


@pytest.mark.contract("http-api.md#batch-partial", "http-api.md#batch-kinds")
async def test_without_atomic_faulty_rows_are_left_out(crm: TestCrm) -> None:
    known = await one(crm, number="K")
    outcomes = await crm.kernel.writer.write(
        [
            Change.create("job", {"amount": -1}),
            Change.upsert("job", ("number",), {"number": "K", "level": 7}),
            Change.upsert("job", ("number",), {"number": "N"}),
            Change.update("job", GONE, {"level": 1}),
            Change.create("job", {"number": "K"}),
            Change.move("job", known["id"], "lost", reason="no answer"),
            Change.delete("job", known["id"]),
        ],
        crm.kernel.system("cli"),
        atomic=False,
    )
    assert [(o.row, o.status, o.outcome) for o in outcomes] == [
        (1, 422, "failed"),
        (2, 200, "updated"),
        (3, 201, "created"),
        (4, 404, "failed"),
        (5, 409, "failed"),
        (6, 200, "moved"),
        (7, 204, "deleted"),
    ]
    assert [record["number"] for record in await crm.find("job")] == ["N"]


@pytest.mark.contract("documents.md#rows-in-order")
async def test_a_later_row_meets_the_earlier_one_as_stored(crm: TestCrm) -> None:
    outcomes = await crm.kernel.writer.write(
        [
            Change.upsert("job", ("number",), {"number": "A", "level": 1}),
            Change.upsert("job", ("number",), {"number": "A", "level": 2}),
            Change.upsert("job", ("number",), {"number": "A", "level": 2}),
        ],
        crm.kernel.system("import"),
    )
    assert [o.outcome for o in outcomes] == ["created", "updated", "unchanged"]
    assert [record["level"] for record in await crm.find("job")] == [2]


async def test_a_dry_run_checks_everything_and_writes_nothing(crm: TestCrm) -> None:
    system = crm.kernel.system("cli")
    outcomes = await crm.kernel.writer.write([Change.create("job", {"number": "A"})], system, dry_run=True)
    assert outcomes[0].outcome == "created"
    assert await crm.count("job") == 0
    rows = await crm.kernel.database.read(
        "SELECT (SELECT count(*) FROM crm_history), (SELECT count(*) FROM crm_outbox)"
    )
    assert rows == [(0, 0)]


async def test_history_and_outbox_are_written_with_the_record(crm: TestCrm) -> None:
    record = await one(crm, number="A", secret="s3", price={"amount": "1.10", "currency": "EUR"})
    await crm.write([Change.update("job", record["id"], {"amount": 2.5, "secret": "other"})])
    newest, oldest = await history_of(crm, record)
    assert newest["changes"] == {"amount": {"old": None, "new": 2.5}, "secret": {"old": None, "new": None}}
    assert b'"price":{"old":null,"new":{"amount":1.10,"currency":"EUR"}}' in encode(oldest["changes"])
    assert (newest["channel"], newest["version"]) == ("job", 2)
    rows = await crm.kernel.database.read("SELECT type, version FROM crm_outbox ORDER BY seq")
    assert rows == [("record.created", 1), ("record.updated", 2)]


@pytest.mark.contract("base.md#activity-about")
async def test_about_refers_to_a_record_of_any_entity(crm: TestCrm) -> None:
    job = await one(crm)
    note = await one(crm, "activity", type="note", subject="x", about=job["id"])
    found = await crm.find("job", "any(activities, subject = 'x')")
    assert [r["id"] for r in found] == [job["id"]]
    page = await crm.kernel.reader.get("activity", note["id"], crm.kernel.system("cli"), expand=("about",))
    assert page["about"]["id"] == job["id"]
    assert (await refusal(crm.write([Change.create("activity", {"type": "note", "about": GONE})]))).faults == [
        ("/about", "reference")
    ]


async def test_without_its_index_a_unique_value_is_looked_up(crm: TestCrm) -> None:
    """An index cannot be built over values that are equal already; new ones are refused nevertheless."""
    await one(crm, number="A")
    database = crm.kernel.database
    names = await database.read(database.dialect.indexes_sql)
    (index,) = [name for table, name in names if table == "e_job" and name.endswith("_u")]
    await database.write(lambda tx: tx.execute(f'DROP INDEX "{index}"'))
    await crm.kernel.reload()
    assert (await refusal(crm.write([Change.create("job", {"number": "A"})]))).code == "unique"
    assert await crm.count("job") == 1


async def test_all_taken_values_of_a_change_are_named(crm: TestCrm) -> None:
    first, _ = await one(crm, number="A"), await one(crm, number="B")
    twice = await refusal(crm.write([Change.create("job", {"id": first["id"], "number": "B"})]))
    assert (twice.code, sorted(twice.faults)) == ("unique", [("/id", "unique"), ("/number", "unique")])


@pytest.mark.parametrize("rows", [1, 50])
async def test_the_number_of_statements_does_not_depend_on_the_rows(crm: TestCrm, rows: int) -> None:
    """Pinned: as many statements for fifty records as for one, but that one need not ask for taken values."""
    customer = await one(crm, "contact", name="Anna")
    database = crm.kernel.database

    async def statements(changes: list[Any]) -> int:
        before = database.statements
        await crm.write(changes)
        return database.statements - before

    creates = [Change.create("job", {"number": f"{n}", "customer": customer["id"]}) for n in range(rows)]
    await crm.write([Change.create("job", {"number": "warm", "customer": customer["id"]})])
    assert await statements(creates) == CREATE_STATEMENTS + (rows > 1)
    found = await crm.find("job", "number != 'warm'", limit=100)
    assert await statements([Change.update("job", r["id"], {"amount": 5}) for r in found]) == UPDATE_STATEMENTS


CREATE_STATEMENTS = 7
UPDATE_STATEMENTS = 4


async def test_one_record_is_referred_to_in_both_ways_at_once(crm: TestCrm) -> None:
    """By a reference to any entity and by one to its own."""
    [customer] = await contacts(crm, {})
    note = Change.create("activity", {"type": "note", "about": customer["id"]})
    made = await crm.write([note, Change.create("job", {"customer": customer["id"]})])
    assert (made[0]["about"], made[1]["customer"]) == (customer["id"], customer["id"])
