"""Whether other processes have a database file open: what nobody waits for may take longer.

Each holds a shared lock of the system on the file's folder (flock): it needs no file of its own, is nothing to SQLite's
own locks, and ends with its process, however that ends. Who would get it for himself alone is alone.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from time import sleep

_TRIES, _MOMENT = 50, 0.001
"""Another process that looks whether it is alone has the lock for itself, for far less than a millisecond."""


class Presence:
    """Shows that this process has the file open, from the beginning until `close`."""

    def __init__(self, file: Path) -> None:
        self._folder: int | None = None
        with suppress(OSError):  # a folder that may not be read
            self._folder = os.open(file.resolve().parent, os.O_RDONLY | os.O_CLOEXEC)
        self._show()

    def alone(self) -> bool:
        """Whether no other has it open now; False where the system cannot tell."""
        if self._folder is None:
            return False
        try:
            fcntl.flock(self._folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            self._show()  # a lock that was asked for in vain has cost the one that was held
        return True

    def close(self) -> None:
        """Show it no longer."""
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None

    def _show(self) -> None:
        if self._folder is None:
            return
        for _ in range(_TRIES):
            try:
                fcntl.flock(self._folder, fcntl.LOCK_SH | fcntl.LOCK_NB)  # without waiting: others may keep it
            except OSError:
                sleep(_MOMENT)
            else:
                return
