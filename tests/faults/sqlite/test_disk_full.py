"""No room for what is written: an error that says so, reads that go on, and all as before once there is room."""

from __future__ import annotations

import contextlib
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest

from tests.faults.conftest import LONG
from tests.faults.load import LEASES, is_whole
from tests.faults.serving import App, Client
from tests.looking import Looker

Full = Callable[[App], AbstractContextManager[None]]
"""Leaves the database no room to grow, until it is left."""


@pytest.fixture
def small_disk(app: App) -> Iterator[None]:
    """The app on a file system of its own of 8 MiB."""
    kept = app.folder.with_name("kept")
    shutil.move(app.folder, kept)
    app.folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(app.folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        shutil.move(kept, app.folder)
        pytest.fail("The long form mounts a file system: run it as root.")
    shutil.copytree(kept, app.folder, dirs_exist_ok=True)
    yield
    app.give_up()
    shutil.copytree(app.folder, kept, dirs_exist_ok=True)
    subprocess.run(["umount", str(app.folder)], check=True)
    shutil.copytree(kept, app.folder, dirs_exist_ok=True)


@contextlib.contextmanager
def filled_up(app: App) -> Iterator[None]:
    """The file system is full."""
    ballast = app.folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    try:
        yield
    finally:
        ballast.unlink()


@contextlib.contextmanager
def limited(app: App) -> Iterator[None]:
    """No file of the server may grow, as with a quota."""
    assert app.process is not None
    wal = Path(app.database.removeprefix("sqlite:///") + "-wal")
    resource.prlimit(app.process.pid, resource.RLIMIT_FSIZE, (wal.stat().st_size, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(app.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def write_until_refused(client: Client) -> tuple[int, int]:
    """How many writes were taken before one was refused for lack of room, and how many of 20 after that."""
    taken = 0
    while (answer := client.answered("POST", LEASES, {"number": f"n{taken}", "rent": 1})).status == 201:
        taken += 1
        assert taken < 20_000
    after = 0
    for _ in range(20):
        assert (answer.status, answer.body["code"]) in ((507, "disk_full"), (201, None)), answer
        answer = client.answered("POST", LEASES, {"number": f"n{taken + after}", "rent": 1})
        after += answer.status == 201
    return taken, after


def refused_and_heals(app: App, look: Looker, full: Full) -> None:
    app.start()
    with closing(app.client()) as client:
        first = client.answered("POST", LEASES, {"number": "first", "rent": 1})
        with full(app):
            taken, after = write_until_refused(client)
            patched = client.answered("PATCH", f"{LEASES}/{first.body['id']}", {"rent": 2})
            assert (patched.status, patched.body["code"]) == (507, "disk_full")
            seen = client.answered("GET", f"{LEASES}?count=exact&limit=1").body
            assert seen["count"] == 1 + taken + after
            assert client.answered("GET", f"{LEASES}/{first.body['id']}").body["rent"] == 1
        healed = client.answered("PATCH", f"{LEASES}/{first.body['id']}", {"rent": 3})
        assert (healed.status, healed.body["version"], healed.body["rent"]) == (200, 2, 3)
        assert client.answered("POST", LEASES, {"number": "last"}).status == 201
    app.stop()
    assert look("SELECT count(*) FROM e_lease") == [(2 + taken + after,)]
    is_whole(look)


@pytest.mark.skipif(not LONG, reason="the long form: it mounts a file system")
def test_a_full_file_system(app: App, small_disk: None) -> None:  # noqa: ARG001
    look = Looker(app.database)
    refused_and_heals(app, look, filled_up)
    look.close()


def test_a_limit_on_files(app: App, look: Looker) -> None:
    refused_and_heals(app, look, limited)
