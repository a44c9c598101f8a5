"""Backups, their way back and copies: equal content on either engine, all or nothing."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from crm_kernel import Change, Error
from crm_kernel.clock import Clock
from crm_kernel.errors import ConfigError
from crm_kernel.kernel import Kernel
from crm_kernel.operations.backup import Copied, backup, copy, restore
from crm_kernel.settings_rules import sqlite_path
from crm_kernel.storage.backup_file import opened_backup
from crm_kernel.storage.evolution import ddl_plan
from crm_kernel.storage.filling import to_fill
from crm_kernel.storage.opening import database_of
from crm_kernel.storage.ports import Database
from crm_kernel.testing import TestCrm
from crm_kernel.testing.databases import Databases, databases_of
from crm_kernel.testing.kit import write_app
from tests.looking import Looker
from tests.operations.conftest import contacts

THING: dict[str, Any] = {
    "kind": "entity",
    "name": "thing",
    "title": "{label}",
    "schema": {
        "properties": {
            "label": {"type": "string"},
            "hot": {"type": "boolean"},
            "gone": {"type": "boolean"},
            "ratio": {"type": "number"},
            "count": {"type": "integer"},
            "price": {"type": "object", "x-crm": {"money": True}},
            "code": {"type": "string", "x-crm": {"unique": True}},
            "tags": {"type": "array", "items": {"type": "string"}},
        }
    },
}


@pytest.fixture
def crm_documents() -> list[dict[str, Any]]:
    return [THING]


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = database_of(url, sqlite_path(url))
    await database.open()
    try:
        yield database
    finally:
        await database.close()


class Elsewhere:
    """Empty databases of an engine, and what is done with them."""

    def __init__(self, engine: str, folder: Path) -> None:
        self.databases: Databases = databases_of(engine)
        self.folder = folder
        self.made: list[str] = []

    def new(self) -> str:
        folder = self.folder / f"elsewhere{len(self.made)}"
        folder.mkdir()
        self.made.append(self.databases.new(folder))
        return self.made[-1]

    async def restored(self, file: Path, url: str, *, replace: bool = False) -> Copied:
        with opened_backup(file) as backed:
            backed.verify()
            async with to_fill(url, sqlite_path(url), replace=replace) as target:
                return await restore(target, backed, replace=replace)

    async def kernel(self, url: str) -> Kernel:
        """An app on such a database."""
        folder = self.folder / f"app{len(list(self.folder.glob('app*')))}"
        folder.mkdir()
        return await Kernel.open(write_app(folder, (), url), strict=True)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Elsewhere is the engine that is tested on; where that is PostgreSQL, SQLite too."""
    if "elsewhere" in metafunc.fixturenames:
        engines = {"sqlite", metafunc.config.getoption("--crm-engine")}
        metafunc.parametrize("elsewhere", sorted(engines), indirect=True)


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Elsewhere]:
    """Databases of an engine."""
    found = Elsewhere(request.param, tmp_path)
    yield found
    for url in found.made:
        found.databases.drop(url)
    found.databases.close()


@pytest.fixture
async def filled(crm: TestCrm) -> TestCrm:
    """Records of every kind of value, a hidden column, numbers that were given and are gone."""
    values: list[dict[str, Any]] = [
        {
            "label": "Ā\n\u2028 \U0001f600 'x'",
            "hot": True,
            "gone": False,
            "ratio": 0.1,
            "count": 2**53 - 1,
            "code": "A",
        },
        {"label": "", "hot": False, "ratio": -0.0, "price": {"amount": "12.50", "currency": "EUR"}, "tags": ["a", "ā"]},
        {"label": "c", "gone": True, "ratio": 1e22},
    ]
    await crm.write([Change.create("thing", row) for row in values])
    await crm.write([Change.create("thing", {"label": f"n{n}", "ratio": n / 7}) for n in range(300)])
    await contacts(crm, *({"name": f"Kontakts {n}"} for n in range(20)))
    less = {name: schema for name, schema in THING["schema"]["properties"].items() if name != "gone"}
    await crm.put({**THING, "schema": {"properties": less}})
    await crm.kernel.database.write(lambda tx: tx.execute("DELETE FROM crm_outbox WHERE seq > 5"))
    return crm


