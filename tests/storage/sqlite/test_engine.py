"""The file as the kernel opens it, and reading."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from crm_kernel.errors import ConfigError, Error
from crm_kernel.storage import sqlite_engine
from crm_kernel.storage.ports import Tx
from crm_kernel.storage.sqlite_engine import SqliteEngine, check_version
from crm_kernel.storage.tables import Listener, Meta

KILLED = """
import asyncio, os, sys
from pathlib import Path
from crm_kernel.storage.sqlite_engine import SqliteEngine

async def main():
    engine = SqliteEngine(Path(sys.argv[1]))
    await engine.open()
    await engine.write(lambda tx: tx.execute("CREATE TABLE t (n)"))
    async def one(n):
        await engine.write(lambda tx: tx.execute("INSERT INTO t VALUES (?)", (n,)))
        os.write(1, b"%d\\n" % n)
    async def client(first):
        for n in range(first, 10**6, 8):
            await one(n)
            if n > 400:
                os.kill(os.getpid(), 9)
    await asyncio.gather(*(client(first) for first in range(8)))

asyncio.run(main())
"""
ENDLESS = "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c"


async def create(engine: SqliteEngine) -> None:
    await engine.write(lambda tx: tx.execute("CREATE TABLE t (n INTEGER)"))


async def test_the_file_is_durable_and_shared(engine: SqliteEngine) -> None:
    """security.md 9: WAL with synchronous=FULL; no waiting inside SQLite, which would block the loop."""
    pragmas: dict[str, object] = {}

    async def work(tx: Tx) -> None:
        for name in ("journal_mode", "synchronous", "wal_autocheckpoint", "busy_timeout", "foreign_keys"):
            pragmas[name] = (await tx.read(f"PRAGMA {name}"))[0][0]

    await engine.write(work)
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "wal_autocheckpoint": 8000,
        "busy_timeout": 0,
        "foreign_keys": 0,
    }


def test_killing_the_process_loses_no_acknowledged_write(path: Path) -> None:
    """security.md 9: kill -9 under writes loses none that was acknowledged."""
    run = subprocess.run([sys.executable, "-c", KILLED, str(path)], capture_output=True, text=True, check=False)
    acknowledged = {int(line) for line in run.stdout.split()}
    connection = sqlite3.connect(path)
    stored = {row[0] for row in connection.execute("SELECT n FROM t")}
    connection.close()
    assert len(acknowledged) > 100
    assert acknowledged <= stored


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda folder: folder / "missing" / "crm.db", "the folder"),
        (lambda folder: folder, "cannot be opened or made there"),
    ],
)
async def test_a_place_that_cannot_hold_a_database(tmp_path: Path, make, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        await SqliteEngine(make(tmp_path)).open()


async def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(ConfigError, match="is not an SQLite database"):
        await SqliteEngine(path).open()


async def test_a_file_without_shared_memory(path: Path) -> None:
    """A file system that cannot do WAL, for which SQLite's memory database stands."""
    connection = sqlite3.connect(":memory:")
    with pytest.raises(ConfigError, match="WAL"):
        await SqliteEngine(path)._prepare(connection)
    connection.close()


def test_an_old_library_is_refused() -> None:
    check_version((3, 35, 0))
    with pytest.raises(ConfigError, match=r"3\.34\.1 is too old"):
        check_version((3, 34, 1))


async def test_opening_waits_for_who_has_the_file(path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Error, match="writing"):
        await SqliteEngine(path, patience=0.05).open()
    other.close()


async def test_readers_change_nothing(engine: SqliteEngine) -> None:
    await create(engine)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await engine.read("INSERT INTO t VALUES (1)")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await engine.read_heavy("INSERT INTO t VALUES (1)")


async def test_a_reader_waits_for_a_locked_file(engine: SqliteEngine, path: Path) -> None:
    await create(engine)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    await engine.close()
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO t VALUES (1)")
    other.execute("COMMIT")
    locked = SqliteEngine(path, patience=0.05)
    with pytest.raises(Error) as refused:
        await locked.open()
    assert refused.value.code == "busy"
    other.close()
    await engine.open()
    assert await engine.read("SELECT n FROM t") == [(1,)]


async def test_a_read_waits_and_is_refused_in_the_end(engine: SqliteEngine, tmp_path: Path) -> None:
    """A file without WAL stands for the rare moments when a WAL file is locked for readers (recovery)."""
    plain, other = (sqlite3.connect(tmp_path / "plain.db", isolation_level=None, timeout=0) for _ in range(2))
    other.execute("CREATE TABLE t (n)")
    engine._reader.close()
    engine._reader = plain
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(Error) as refused:
        await engine.read("SELECT n FROM t")
    assert refused.value.code == "busy"
    asyncio.get_running_loop().call_later(0.01, other.execute, "COMMIT")
    assert await engine.read("SELECT n FROM t") == []
    other.close()


async def test_statements_are_counted(engine: SqliteEngine) -> None:
    await create(engine)
    before = engine.statements

    async def work(tx: Tx) -> None:
        await tx.execute("INSERT INTO t VALUES (1)")
        await tx.executemany("INSERT INTO t VALUES (?)", [(2,), (3,)])
        await tx.read("SELECT n FROM t")

    await engine.write(work)
    await engine.read("SELECT n FROM t")
    await engine.read_heavy("SELECT n FROM t")
    assert engine.statements - before == 5


