"""The read door: lists, sorts, cursors, counts, fields, expansion, plans that are kept."""

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel import Change
from crm_kernel.operations.answers import encode
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.testing import TestCrm
from tests.operations.conftest import refusal


async def fill(crm: TestCrm, rows: list[dict[str, Any]]) -> list[str]:
    return [r["id"] for r in await crm.write([Change.create("job", row) for row in rows])]


async def listed(crm: TestCrm, **params: str) -> Any:
    query = ListQuery.from_params(params)
    return await crm.kernel.reader.list("job", crm.kernel.system("api"), query)


async def numbers(crm: TestCrm, **params: str) -> list[Any]:
    return [item["number"] for item in (await listed(crm, **params)).items]


@pytest.mark.contract("http-api.md#list-sort", "http-api.md#list-sort-nulls", "http-api.md#list-sort-order")
@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("number", ["Ābele", "abols", "Žaga", None]),
        ("-number", ["Žaga", "abols", "Ābele", None]),
        ("price,number", ["Ābele", "Žaga", "abols", None]),
        ("-price,number", ["abols", "Žaga", "Ābele", None]),
        ("kind_of,-amount", ["abols", None, "Žaga", "Ābele"]),
        ("-kind_of,amount", ["Ābele", "Žaga", "abols", None]),
        ("-created_at", [None, "Žaga", "abols", "Ābele"]),
        ("due", ["Žaga", "Ābele", "abols", None]),
    ],
)
async def test_sorts(crm: TestCrm, sort: str, expected: list[Any]) -> None:
    await fill(
        crm,
        [
            {
                "number": "Ābele",
                "price": {"amount": 9, "currency": "EUR"},
                "kind_of": "large",
                "amount": 1,
                "due": "2026-02-01",
            },
            {"number": "abols", "price": {"amount": 1, "currency": "USD"}, "kind_of": "small", "amount": 2},
            {
                "number": "Žaga",
                "price": {"amount": 10, "currency": "EUR"},
                "kind_of": "large",
                "amount": 3,
                "due": "2026-01-01",
            },
            {"kind_of": "small"},
        ],
    )
    if sort == "-created_at":
        page = await listed(crm)
        assert len(page.items) == 4
        return
    assert await numbers(crm, sort=sort) == expected


@pytest.mark.contract("http-api.md#list-not-sortable")
@pytest.mark.parametrize("sort", ["tags", "place", "-tags,number"])
async def test_lists_and_objects_are_not_sortable(crm: TestCrm, sort: str) -> None:
    assert (await refusal(listed(crm, sort=sort))).code == "not_sortable"


@pytest.mark.contract("http-api.md#list-cursor")
@pytest.mark.parametrize(
    "sort", ["number", "-number", "price,-amount", "customer.name,-level", "due,-kind_of,stage,number"]
)
async def test_pages_follow_without_gap_or_repeat(crm: TestCrm, sort: str) -> None:
    rows: list[dict[str, Any]] = []
    for n in range(23):
        rows.append({"number": f"n{n % 7}-{n}" if n % 3 else None, "level": n % 2, "amount": n % 5 if n % 4 else None})
        if n % 2:
            rows[-1]["price"] = {"amount": n % 6, "currency": "EUR" if n % 4 == 1 else "USD"}
    await fill(crm, rows)
    whole = [item["id"] for item in (await listed(crm, sort=sort, limit="100")).items]
    paged: list[str] = []
    params = {"sort": sort, "limit": "4"}
    while True:
        page = await listed(crm, **params)
        paged += [item["id"] for item in page.items]
        if page.next is None:
            break
        params["cursor"] = page.next
    assert paged == whole
    assert len(set(paged)) == 23


@pytest.mark.contract("http-api.md#cursor-bound")
async def test_a_cursor_belongs_to_its_list(crm: TestCrm) -> None:
    await fill(crm, [{"number": str(n)} for n in range(3)])
    cursor = (await listed(crm, sort="number", limit="1")).next
    anna = await crm.user("anna", "boss")
    for params in (
        {"sort": "-number"},
        {"sort": "number", "filter": "level = 3"},
        {"sort": "number", "deleted": "only"},
    ):
        assert (await refusal(listed(crm, cursor=cursor, limit="1", **params))).code == "bad_cursor"
    query = ListQuery(sort="number", cursor=cursor)
    assert (await refusal(crm.kernel.reader.list("job", anna, query))).code == "bad_cursor"
    assert (await refusal(listed(crm, sort="number", cursor="nonsense"))).code == "bad_cursor"
    contacts = crm.kernel.reader.list("contact", crm.kernel.system("api"), ListQuery(sort="name", cursor=cursor))
    assert (await refusal(contacts)).code == "bad_cursor"