async def numbers(database: Database) -> dict[str, int]:
    return {name: last for name, last in await database.read(database.dialect.numbers_sql) if last}


async def test_a_backup_comes_back_as_it_was(filled: TestCrm, elsewhere: Elsewhere, tmp_path: Path) -> None:
    file = tmp_path / "b.zip"
    source = filled.kernel.database
    done = await backup(source, file, Clock())
    assert file.stat().st_mode & 0o777 == 0o600
    assert done.tables["e_thing"].rows == 303
    url = elsewhere.new()
    assert await elsewhere.restored(file, url) == done
    kernel = await elsewhere.kernel(url)
    try:
        assert await numbers(kernel.database) == await numbers(source)
        lacking = await ddl_plan(kernel.registry.entities, kernel.database)
        same = kernel.database.dialect.name == source.dialect.name
        assert lacking.faults == []
        assert {step.change for step in lacking.steps} <= (set() if same else {"add_index"})
        again = TestCrm(kernel)
        assert await again.find("thing") == await filled.find("thing")
        await again.write([Change.create("thing", {"label": "new", "code": "B"})])
        ((seq,),) = await kernel.database.read("SELECT max(seq) FROM crm_outbox")
        assert seq == (await numbers(source))["crm_outbox"] + 1
        with pytest.raises(Error) as taken:
            await again.write([Change.create("thing", {"label": "new", "code": "A"})])
        assert taken.value.code == "unique"
        assert (await kernel.tamper.verify()).ok
        second = tmp_path / "second.zip"
        assert (await backup(kernel.database, second, Clock())).tables["crm_document"] == done.tables["crm_document"]
    finally:
        await kernel.close()


async def test_a_copy_has_equal_sums(filled: TestCrm, elsewhere: Elsewhere) -> None:
    url = elsewhere.new()
    async with to_fill(url, sqlite_path(url)) as target:
        there = await copy(filled.kernel.database, target)
    async with opened(url) as target:
        back = elsewhere.new()
        async with to_fill(back, sqlite_path(back)) as third:
            assert await copy(target, third) == there
    with pytest.raises(ConfigError, match="not empty"):
        async with to_fill(url, sqlite_path(url)) as target:
            await copy(filled.kernel.database, target)


async def test_a_backup_is_of_one_moment(crm: TestCrm, elsewhere: Elsewhere, tmp_path: Path) -> None:
    """While somebody writes, each record in it has its history and its events."""
    (first,) = await crm.write([Change.create("thing", {"label": "0"})])
    stop = asyncio.Event()
    written = 0

    async def keep_writing() -> None:
        nonlocal written
        version = 1
        while not stop.is_set():
            new = [Change.create("thing", {"label": f"w{written}-{n}"}) for n in range(20)]
            update = Change.update("thing", first["id"], {"count": written}, version=version)
            await crm.write([*new, update])
            version += 1
            written += 1
            await asyncio.sleep(0)

    writing = asyncio.create_task(keep_writing())
    url = ""
    try:
        for turn in range(3):
            before = written
            while written < before + 3:  # noqa: ASYNC110 - another task counts
                await asyncio.sleep(0.01)
            await backup(crm.kernel.database, tmp_path / f"{turn}.zip", Clock())
    finally:
        stop.set()
        await writing
    url = elsewhere.new()
    for turn in range(3):
        await elsewhere.restored(tmp_path / f"{turn}.zip", url, replace=turn > 0)
        look = Looker(url)
        try:
            ((things,),) = look("SELECT count(*) FROM e_thing")
            assert 60 < things < 20 * written + 2
            newest = "SELECT max(version) FROM crm_history AS h WHERE h.entity = 'thing' AND h.record = t.id"
            assert look(f"SELECT count(*) FROM e_thing AS t WHERE t.version <> ({newest})") == [(0,)]
            ((history, outbox),) = look(
                "SELECT (SELECT count(*) FROM crm_history WHERE entity = 'thing'),"
                " (SELECT count(*) FROM crm_outbox WHERE entity = 'thing')"
            )
            ((versions,),) = look("SELECT CAST(sum(version) AS bigint) FROM e_thing")
            assert history == outbox == versions
        finally:
            look.close()