async def test_data_version_changes_with_every_commit(engine: SqliteEngine, path: Path) -> None:
    first = engine.data_version()
    assert engine.data_version() == first
    await create(engine)
    second = engine.data_version()
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE o (n)")
    other.close()
    assert len({first, second, engine.data_version()}) == 3


async def test_heavy_reads_end_at_their_limit(path: Path) -> None:
    engine = SqliteEngine(path, heavy_limit=0.05)
    await engine.open()
    done = await asyncio.gather(*(engine.read_heavy(ENDLESS) for _ in range(3)), return_exceptions=True)
    assert {d.code for d in done if isinstance(d, Error)} == {"busy"}
    assert len(done) == 3
    assert await engine.read_heavy("SELECT 1") == [(1,)]
    await engine.close()


async def test_a_heavy_read_keeps_nobody_waiting(path: Path) -> None:
    engine = SqliteEngine(path, heavy_limit=0.3)
    await engine.open()
    heavy = asyncio.create_task(engine.read_heavy(ENDLESS))
    await asyncio.sleep(0)
    assert await engine.read("SELECT 1") == [(1,)]
    assert not heavy.done()
    heavy.cancel()
    with pytest.raises(asyncio.CancelledError):
        await heavy
    assert await engine.read_heavy("SELECT 2") == [(2,)]
    await engine.close()


async def test_heavy_faults_are_raised(engine: SqliteEngine) -> None:
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        await engine.read_heavy("SELECT n FROM nowhere")
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        await engine.read("SELECT n FROM nowhere")


async def test_two_engines_in_one_process_are_two(tmp_path: Path) -> None:
    """style.md 10: two kernels live in one process; Piccolo's queries go to the engine that runs them."""
    engines = [SqliteEngine(tmp_path / name) for name in ("a.db", "b.db")]
    for engine, value in zip(engines, ("one", "two"), strict=True):
        await engine.open()
        await engine.write(lambda tx: tx.execute("CREATE TABLE crm_meta (key TEXT PRIMARY KEY, value TEXT)"))
        await engine.write(lambda tx, value=value: tx.run(Meta.insert(Meta(key="name", value=value))))
    found = await asyncio.gather(*(engine.run(Meta.select(Meta.value)) for engine in engines))
    assert found == [[{"value": "one"}], [{"value": "two"}]]
    for engine in engines:
        await engine.close()


async def test_two_processes_share_the_file(path: Path) -> None:
    """Two engines on one file are two processes to SQLite: each gets its turn, nothing is lost."""
    engines = [SqliteEngine(path, pause_after_commit=pause) for pause in (0.005, 0.0)]
    for engine in engines:
        await engine.open()
    await create(engines[0])

    async def client(engine: SqliteEngine) -> None:
        for n in range(20):
            await engine.write(lambda tx, n=n: tx.execute("INSERT INTO t VALUES (?)", (n,)))

    await asyncio.gather(*(client(engine) for engine in engines for _ in range(3)))
    assert await engines[1].read("SELECT count(*) FROM t") == [(120,)]
    for engine in engines:
        await engine.close()


async def test_a_scratch_copy_is_apart(engine: SqliteEngine) -> None:
    await create(engine)
    async with engine.scratch() as copy:
        await copy.write(lambda tx: tx.execute("INSERT INTO t VALUES (1)"))
        assert await copy.read("SELECT n FROM t") == [(1,)]
        kept = copy.path
    assert await engine.read("SELECT n FROM t") == []
    assert not kept.parent.exists()


LONG = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT max(i) FROM n"


async def test_a_query_that_takes_long_keeps_nobody_waiting(engine: SqliteEngine) -> None:
    slow = asyncio.create_task(engine.read(LONG, (500_000,)))
    longest, before = 0.0, monotonic()
    while not slow.done():
        assert await engine.read("SELECT 1") == [(1,)]
        await asyncio.sleep(0)
        longest, before = max(longest, monotonic() - before), monotonic()
    assert await slow == [(500_000,)]
    assert longest < 0.5


async def test_a_query_by_names_that_takes_long_is_answered_too(
    engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start reads all stored documents by names: it may take as long as it has to."""
    numbers = "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 20000)"
    await engine.write(lambda tx: tx.execute("CREATE TABLE crm_listener (name TEXT PRIMARY KEY, seq INTEGER)"))
    await engine.write(lambda tx: tx.execute(f"INSERT INTO crm_listener {numbers} SELECT 'l' || n, n FROM c"))
    monkeypatch.setattr(sqlite_engine, "SPRINT", 0.0)
    assert len(await engine.run(Listener.select(Listener.name, Listener.seq))) == 20_000


async def test_a_query_without_end_is_busy_at_the_limit(path: Path) -> None:
    engine = SqliteEngine(path, heavy_limit=0.1)
    await engine.open()
    with pytest.raises(Error) as caught:
        await engine.read(LONG, (10**12,))
    assert caught.value.code == "busy"
    assert await engine.read("SELECT 1") == [(1,)]
    await engine.close()
