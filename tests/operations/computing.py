"""Bills of contacts with lines: formulas and rollups over each other, and what they are in plain Python."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from crm_kernel.testing import TestCrm

Record = Mapping[str, Any]
CENT = Decimal("0.01")

MONEY: dict[str, Any] = {"money": True}
DATE = {"type": "string", "format": "date"}
MOMENT = {"type": "string", "format": "date-time"}


def formula(text: str, *, crm: Mapping[str, Any] | None = None, **schema: Any) -> dict[str, Any]:
    """A field that is computed by a formula."""
    return {**schema, "x-crm": {**(crm or {}), "formula": text}}


def rollup(
    of: str, measure: str, field: str | None = None, *, where: str | None = None, crm: Any = None, **schema: Any
) -> dict[str, Any]:
    """A field that measures records."""
    told = {"of": of, "measure": measure, "field": field, "where": where}
    return {**schema, "x-crm": {**(crm or {}), "rollup": {n: v for n, v in told.items() if v is not None}}}


def reference(entity: str, reverse: str) -> dict[str, Any]:
    """A field that refers to a record."""
    return {"type": "string", "x-crm": {"reference": entity, "reverse": reverse}}


LINE = {
    "kind": "entity",
    "name": "line",
    "title": "{code}",
    "schema": {
        "properties": {
            "bill": reference("bill", "lines"),
            "about": reference("*", "mentions"),
            "price": {"x-crm": MONEY},
            "quantity": {"type": "integer"},
            "weight": {"type": "number"},
            "part": {"type": "number", "x-crm": {"decimal": 2}},
            "day": DATE,
            "number": {"type": "string", "x-crm": {"autonumber": "L-{000}"}},
            "total": formula("price * quantity", crm=MONEY),
            "taxed": formula("total * 1.21", crm=MONEY),
            "code": formula("concat(number, ' ', stage)", crm={"search": True}, type="string"),
            "open": formula("stage = 'open' and quantity is not null", type="boolean"),
        }
    },
}
STAGES = {
    "kind": "pipeline", "name": "billing", "entity": "line", "label": "Billing",
    "stages": [{"name": "open", "type": "open"}, {"name": "done", "type": "won"}],
}  # fmt: skip
BILL = {
    "kind": "entity",
    "name": "bill",
    "title": "{id}",
    "schema": {
        "properties": {
            "customer": reference("contact", "bills"),
            "discount": {"type": "number"},
            "done": rollup("lines", "count", where="stage = 'done'", type="integer"),
            "sum": rollup("lines", "sum", "taxed", crm=MONEY),
            "mean": rollup("lines", "avg", "quantity", where="open = true", crm={"decimal": 2}),
            "load": rollup("lines", "sum", "weight", type="number"),
            "first": rollup("lines", "min", "day", **DATE),
            "last": rollup("lines", "max", "created_at", **MOMENT),
            "pieces": rollup("lines", "sum", "quantity", where="stage = 'open'", type="integer"),
            "fewest": rollup("lines", "min", "quantity", type="integer"),
            "dearest": rollup("lines", "max", "price", crm=MONEY),
            "parts": rollup("lines", "sum", "part", type="number", crm={"decimal": 3}),
            "rough": rollup("lines", "sum", "part", type="number", crm={"decimal": 1}),
            "due": formula("sum * (1 - coalesce(discount, 0))", crm=MONEY),
        }
    },
}
CONTACT = {
    "kind": "fields",
    "name": "contact-bills",
    "entity": "contact",
    "schema": {
        "properties": {
            "billed": rollup("bills", "count", where="done > 1", type="integer"),
            "owes": rollup("bills", "sum", "due", crm=MONEY),
            "mentioned": rollup("mentions", "count", type="integer"),
            "score": formula("billed * 10 + mentioned", type="integer"),
        }
    },
}
DOCUMENTS = [LINE, STAGES, BILL, CONTACT]
COMPUTED = {
    "line": ("total", "taxed", "code", "open"),
    "bill": ("done", "sum", "mean", "load", "first", "last", "due", "pieces", "fewest", "dearest", "parts", "rough"),
    "contact": ("billed", "owes", "mentioned", "score"),
}


def changed(document: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """The document with other fields."""
    found = copy.deepcopy(dict(document))
    found["schema"]["properties"].update(fields)
    return found


async def everything(crm: TestCrm) -> dict[str, dict[str, Record]]:
    """All records as they are stored, deleted ones too."""
    kernel, found = crm.kernel, dict[str, dict[str, Record]]()
    for name in COMPUTED:
        model = kernel.registry.entities[name]
        records = await kernel.store.records.load_where(kernel.database, model, "1 = 1", (), tail="ORDER BY t.id")
        found[name] = {record["id"]: record for record in records}
    return found


def expected(stored: Mapping[str, Mapping[str, Record]]) -> dict[str, dict[str, Any]]:
    """What the computed fields of each record have to be."""
    lines = {id: {**line, **_line(line)} for id, line in stored["line"].items()}
    bills = {id: {**bill, **_bill(bill, _of(lines, "bill", id))} for id, bill in stored["bill"].items()}
    contacts = {
        id: _contact(_of(bills, "customer", id), _of(lines, "about", id)) for id in stored["contact"]
    }  # fmt: skip
    found = {"line": lines, "bill": bills, "contact": contacts}
    return {f"{e} {id}": {n: r[n] for n in COMPUTED[e]} for e, records in found.items() for id, r in records.items()}


def shown(stored: Mapping[str, Mapping[str, Record]]) -> dict[str, dict[str, Any]]:
    """What they are."""
    return {f"{e} {id}": {n: r[n] for n in COMPUTED[e]} for e, records in stored.items() for id, r in records.items()}


def _of(records: Mapping[str, Record], field: str, id: str) -> list[Record]:
    return [record for record in records.values() if record[field] == id and record["deleted_at"] is None]


def _money(amount: Decimal, currency: str) -> dict[str, Any]:
    return {"amount": amount.quantize(CENT, ROUND_HALF_UP), "currency": currency}


def _line(line: Record) -> dict[str, Any]:
    price, quantity = line["price"], line["quantity"]
    total = None if price is None or quantity is None else _money(price["amount"] * quantity, price["currency"])
    return {
        "total": total,
        "taxed": total and _money(total["amount"] * Decimal("1.21"), total["currency"]),
        "code": f"{line['number']} {line['stage']}",
        "open": line["stage"] == "open" and quantity is not None,
    }


def _bill(bill: Record, lines: list[Record]) -> dict[str, Any]:
    quantities = [line["quantity"] for line in lines if line["open"]]
    total = _sum(line["taxed"] for line in lines)
    parts = _some(sum, [line["part"] for line in lines])
    rate = 1 - Decimal(repr(bill["discount"] or 0))
    return {
        "done": sum(line["stage"] == "done" for line in lines),
        "sum": total,
        "mean": (Decimal(sum(quantities)) / len(quantities)).quantize(CENT, ROUND_HALF_UP) if quantities else None,
        "load": _some(sum, [line["weight"] for line in lines]),
        "first": _some(min, [line["day"] for line in lines]),
        "last": _some(max, [line["created_at"] for line in lines]),
        "pieces": _some(sum, [line["quantity"] for line in lines if line["stage"] == "open"]),
        "fewest": _some(min, [line["quantity"] for line in lines]),
        "dearest": _of_one_currency(max, [line["price"] for line in lines]),
        "parts": parts,
        "rough": parts and parts.quantize(Decimal("0.1"), ROUND_HALF_UP),
        "due": total and _money(total["amount"] * rate, total["currency"]),
    }


def _contact(bills: list[Record], mentions: list[Record]) -> dict[str, Any]:
    billed = sum(bill["done"] > 1 for bill in bills)
    owes = _sum(bill["due"] for bill in bills)
    return {"billed": billed, "owes": owes, "mentioned": len(mentions), "score": billed * 10 + len(mentions)}


def _sum(amounts: Iterable[dict[str, Any] | None]) -> dict[str, Any] | None:
    return _of_one_currency(sum, amounts)


def _of_one_currency(
    how: Callable[[list[Any]], Any], amounts: Iterable[dict[str, Any] | None]
) -> dict[str, Any] | None:
    found = [amount for amount in amounts if amount is not None]
    if len({amount["currency"] for amount in found}) != 1:
        return None
    return {"amount": how([a["amount"] for a in found]), "currency": found[0]["currency"]}


def _some(how: Callable[[list[Any]], Any], values: list[Any]) -> Any:
    found = [value for value in values if value is not None]
    return how(found) if found else None