async def test_only_an_empty_database_is_filled(filled: TestCrm, elsewhere: Elsewhere, tmp_path: Path) -> None:
    file, url = tmp_path / "b.zip", elsewhere.new()
    await backup(filled.kernel.database, file, Clock())
    await elsewhere.restored(file, url)
    await filled.write([Change.create("thing", {"label": "later"})])
    newer = tmp_path / "newer.zip"
    done = await backup(filled.kernel.database, newer, Clock())
    with pytest.raises(ConfigError, match="not empty"):
        await elsewhere.restored(newer, url)
    async with opened(url) as there:
        await there.read("SELECT count(*) FROM e_thing")
        with pytest.raises(ConfigError, match="in use"):
            await elsewhere.restored(newer, url, replace=True)
    async with opened(url) as there:
        assert await there.read("SELECT count(*) FROM e_thing") == [(303,)]
    assert await elsewhere.restored(newer, url, replace=True) == done
    async with opened(url) as there:
        assert await there.read("SELECT count(*) FROM e_thing") == [(304,)]


async def test_what_fails_on_the_way_leaves_nothing(
    filled: TestCrm, elsewhere: Elsewhere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, url = tmp_path / "b.zip", elsewhere.new()
    await backup(filled.kernel.database, file, Clock())

    async def fail(*_: Any) -> None:
        raise ConfigError("failed")

    with monkeypatch.context() as broken:
        broken.setattr("crm_kernel.storage.content.finish", fail)
        with pytest.raises(ConfigError, match="failed"):
            await elsewhere.restored(file, url)
    look = Looker(url)
    assert look.tables() == []
    look.close()
    assert [path.name for path in tmp_path.rglob("*.part*")] == []
    await elsewhere.restored(file, url)


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from crm_kernel.operations import backup
from crm_kernel.settings_rules import sqlite_path
from crm_kernel.storage import content, filling
from crm_kernel.storage.backup_file import opened_backup

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

async def go(file, url, place):
    if place == "rows":
        content.finish = kill
    elif place == "last":
        filling.Path.replace = kill
    async with filling.to_fill(url, sqlite_path(url)) as target:
        with opened_backup(Path(file)) as backed:
            await backup.restore(target, backed)
    kill()

asyncio.run(go(*sys.argv[1:]))
"""


@pytest.mark.parametrize("place", ["rows", "last", "after"])
async def test_a_killed_restore_leaves_nothing_or_all(
    filled: TestCrm, elsewhere: Elsewhere, tmp_path: Path, place: str
) -> None:
    file, url = tmp_path / "b.zip", elsewhere.new()
    done = await backup(filled.kernel.database, file, Clock())
    command = [sys.executable, "-c", KILLED, str(file), url, place]
    killed = await asyncio.to_thread(subprocess.run, command, check=False)
    assert killed.returncode == -signal.SIGKILL
    whole = place == "after" or (place == "last" and elsewhere.databases.engine == "postgresql")
    async with opened(url) as there:
        if whole:
            assert (await backup(there, tmp_path / "again.zip", Clock())).tables == done.tables
        else:
            assert await there.read(there.dialect.columns_sql) == []
    if not whole:
        assert await elsewhere.restored(file, url) == done


async def test_only_a_backup_is_overwritten(crm: TestCrm, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("mine", "utf-8")
    with pytest.raises(ConfigError, match="no backup"):
        await backup(crm.kernel.database, file, Clock())
    assert file.read_text("utf-8") == "mine"
    again = tmp_path / "b.zip"
    await backup(crm.kernel.database, again, Clock())
    first = again.read_bytes()
    await contacts(crm, {"name": "Anna"})
    await backup(crm.kernel.database, again, Clock())
    assert again.read_bytes() != first
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
