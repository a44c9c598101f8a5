"""Piccolo's tables have no engine of their own: queries go to who runs them."""

from __future__ import annotations

import pytest
from piccolo.querystring import QueryString

from crm_kernel.storage.binding import TABLES
from crm_kernel.storage.ports import Database
from crm_kernel.storage.tables import Meta


async def test_a_query_alone_reaches_no_database() -> None:
    with pytest.raises(RuntimeError, match=r"engine.run\(query\)"):
        await Meta.select()


async def test_piccolo_has_no_way_around() -> None:
    with pytest.raises(RuntimeError, match="evolution"):
        await Meta.create_table()
    with pytest.raises(RuntimeError):
        await TABLES.batch(Meta.select())
    with pytest.raises(RuntimeError):
        TABLES.transaction()
    with pytest.raises(RuntimeError):
        TABLES.atomic()
    await TABLES.prep_database()
    assert await TABLES.get_version() == TABLES.get_version_sync()


async def test_changes_need_a_transaction(database: Database) -> None:
    with pytest.raises(Exception, match=r"read.?only"):
        await database.run(Meta.insert(Meta(key="a", value="b")))
    await database.write(lambda tx: tx.run(Meta.insert(Meta(key="a", value="b"))))
    assert await database.run(Meta.select(Meta.value)) == [{"value": "b"}]


async def test_a_query_ends_with_its_run(database: Database) -> None:
    await database.run(Meta.select())
    with pytest.raises(RuntimeError):
        await TABLES.run_querystring(QueryString("SELECT 1"))
