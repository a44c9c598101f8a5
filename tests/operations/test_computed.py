"""Formulas and rollups are what they have to be after any writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_kernel import Change
from crm_kernel.operations.answers import encode
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.operations.undoing import undoing
from crm_kernel.testing import TestCrm
from tests.operations.computing import DOCUMENTS, everything, expected, shown
from tests.operations.conftest import MakeCrm, refusal
from tests.operations.importing import Importing

pytestmark = pytest.mark.asyncio


@pytest.fixture
def crm_documents() -> Sequence[Mapping[str, Any]]:
    return DOCUMENTS


def _values(rng: Random, ids: dict[str, list[str]], entity: str) -> dict[str, Any]:
    """Some values of a line or a bill."""
    amount = f"{rng.choice(['EUR', 'EUR', 'EUR', 'USD'])} {rng.randint(-5000, 5000) / 100}"
    currency, _, number = amount.partition(" ")
    all_of = {
        "line": {
            "bill": rng.choice([None, *ids["bill"]]),
            "about": rng.choice([None, *ids["contact"], *ids["bill"]]),
            "price": rng.choice([None, {"amount": number, "currency": currency}]),
            "quantity": rng.choice([None, rng.randint(-3, 40)]),
            "weight": rng.choice([None, rng.randint(-40, 40) / 4]),
            "part": rng.choice([None, rng.randint(-3, 3), rng.randint(-200, 200) / 100]),
            "day": rng.choice([None, f"2026-01-{rng.randint(1, 28):02}"]),
        },
        "bill": {
            "customer": rng.choice([None, *ids["contact"]]),
            "discount": rng.choice([None, 0.1, 0.25]),
        },
    }[entity]
    return dict(rng.sample(sorted(all_of.items()), rng.randint(1, len(all_of))))


def _changes(rng: Random, ids: dict[str, list[str]], live: dict[str, set[str]]) -> list[Change[Any]]:
    """Some changes of different records."""
    free = {id for found in ids.values() for id in found}
    found: list[Change[Any]] = []
    for _ in range(rng.randint(1, 5)):
        entity = rng.choice(["line", "line", "line", "bill"])
        known = [id for id in ids[entity] if id in free]
        action = rng.choice(["create", "update", "update", "move", "delete", "restore", "purge"])
        if action == "create" or not known:
            found.append(Change.create(entity, _values(rng, {**ids, "bill": sorted(live["bill"])}, entity)))
            continue
        id = rng.choice(known)
        free.discard(id)
        among = {**ids, "bill": sorted(live["bill"] - {id} & free) if entity == "line" else []}
        match action:
            case "update" if id in live[entity]:
                found.append(Change.update(entity, id, _values(rng, among, entity)))
            case "move" if id in live[entity] and entity == "line":
                found.append(Change.move(entity, id, rng.choice(["open", "done"])))
            case "delete" if id in live[entity] and entity == "line":
                found.append(Change.delete(entity, id))
            case "restore" if id not in live[entity]:
                found.append(Change.restore(entity, id))
            case "purge" if entity == "line":
                found.append(Change.purge(entity, id))
            case _:
                pass
    return found


@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
    derandomize=True,
)
@given(seed=st.integers(0, 2**32))
@pytest.mark.contract("documents.md#formula")
@pytest.mark.contract("documents.md#rollup")
async def test_stored_values_are_those_of_plain_python(crm: TestCrm, seed: int) -> None:
    rng = Random(seed)
    contacts = await crm.write([Change.create("contact", {"name": f"c{n}"}) for n in range(2)])
    for _ in range(6):
        stored = await everything(crm)
        ids = {name: list(records) for name, records in stored.items()}
        ids["contact"] = [contact["id"] for contact in contacts]
        live = {n: {id for id, r in records.items() if r["deleted_at"] is None} for n, records in stored.items()}
        changes = _changes(rng, ids, live)
        await crm.write(changes)
        stored = await everything(crm)
        assert shown(stored) == expected(stored)


def price(amount: str) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


async def a_bill(crm: TestCrm, **values: Any) -> str:
    return str((await crm.write([Change.create("bill", values)]))[0]["id"])


async def history(crm: TestCrm, entity: str, id: str) -> list[dict[str, Any]]:
    return (await crm.kernel.reader.history(entity, id, crm.kernel.system("api")))["items"]


@pytest.mark.contract("documents.md#rollup-no-version")
async def test_a_rollup_changes_neither_version_nor_history_of_its_record(crm: TestCrm) -> None:
    bill = await a_bill(crm)
    before = await crm.get("bill", bill)
    await crm.write([Change.create("line", {"bill": bill, "price": price("10"), "quantity": 2})])
    after = await crm.get("bill", bill)
    assert (after["sum"], after["due"]) == ({"amount": Decimal("24.20"), "currency": "EUR"},) * 2
    assert {n for n in after if after[n] != before[n]} == {
        *("sum", "mean", "last", "due", "pieces", "fewest", "dearest"),
    }
    assert [(e["version"], e["action"], e["changes"]) for e in await history(crm, "bill", bill)] == [(1, "create", {})]
    await crm.write([Change.update("bill", bill, {"discount": 0.5}, version=1)])  # as seen before
    [entry, _] = await history(crm, "bill", bill)
    assert (await crm.get("bill", bill))["due"]["amount"] == Decimal("12.10")
    assert {name: float(old_new["new"]["amount"]) for name, old_new in entry["changes"].items() if name == "due"} == {
        "due": 12.10
    }


@pytest.mark.contract("documents.md#rollup-difference")
async def test_other_records_are_looked_at_only_where_the_stored_value_tells_too_little(crm: TestCrm) -> None:
    bill = await a_bill(crm)
    values = {"bill": bill, "price": price("10"), "quantity": 2, "day": "2026-01-05"}
    [line] = await crm.write([Change.create("line", values)])
    moved = {"pieces": 1000, "dearest__amount": 5000, "sum__amount": 90000}
    sets = ", ".join(f"{name} = {value}" for name, value in moved.items())
    await crm.kernel.database.write(lambda tx: tx.execute(f"UPDATE e_bill SET {sets}"))
    await crm.write([Change.create("line", values)])
    found = await crm.get("bill", bill)
    assert (found["pieces"], found["sum"], found["dearest"]) == (
        1002,
        {"amount": Decimal("924.20"), "currency": "EUR"},
        {"amount": Decimal("50.00"), "currency": "EUR"},
    )
    await crm.write([Change.update("line", line["id"], {"price": price("60")})])
    assert (await crm.get("bill", bill))["dearest"]["amount"] == 60
    await crm.write([Change.update("line", line["id"], {"price": price("20")})])  # the greatest has gone
    assert (await crm.get("bill", bill))["dearest"]["amount"] == 20


@pytest.mark.contract("documents.md#rollup-difference")
async def test_what_is_measured_does_not_come_again_as_a_difference(crm: TestCrm) -> None:
    contact = (await crm.write([Change.create("contact", {"name": "c"})]))[0]["id"]
    first, other = await a_bill(crm, customer=contact), await a_bill(crm)
    await crm.write([Change.create("line", {"bill": other, "price": price("5"), "quantity": 1})])
    line = {"bill": first, "price": price("10"), "quantity": 1}
    # One bill comes to a contact who owes nothing yet, so all is measured, and another of his bills grows.
    await crm.write([Change.create("line", line), Change.update("bill", other, {"customer": contact})])
    assert (await crm.get("contact", contact))["owes"] == {"amount": Decimal("18.15"), "currency": "EUR"}
    stored = await everything(crm)
    assert shown(stored) == expected(stored)


async def test_a_formula_stands_in_history_and_is_not_in_the_way_of_an_undo(crm: TestCrm) -> None:
    [line] = await crm.write([Change.create("line", {"price": price("10"), "quantity": 2})])
    await crm.write([Change.update("line", line["id"], {"quantity": 3})])
    entry = (await history(crm, "line", line["id"]))[0]
    assert set(entry["changes"]) == {"quantity", "total", "taxed"}
    kernel, caller = crm.kernel, crm.kernel.system("api")
    [change] = await kernel.undo.of_version("line", line["id"], 2, caller)
    await kernel.writer.write([change], undoing(caller, "version 2"))
    assert (await crm.get("line", line["id"]))["total"]["amount"] == Decimal("20.00")


async def test_nobody_writes_what_is_computed(crm: TestCrm) -> None:
    sent: dict[str, Any] = {"total": price("1"), "open": True, "code": "x"}
    wanted = [(f"/{name}", "read_only") for name in sorted(sent)]
    assert (await refusal(crm.write([Change.create("line", sent)]))).faults == wanted
    [line] = await crm.write([Change.create("line", {"price": price("10"), "quantity": 2})])
    assert (await refusal(crm.write([Change.update("line", line["id"], sent)]))).faults == [
        (f"/{name}", "read_only") for name in ("code", "total")
    ]
    assert (await refusal(crm.write([Change.create("bill", {"done": 1})]))).faults == [("/done", "read_only")]


async def test_what_only_repeats_itself_changes_nothing(crm: TestCrm) -> None:
    [line] = await crm.write([Change.create("line", {"price": price("10"), "quantity": 2})])
    sent = {name: line[name] for name in ("price", "quantity", "total", "code", "open", "number")}
    await crm.write([Change.update("line", line["id"], sent)])
    assert (await crm.get("line", line["id"]))["version"] == 1


async def test_lists_filter_sort_and_report_computed_fields(crm: TestCrm) -> None:
    bill = await a_bill(crm)
    await crm.write([Change.create("line", {"bill": bill, "price": price(n), "quantity": 1}) for n in ("3", "1", "2")])
    query = ListQuery(filter="taxed.amount > 2 and bill.done = 0", sort="-total", fields=("total",))
    found = json.loads(await crm.kernel.reader.list_answer("line", crm.kernel.system("api"), query))
    assert [item["total"]["amount"] for item in found["items"]] == [3, 2]
    assert await crm.find("bill", "sum = 'EUR 7.26'") != []
    report = {"kind": "report", "name": "r", "label": "R", "entity": "line", "group_by": ["open"],
              "measures": [{"sum": "taxed", "as": "all"}]}  # fmt: skip
    await crm.put(report)
    rows = await crm.kernel.reports.run("r", {}, crm.kernel.system("api"))
    assert json.loads(encode(rows))["rows"] == [{"open": True, "all": 7.26}]


async def test_a_batch_costs_as_many_statements_as_one_change(crm: TestCrm) -> None:
    bills = [await a_bill(crm) for _ in range(3)]

    async def statements(count: int) -> int:
        before = crm.kernel.database.statements
        values = [{"bill": bills[n % 3], "price": price("1"), "quantity": n, "weight": 0.5} for n in range(count)]
        await crm.write([Change.create("line", each) for each in values])
        return crm.kernel.database.statements - before

    few, many = await statements(6), await statements(60)
    assert many == few


@pytest.mark.contract("documents.md#rollup-import")
async def test_an_import_computes_as_a_form_does(crm: TestCrm, tmp_path: Path) -> None:
    bill = await a_bill(crm)
    importing = Importing(crm, tmp_path)
    rows = "".join(f"{bill},EUR {n},{n % 4},2026-01-{n % 28 + 1:02}\n" for n in range(700))
    job = await importing.run(f"bill,price,quantity,day\n{rows}", None, entity="line")
    assert job["counts"]["created"] == 700
    stored = await everything(crm)
    assert shown(stored) == expected(stored)
    assert stored["bill"][bill]["sum"] is not None


HOOKED = """
    from typing import Annotated
    from decimal import Decimal

    class Item(Entity, name="item", title="{name}"):
        name: str
        price: float | None = None
        parent: Annotated[Ref["item"] | None, field(reverse="parts")] = None
        double: Annotated[float | None, field(formula="price * 2")] = None
        parts_sum: Annotated[float | None, field(rollup={"of": "parts", "measure": "sum", "field": "double"})] = None

    @hookimpl
    def register_entities(): return [Item]

    @hookimpl
    async def before_write(batch):
        for change in batch.of(Item):
            if change.after.name == "forge":
                change.amend(double=5)
            elif change.after.name == "amend":
                change.amend(price=4)

    @hookimpl
    async def check_write(batch):
        for change in batch.of(Item):
            if change.after.double and change.after.double > 100:
                change.refuse("/price", "Too dear.", code="shop.dear")
