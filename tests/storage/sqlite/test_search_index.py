"""The index of words on SQLite: what VACUUM leaves of it."""

from __future__ import annotations

from types import SimpleNamespace

from crm_kernel.model import EntityModel
from crm_kernel.storage.ports import Database
from crm_kernel.storage.records import RecordStore
from crm_kernel.storage.search_index import candidates, search_index


async def test_a_vacuum_renumbers_no_record(
    database: Database, company: EntityModel, store: RecordStore, make: SimpleNamespace
) -> None:
    records = [make.record(company, n, name=f"anna{n}") for n in range(1, 601)]
    await database.write(lambda tx: store.insert(tx, company, records))
    await database.write(lambda tx: store.purge(tx, company, [record["id"] for record in records[:300]]))
    database._writer._connection.execute("VACUUM")  # type: ignore[attr-defined]
    index = search_index(company)
    assert index is not None
    ids = candidates(database.dialect, index, ("anna599",)).ids
    assert await database.read(ids.text, ids.params) == [(records[598]["id"],)]
    ids = candidates(database.dialect, index, ("anna4",)).ids
    wanted = sorted(record["id"] for record in records[300:] if record["name"].startswith("anna4"))
    assert sorted(id for (id,) in await database.read(ids.text, ids.params)) == wanted
