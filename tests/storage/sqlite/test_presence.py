"""Whether others have the file open."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from crm_kernel.storage.sqlite_presence import Presence

_OPEN = """
import asyncio, sys
from pathlib import Path
from crm_kernel.storage.sqlite_engine import SqliteEngine

async def main():
    engine = SqliteEngine(Path(sys.argv[1]))
    await engine.open()
    print("open", engine.alone(), flush=True)
    sys.stdin.read()

asyncio.run(main())
"""


def test_a_process_is_alone_until_another_opens_the_file_and_again_once_that_is_killed(path: Path) -> None:
    presence = Presence(path)
    assert presence.alone()
    with subprocess.Popen(
        [sys.executable, "-c", _OPEN, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open False\n"
        assert not presence.alone()
        assert not presence.alone()  # the look before has not cost it its own place
        other.kill()
    assert presence.alone()
    presence.close()


def test_two_engines_of_one_process_are_not_alone(path: Path) -> None:
    first, second = Presence(path), Presence(path)
    assert not first.alone()
    assert not second.alone()
    second.close()
    assert first.alone()
    first.close()
    assert not first.alone()


def test_a_link_to_the_file_is_the_file(path: Path, tmp_path: Path) -> None:
    path.touch()
    link = tmp_path / "elsewhere" / "crm.db"
    link.parent.mkdir()
    link.symlink_to(path)
    first, second = Presence(path), Presence(link)
    assert not first.alone()
    assert not second.alone()
    first.close()
    second.close()


def test_where_the_system_cannot_tell_nobody_is_alone(tmp_path: Path) -> None:
    presence = Presence(tmp_path / "no such folder" / "crm.db")
    assert not presence.alone()
    presence.close()
