"""PostgreSQL knows what an import put into a table before autovacuum looks, a minute later at best."""

from __future__ import annotations

from pathlib import Path

from crm_kernel.testing.kit import TestCrm
from tests.operations.importing import Importing


async def test_a_large_import_has_its_table_analyzed_and_a_small_one_has_not(crm: TestCrm, tmp_path: Path) -> None:
    importing = Importing(crm, tmp_path)
    sql = "SELECT reltuples FROM pg_class WHERE relname = 'e_job'"
    read = importing.crm.kernel.database.read
    text = "number\n" + "".join(f"{n}\n" for n in range(2_000))
    await importing.run(text[:100])
    assert await read(sql) == [(-1.0,)]
    await importing.run(text)
    [(rows,)] = await read(sql)
    assert 1_000 <= rows <= 2_000
