"""SQLite serves lists from the indexes that are made for them."""

from __future__ import annotations

import pytest

from crm_kernel.storage.sqlite_engine import SqliteEngine


@pytest.mark.parametrize(
    ("condition", "order", "index"),
    [
        ("deleted_at IS NULL", "created_at DESC, id", "e_contact__created_at_d__id_i"),
        ("deleted_at IS NOT NULL", "created_at DESC, id", "e_contact__created_at_d__id_i_deleted"),
        ("deleted_at IS NULL AND owner = 'u'", "created_at DESC, id", "e_contact__owner__created_at_d__id_i"),
        ("deleted_at IS NULL AND stage = 'new'", "created_at DESC, id", "e_contact__stage__created_at_d__id_i"),
        ("deleted_at IS NULL AND kind = 'buyer'", "created_at DESC, id", "e_contact__kind__created_at_d__id_i"),
        ("deleted_at IS NULL AND kind = 'buyer'", '"select", id', "e_contact__kind__select__id_i"),
        ("deleted_at IS NULL", "name__fold, name, id", "e_contact__name__fold__name__id_i"),
        ('deleted_at IS NULL AND "select" IS NOT NULL', '"select", id', "e_contact__select__id_i"),
        ("company = 'x'", "rowid", "e_contact__company_i_all"),
    ],
)
async def test_lists_are_served_from_an_index(database: SqliteEngine, condition: str, order: str, index: str) -> None:
    sql = f"EXPLAIN QUERY PLAN SELECT id FROM e_contact WHERE {condition} ORDER BY {order} LIMIT 50"
    plan = " ".join(row[3] for row in await database.read(sql))
    assert f"INDEX {index} " in plan + " "
    assert "TEMP B-TREE" not in plan, plan


async def test_a_unique_value_is_found_by_its_index(database: SqliteEngine) -> None:
    sql = "EXPLAIN QUERY PLAN SELECT id FROM e_contact WHERE external_id = 'x' AND deleted_at IS NULL"
    assert "INDEX e_contact__external_id_u " in (await database.read(sql))[0][3]