"""


async def test_an_entity_of_a_plugin_computes_and_follows_what_hooks_amend(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(HOOKED.replace("\n    ", "\n"))
    top = (await crm.write([Change.create("item", {"name": "top", "price": 1})]))[0]
    assert top["double"] == 2.0
    part = Change.create("item", {"name": "amend", "price": 1, "parent": top["id"]})
    assert (await crm.write([part]))[0]["double"] == 8.0
    assert (await crm.get("item", top["id"]))["parts_sum"] == 8.0
    forged = await refusal(crm.write([Change.create("item", {"name": "forge", "price": 1, "parent": top["id"]})]))
    assert forged.faults == [("/double", "read_only")]
    dear = await refusal(crm.write([Change.create("item", {"name": "x", "price": 99, "parent": top["id"]})]))
    assert dear.faults == [("/price", "shop.dear")]
    assert (await crm.get("item", top["id"]))["parts_sum"] == 8.0


@pytest.mark.contract("documents.md#formula-readable")
async def test_who_sees_a_formula_and_a_rollup(crm: TestCrm) -> None:
    """In the ways that no world of the oracle goes: history, export, search, the schema."""
    bill = await a_bill(crm)
    values = {"bill": bill, "price": price("7"), "quantity": 3}
    line = (await crm.write([Change.create("line", values)]))[0]["id"]
    grants = [
        {"entity": "line", "actions": ["read", "export"], "fields": {"deny": ["price"]}},
        {"entity": "bill", "actions": ["read", "export"], "fields": {"read": ["*", "done"]}},
    ]
    await crm.put({"kind": "role", "name": "viewer", "grants": grants})
    viewer, reader = await crm.user("v", "viewer"), crm.kernel.reader
    shown_line = json.loads(await reader.list_answer("line", viewer, ListQuery()))["items"][0]
    assert {"quantity", "code", "open"} <= shown_line.keys()
    assert shown_line.keys().isdisjoint({"price", "total", "taxed"})
    shown_bill = json.loads(await reader.list_answer("bill", viewer, ListQuery()))["items"][0]
    assert shown_bill["done"] == 0
    assert shown_bill.keys().isdisjoint({"sum", "mean", "due"})  # a rollup is given by its name, and what reads it
    assert (
        await refusal(reader.list_answer("line", viewer, ListQuery(filter="taxed.amount > 1")))
    ).code == "unknown_field"
    assert (await refusal(reader.list_answer("bill", viewer, ListQuery(sort="due")))).code == "unknown_field"
    [entry] = (await reader.history("line", line, viewer))["items"]
    assert entry["changes"].keys().isdisjoint({"price", "total", "taxed"})
    schema = reader.schema("bill", viewer)
    assert schema["properties"]["done"]["x-crm"]["rollup"] == {"measure": "count"}
    assert "sum" not in schema["properties"]


async def test_what_reads_a_sensitive_field_is_sensitive(crm: TestCrm) -> None:
    properties = {
        "pin": {"type": "string", "x-crm": {"sensitive": True, "search": True}},
        "shown": {"type": "string", "x-crm": {"formula": "concat('pin ', pin)", "search": True}},
        "length": {"type": "integer", "maximum": 8, "x-crm": {"formula": "length(shown)"}},
    }
    await crm.put({"kind": "fields", "name": "pins", "entity": "line", "schema": {"properties": properties}})
    [line] = await crm.write([Change.create("line", {"pin": "1234"})])
    [entry] = await history(crm, "line", line["id"])
    assert [entry["changes"][n] for n in properties] == [{"old": None, "new": None}] * 3
    assert await crm.find("line", "* matches '1234'") == []
    refused = await refusal(crm.write([Change.update("line", line["id"], {"pin": "12345"})]))
    assert refused.faults == [("/length", "maximum")]
    assert "9" not in refused.error.faults[0].detail