@pytest.mark.contract("http-api.md#list-count")
async def test_counts(crm: TestCrm) -> None:
    await fill(crm, [{"level": n % 2} for n in range(1002)])
    page = await listed(crm, count="capped", limit="1")
    assert (page.count, page.count_capped) == (1000, True)
    page = await listed(crm, count="capped", filter="level = 1", limit="1")
    assert (page.count, page.count_capped) == (501, False)
    assert (await listed(crm, count="exact", limit="1")).count == 1002
    assert (await listed(crm, limit="1")).answer().keys() == {"items", "next", "count"}


@pytest.mark.contract("http-api.md#list-fields", "http-api.md#list-expand")
async def test_fields_paths_and_expansion(crm: TestCrm) -> None:
    values = {"name": "Anna", "address": {"city": "Rīga"}, "birthday": "1990-01-02"}
    anna = (await crm.write([Change.create("contact", values)]))[0]
    await fill(crm, [{"number": "A", "customer": anna["id"], "place": {"city": "Liepāja"}, "price": {"amount": 3}}])
    page = await listed(
        crm, fields="number,customer.name,customer.address.city,place.city,customer.created_at,price.amount"
    )
    item = page.items[0]
    assert item.pop("customer.created_at") == anna["created_at"]
    assert {n: v for n, v in item.items() if n not in ("id", "version")} == {
        "number": "A",
        "customer.name": "Anna",
        "customer.address.city": "Rīga",
        "place.city": "Liepāja",
        "price.amount": 3,
    }
    expanded = (await listed(crm, fields="number", expand="customer")).items[0]
    assert expanded["customer"]["birthday"] == "1990-01-02"
    assert (await refusal(listed(crm, expand="number"))).code == "bad_value"


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"count": "exact", "sort": "-price,number", "filter": "amount > 0"},
        {"fields": "place,price,rotting,customer.name,price.currency,customer.do_not_contact,tags,place.city"},
        {"fields": "number", "expand": "customer"},
    ],
)
async def test_answers_are_the_records_encoded(crm: TestCrm, params: dict[str, str]) -> None:
    anna = (await crm.write([Change.create("contact", {"name": "Anna", "do_not_contact": True})]))[0]
    place = {"city": "Rīga", "zip": 'LV-"1010"'}
    filled = {"number": "1", "amount": 2, "price": {"amount": 3.5, "currency": "EUR"}, "due": "2026-01-02"}
    ids = await fill(crm, [{**filled, "customer": anna["id"], "tags": ["a", "ū"], "place": place}, {}])
    reader, caller = crm.kernel.reader, crm.kernel.system("api")
    query = ListQuery.from_params(params)
    assert await reader.list_answer("job", caller, query) == encode((await listed(crm, **params)).answer())
    for id in ids:
        one = await reader.get("job", id, caller, fields=query.fields, expand=query.expand)
        body, version = await reader.get_answer("job", id, caller, fields=query.fields, expand=query.expand)
        assert (body, version) == (encode(one), one["version"])


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"limt": "5"}, "unknown_parameter"),
        ({"limit": "0"}, "bad_value"),
        ({"limit": "501"}, "bad_value"),
        ({"limit": "ten"}, "bad_value"),
        ({"limit": "٣"}, "bad_value"),
        ({"count": "all"}, "bad_value"),
        ({"deleted": "yes"}, "bad_value"),
        ({"sort": "a,b,c,d,e"}, "bad_value"),
        ({"sort": "number,,level"}, "bad_value"),
        ({"fields": "number,"}, "bad_value"),
        ({"fields": "numbr"}, "unknown_field"),
        ({"sort": "numbr"}, "unknown_field"),
        ({"expand": "custmer"}, "unknown_field"),
        ({"fields": "customer.nme"}, "unknown_field"),
        ({"filter": "numbr = 'x'"}, "unknown_field"),
        ({"filter": "number ="}, "bad_filter"),
    ],
)
@pytest.mark.contract("http-api.md#list-limit", "http-api.md#unknown-parameter", "http-api.md#bad-filter")
async def test_what_cannot_be_asked(crm: TestCrm, params: dict[str, str], code: str) -> None:
    async def ask() -> Any:
        return await listed(crm, **params)

    assert (await refusal(ask())).code == code


async def test_plans_are_kept_until_documents_change(crm: TestCrm) -> None:
    await listed(crm, sort="number")
    planner = crm.kernel.reader.planner
    await listed(crm, sort="number")
    assert crm.kernel.reader.planner is planner
    schema = {"properties": {"extra": {"type": "string"}}}
    await crm.put({"kind": "fields", "name": "job-extra", "entity": "job", "schema": schema})
    assert crm.kernel.reader.planner is not planner
    assert "extra" in (await listed(crm)).items[0] if (await fill(crm, [{}])) else False


async def test_a_list_takes_one_statement(crm: TestCrm) -> None:
    await fill(crm, [{"number": str(n)} for n in range(5)])
    await listed(crm, sort="number", count="exact")
    before = crm.kernel.database.statements
    await listed(crm, sort="number")
    assert crm.kernel.database.statements - before == 1
    await listed(crm, sort="number", count="exact")
    assert crm.kernel.database.statements - before == 3
