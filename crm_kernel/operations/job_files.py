"""The folder of jobs: files that were sent, until their job ends, and marks of what waits for this node (floor 7).

A name says it all, so that whoever looks for work asks no database: `ID.part` a file on its way, `ID.import` one that
waits, `ID.undo` a job that is to be taken back.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from time import time
from typing import BinaryIO

from crm_kernel.errors import Error

_WAITING = (".import", ".undo")
_SETTLED = 10.0
_ABANDONED = 3600.0
"""Seconds after which what belongs to no job is taken away."""


class JobFiles:
    """The folder `data/jobs` of one app."""

    def __init__(self, app: Path) -> None:
        self._folder = app / "data" / "jobs"

    @contextmanager
    def draft(self, id: str) -> Generator[BinaryIO]:
        """A new file to be filled; it is gone afterwards unless `keep` was called. Raises `Error("disk_full")`."""
        path = self.draft_path(id)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        except OSError as error:
            raise not_kept(error) from error
        try:
            with file:
                yield file
        finally:
            path.unlink(missing_ok=True)

    def draft_path(self, id: str) -> Path:
        """Where a draft stands."""
        return self._folder / f"{id}.part"

    def path(self, id: str) -> Path:
        """Where the file of a job stands until the job ends."""
        return self._folder / f"{id}.import"

    def keep(self, id: str) -> None:
        """Let a draft be the file of its job."""
        self.draft_path(id).rename(self.path(id))

    def mark_undo(self, id: str) -> None:
        """Note that a job is to be taken back by this node."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._folder / f"{id}.undo").touch(mode=0o600)

    def forget(self, id: str) -> None:
        """Take away what is kept for a job that has ended. A mark that was just set may be ahead of its job."""
        self.path(id).unlink(missing_ok=True)
        mark = self._folder / f"{id}.undo"
        if mark.exists() and mark.stat().st_mtime < time() - _SETTLED:
            mark.unlink(missing_ok=True)

    def waiting(self) -> list[str]:
        """The ids of jobs that wait for this node, the oldest first."""
        if not self._folder.is_dir():
            return []
        found = [(entry.stat().st_mtime, entry.name) for entry in os.scandir(self._folder)]
        return list(dict.fromkeys(Path(name).stem for _, name in sorted(found) if name.endswith(_WAITING)))

    def sweep(self, unknown: set[str]) -> None:
        """Take away what was left behind: drafts of requests that were cut, files of jobs that nobody knows."""
        oldest = time() - _ABANDONED
        for entry in os.scandir(self._folder) if self._folder.is_dir() else ():
            left = entry.name.endswith(".part") or Path(entry.name).stem in unknown
            if left and entry.stat().st_mtime < oldest:
                Path(entry.path).unlink(missing_ok=True)


def not_kept(error: OSError) -> Error:
    """The refusal of a file that the disk does not take."""
    return Error("disk_full", f"The file cannot be kept: {error.strerror}.")
