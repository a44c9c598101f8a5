"""Export: what may be taken out, in which form, page by page; and read back by an import."""

from __future__ import annotations

import csv
import gc
import io
import tracemalloc
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from crm_kernel import Change
from crm_kernel.callers import Caller
from crm_kernel.mappings import ImportMapping
from crm_kernel.operations.export import export
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.testing import TestCrm
from tests.operations.conftest import contacts, refusal
from tests.operations.importing import Importing

TAKER: dict[str, Any] = {
    "kind": "role",
    "name": "taker",
    "grants": [
        {"entity": "job", "actions": ["read"], "fields": {"deny": ["price"]}},
        {"entity": "job", "actions": ["export"], "where": "owner = @me"},
    ],
}
OWN = ("number", "amount", "price", "due", "customer", "kind_of", "tags", "place", "level")


@pytest.fixture
def crm_documents(crm_documents: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    return [*crm_documents, TAKER]


async def parts(crm: TestCrm, caller: Caller | None = None, form: str = "csv", **asked: Any) -> list[bytes]:
    lossless = asked.pop("lossless", False)
    who = caller or crm.kernel.system("api")
    found = await export(crm.kernel.reader, "job", who, ListQuery(**asked), form=form, lossless=lossless)
    return [part async for part in found]


async def rows(crm: TestCrm, caller: Caller | None = None, **asked: Any) -> list[dict[str, str]]:
    text = b"".join(await parts(crm, caller, **asked)).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def jobs(crm: TestCrm, *values: dict[str, Any]) -> list[str]:
    return [r["id"] for r in await crm.write([Change.create("job", row) for row in values])]


async def test_an_export_has_what_read_and_export_both_give(crm: TestCrm) -> None:
    taker = await crm.user("taker", "taker")
    await jobs(crm, {"number": "1", "owner": taker.id, "secret": "s"}, {"number": "2"})
    (row,) = await rows(crm, taker)
    assert row["number"] == "1"
    assert not {"price", "secret"} & row.keys()
    assert (await refusal(parts(crm, taker, fields=("price",)))).code == "unknown_field"
    assert (await refusal(parts(crm, taker, sort="price"))).code == "unknown_field"
    page = await crm.kernel.reader.list("job", taker, ListQuery())
    assert len(page.items) == 2, "the action export narrows nothing but exports"
    boss = await crm.user("boss", "boss")
    assert (await refusal(parts(crm, boss))).code == "forbidden"


async def test_sensitive_fields_are_exported_only_when_named(crm: TestCrm) -> None:
    await jobs(crm, {"number": "1", "secret": "s"})
    assert "secret" not in (await rows(crm))[0]
    assert await rows(crm, fields=("number", "secret")) == [{"number": "1", "secret": "s"}]


async def test_filter_search_sort_and_paths(crm: TestCrm) -> None:
    (customer,) = await contacts(crm, {"name": "Ābele"})
    await jobs(crm, *({"number": f"A {n}", "customer": customer["id"], "amount": n} for n in range(4)), {"number": "B"})
    found = await rows(crm, q="a", filter="amount > 0", sort="-amount", fields=("number", "customer.name"))
    assert found == [{"number": f"A {n}", "customer.name": "Ābele"} for n in (3, 2, 1)]
    lines = b"".join(await parts(crm, form="jsonl", q="b", fields=("number", "price"))).splitlines()
    assert [msgspec.json.decode(line) for line in lines] == [{"number": "B", "price": None}]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0"])
async def test_csv_is_inert_by_default_and_lossless_by_choice(crm: TestCrm, text: str) -> None:
    await jobs(crm, {"number": text})
    assert await rows(crm, fields=("number",)) == [{"number": f"'{text}"}]
    assert await rows(crm, fields=("number",), lossless=True) == [{"number": text}]


async def test_a_lossless_export_is_read_back_by_an_import(crm: TestCrm, tmp_path: Path) -> None:
    (customer,) = await contacts(crm, {"name": "c"})
    await jobs(
        crm,
        {
            "number": '=1;"2",\n3',
            "amount": 0.1,
            "price": {"amount": 250000.5, "currency": "EUR"},
            "due": "2026-02-28",
            "customer": customer["id"],
            "kind_of": "small",
            "tags": ["a,b", '"', "=x"],
            "place": {"city": "Rīga", "zip": "LV-1"},
            "level": -7,
        },
        {"number": "empty"},
    )
    before = await crm.find("job", sort="number")
    text = b"".join(await parts(crm, fields=OWN, sort="number", lossless=True)).decode()
    await crm.write([Change.purge("job", record["id"]) for record in before])
    counts = await Importing(crm, tmp_path).counts(text, ImportMapping(key=["number"]))
    assert counts == {"created": 2}
    after = await crm.find("job", sort="number")
    assert [[r[name] for name in OWN] for r in after] == [[r[name] for name in OWN] for r in before]


async def test_an_empty_export_has_its_header(crm: TestCrm) -> None:
    assert await parts(crm, fields=("number", "due")) == [b"number,due\n"]
    assert await parts(crm, form="jsonl") == []


async def test_pages_have_each_record_once_in_one_statement_each(crm: TestCrm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm_kernel.operations.export.PAGE", 3)
    await jobs(crm, *({"number": str(n)} for n in range(10)))
    before = crm.kernel.database.statements
    found = await rows(crm, fields=("number",), sort="level,-number")
    assert [row["number"] for row in found] == [str(n) for n in range(9, -1, -1)]
    assert crm.kernel.database.statements - before == 4


async def test_memory_does_not_grow_with_the_export(crm: TestCrm) -> None:
    async def peak(records: int) -> int:
        await crm.write([Change.create("job", {"number": f"{records}-{n}"}) for n in range(records)])
        gc.collect()
        tracemalloc.start()
        size = 0
        found = await export(crm.kernel.reader, "job", crm.kernel.system("api"), ListQuery(), form="csv")
        async for part in found:
            size += len(part)
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert size > 50 * records
        return highest

    few = await peak(600)
    assert await peak(5000) < few + 2 * 1024 * 1024
