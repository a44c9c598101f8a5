"""Backups that were damaged or changed are refused."""

from __future__ import annotations

import errno
import io
import json
import random
from pathlib import Path
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import pytest

from crm_kernel.clock import Clock
from crm_kernel.errors import ConfigError
from crm_kernel.operations.backup import backup
from crm_kernel.storage.backup_file import opened_backup
from crm_kernel.testing import TestCrm
from tests.operations.conftest import contacts


async def damaged(file: Path) -> bool:
    """Whether reading refuses it."""
    try:
        with opened_backup(file) as backed:
            backed.verify()
    except ConfigError:
        return True
    return False


async def test_a_damaged_file_is_refused(crm: TestCrm, tmp_path: Path) -> None:
    await contacts(crm, *({"name": f"Kontakts {n}"} for n in range(50)))
    file, other = tmp_path / "b.zip", tmp_path / "damaged.zip"
    await backup(crm.kernel.database, file, Clock())
    whole = file.read_bytes()
    with opened_backup(file) as backed:
        manifest = backed.manifest
    choose = random.Random(7)
    for place in choose.sample(range(len(whole)), 300):
        other.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << choose.randrange(8))]) + whole[place + 1 :])
        if not await damaged(other):  # a time or an attribute of the zip: all that matters is as it was
            with opened_backup(other) as backed:
                assert backed.manifest == manifest
    for length in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        other.write_bytes(whole[:length])
        assert await damaged(other)


@pytest.mark.parametrize("allowed", [0, 12])
async def test_a_disk_that_cannot_be_read_is_no_damage(
    crm: TestCrm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    await contacts(crm, {"name": "Anna"})
    file = tmp_path / "b.zip"
    await backup(crm.kernel.database, file, Clock())
    reads = iter(range(allowed))

    class Failing(io.FileIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if next(reads, None) is None:
                raise OSError(errno.EIO, "Input/output error")
            return super().read(size)

    def verify() -> None:
        with opened_backup(file) as backed:
            backed.verify()

    monkeypatch.setattr(Path, "open", lambda path, _: Failing(path))
    with pytest.raises(ConfigError) as refused:
        verify()
    assert refused.value.problems == [f"{file} cannot be read: Input/output error."]
    assert refused.value.usage


def rewritten(file: Path, target: Path, change: Any) -> Path:
    """A backup whose parts were changed by somebody who knows zip files."""
    with ZipFile(file) as old, ZipFile(target, "w", ZIP_STORED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return target


async def test_a_changed_file_is_refused(crm: TestCrm, tmp_path: Path) -> None:
    await contacts(crm, {"name": "Anna"}, {"name": "Bela"})
    file = tmp_path / "b.zip"
    await backup(crm.kernel.database, file, Clock())

    def manifest(**changed: Any) -> Any:
        def change(name: str, data: bytes) -> bytes:
            return json.dumps({**json.loads(data), **changed}).encode() if name == "manifest.json" else data

        return change

    def table(change: Any) -> Any:
        return lambda name, data: change(data) if name == "tables/e_contact.jsonl" else data

    one = {"name": "e_x", "columns": [{"name": "id", "holds": "text", "key": True}]}
    changes = [
        table(lambda data: data.replace(b"Anna", b"Anne")),
        table(lambda data: data + data.splitlines(keepends=True)[0]),
        table(lambda _: b""),
        table(lambda _: b"[1]\n"),
        manifest(sums={}),
        manifest(format=2),
        manifest(contents={"tables": [{"name": 'e_x"; DROP', "columns": []}], "indexes": []}),
        manifest(contents={"tables": [], "indexes": [["e_x", ["id"]]]}),
        manifest(contents={"tables": [one], "indexes": [["e_x", ["id DESC, 1"]]]}),
        manifest(contents={"tables": [{"name": "e_x", "columns": []}], "indexes": []}),
    ]
    for n, change in enumerate(changes):
        assert await damaged(rewritten(file, tmp_path / f"{n}.zip", change)), n
    assert not await damaged(rewritten(file, tmp_path / "same.zip", lambda _, data: data))
