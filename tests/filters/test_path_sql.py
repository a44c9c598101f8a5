"""Paths outside filters."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from crm_kernel.errors import Error
from crm_kernel.filters.path_sql import path_sql
from crm_kernel.filters.scope import SYSTEM_SCOPE
from crm_kernel.filters.to_sql import bind

UID = "00000000-0000-7000-8000-{:012}".format


@pytest.fixture(autouse=True)
def _filled(world: Any) -> None:
    world.fill(
        {
            "person": [{"id": UID(10), "name": "Ärne", "home": {"city": "Rīga"}, "boss": UID(11)}],
            "deal": [
                {"id": UID(1), "name": "Čau", "owner": UID(10), "price": {"amount": "1.5", "currency": "KWD"},
                 "ratio": 1.25, "open": True, "since": "2026-03-18T10:00:00Z", "kind": "small", "tags": ["x"],
                 "address": {"city": "Ē", "lift": True, "geo": {"lat": 1}}, "count": 3},
                {"id": UID(2)},
            ],
        }
    )  # fmt: skip


def read(world: Any, path: str, scope: Any = SYSTEM_SCOPE) -> Any:
    found = path_sql(path, "deal", world.model, world.dialect, scope)
    rows = []
    for id in (UID(1), UID(2)):
        columns = ", ".join(c.text for c in found.columns)
        params = [p for c in found.columns for p in c.params]
        statement = f"SELECT {columns} FROM e_deal AS t WHERE t.id = ?"
        row = world.database(statement, [*bind(params, world.environment()), id])[0]
        rows.append(row[0] if found.convert is None or row[0] is None else found.convert(*row))
    assert rows[1] in (None, False)
    return rows[0]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("name", "Čau"),
        ("owner.name", "Ärne"),
        ("owner.home.city", "Rīga"),
        ("owner.boss", UID(11)),
        ("owner.boss.name", None),
        ("price", {"amount": Decimal("1.500"), "currency": "KWD"}),
        ("price.amount", Decimal("1.500")),
        ("price.currency", "KWD"),
        ("ratio", Decimal("1.25")),
        ("open", True),
        ("since", "2026-03-18T10:00:00Z"),
        ("address.lift", True),
        ("rotting", False),
        ("count", 3),
    ],
)
def test_values(world: Any, path: str, expected: Any) -> None:
    assert read(world, path) == expected


def test_json_is_answered_as_it_is(world: Any) -> None:
    assert bytes(read(world, "tags")) == b'["x"]'
    assert bytes(read(world, "address.geo")) == b'{"lat":1}'


def test_rules_hold_for_paths(world: Any, rules: Any) -> None:
    assert read(world, "owner.name", rules(rows={"person": "age > 1"})) is None
    assert read(world, "name", rules(fields={("deal", "name"): "count > 3"})) is None
    assert read(world, "owner.name", rules(fields={("deal", "owner"): ""})) is None


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("name", ["cau", "Čau"]),
        ("owner.name", ["arne", "Ärne"]),
        ("owner.home.city", ["riga", "Rīga"]),
        ("price", ["KWD", 1500]),
        ("kind", [1]),
        ("count", [3]),
        ("address.city", ["e", "Ē"]),
    ],
)
def test_sort_keys(world: Any, path: str, keys: list[Any]) -> None:
    found = path_sql(path, "deal", world.model, world.dialect, SYSTEM_SCOPE)
    assert found.sort is not None
    columns = ", ".join(s.text for s in found.sort)
    params = bind([p for s in found.sort for p in s.params], world.environment())
    assert list(world.database(f"SELECT {columns} FROM e_deal AS t ORDER BY t.id", params)[0]) == keys


def test_what_cannot_be_sorted_by(world: Any) -> None:
    for path in ("tags", "address", "blob", "address.geo"):
        assert path_sql(path, "deal", world.model, world.dialect, SYSTEM_SCOPE).sort is None


@pytest.mark.parametrize(
    ("path", "code", "detail"),
    [
        ("nmae", "unknown_field", "unknown field 'nmae' at 1: did you mean 'name'?"),
        ("owner.nmae", "unknown_field", "unknown field 'owner.nmae' at 7: did you mean 'owner.name'?"),
        ("name; drop", "unknown_field", "unknown field 'name; drop' at 1"),
        ("", "unknown_field", "unknown field '' at 1"),
        ("visits", "bad_filter", "unexpected 'visits' at 1: expected any(visits, …)"),
    ],
)
def test_refusals(world: Any, path: str, code: str, detail: str) -> None:
    with pytest.raises(Error) as caught:
        path_sql(path, "deal", world.model, world.dialect, SYSTEM_SCOPE)
    assert caught.value.code == code
    assert caught.value.detail.startswith(detail)
