"""A disk of its own for a database file."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.faults.conftest import LONG
from tests.faults.serving import App


@pytest.fixture
def small_disk(app: App) -> Iterator[None]:
    """The app on a file system of its own of 8 MiB."""
    if not LONG:
        pytest.skip("the long form: it mounts a file system")
    kept = app.folder.with_name("kept")
    shutil.move(app.folder, kept)
    app.folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(app.folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        shutil.move(kept, app.folder)
        pytest.skip("nothing may be mounted here")
    shutil.copytree(kept, app.folder, dirs_exist_ok=True)
    yield
    app.give_up()
    shutil.copytree(app.folder, kept, dirs_exist_ok=True)
    subprocess.run(["umount", str(app.folder)], check=True)
    shutil.copytree(kept, app.folder, dirs_exist_ok=True)
