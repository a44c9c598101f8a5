"""Applies documents in processes that kill themselves before a given statement: `python -m tests.faults.killed_apply`.

Arguments are `FOLDER=N`: the app, and the statement of the apply that is never run (0: none). Prints how many there
were up to the COMMIT and in all.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from crm_kernel.kernel import Kernel
from crm_kernel.operations.apply import Applier
from crm_kernel.settings import load_settings
from crm_kernel.storage import engine_parts, postgres_engine, sqlite_engine

SECRET = {"CRM_SECRET": "a secret for tests only, of forty characters"}


class Armed(engine_parts.Meter):
    """A meter that kills its process once the apply has run so many statements."""

    __slots__ = ("_count", "_fatal")
    fatal = 0
    begun = -1

    def __init__(self) -> None:
        self._count = 0

    @property
    def statements(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """How many there were."""
        return self._count

    @statements.setter
    def statements(self, count: int) -> None:
        self._count = count
        if Armed.fatal and Armed.begun >= 0 and count - Armed.begun >= Armed.fatal:
            os.kill(os.getpid(), signal.SIGKILL)


async def apply(folder: Path, fatal: int) -> str:
    """Apply the app's `set.json`; how many statements that took, up to the COMMIT and in all."""
    kernel = await Kernel.open(load_settings(folder, SECRET))
    carry_out = Applier.apply

    committed: list[int] = []
    put_in_force = kernel.swap

    def swap(*arguments: Any) -> None:
        committed.append(kernel.database.statements)
        put_in_force(*arguments)

    meter: Armed = getattr(kernel.database, "_meter")  # noqa: B009 - of either engine
    build = kernel.database.build_index

    async def build_index(*arguments: Any) -> None:
        meter.statements += 1  # PostgreSQL runs it on a connection that nobody counts
        await build(*arguments)

    kernel.database.build_index = build_index

    async def armed(self: Applier, *arguments: Any) -> None:
        Armed.begun, Armed.fatal = kernel.database.statements, fatal
        await carry_out(self, *arguments)

    Applier.apply, kernel.swap = armed, swap
    await kernel.documents.apply(json.loads((folder / "set.json").read_text("utf-8")), kernel.system("apply"))
    counted = f"{committed[-1] - Armed.begun},{kernel.database.statements - Armed.begun}"
    Armed.fatal = 0
    await kernel.close()
    return counted


def main() -> None:
    """Each app in a process of its own, made from this one, which has all modules already."""
    for argument in sys.argv[1:]:
        folder, _, fatal = argument.rpartition("=")
        child = os.fork()
        if child == 0:
            sqlite_engine.Meter = postgres_engine.Meter = Armed
            counted = asyncio.run(apply(Path(folder), int(fatal)))
            print(counted, flush=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            print("killed" if os.WTERMSIG(status) == signal.SIGKILL else status, flush=True)


if __name__ == "__main__":
    main()
