"""`make bench-hooks`: what hooks of a write cost, in processor time, as medians of paired rounds.

One hook between two that look at the thread's clock, in batches of 1,000 changes, less what is between these without
it. And 20 plugins with a no-op beside none, by single create, all threads. Prints a table and writes
`bench/results/hooks.json`.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from time import process_time
from typing import Any

from bench.machine import machine
from crm_kernel import Change
from crm_kernel.kernel import Kernel
from crm_kernel.settings import load_settings
from crm_kernel.storage.evolution import evolve

RESULTS = Path(__file__).parent / "results" / "hooks.json"
ROWS = 1000
ROUNDS = 25
CREATES = 20
PAIRS = 150
LOOK = "marks.append(thread_time())"
NOTHING = "pass"
READS = "for change in batch.changes: change.after['last_name']"
_CODE = """from time import thread_time
from crm_kernel import Plugin, hookimpl
plugin = Plugin(name={name!r}, title="Bench", kernel=">=0.1", after={after!r})
marks = []
@hookimpl
async def before_write(batch):
    {body}
"""


class Bench:
    """An app whose plugins have these bodies of `before_write`, in this order."""

    def __init__(self, name: str, bodies: Sequence[str]) -> None:
        self.name = name
        self.bodies = bodies

    async def open(self, stack: AsyncExitStack) -> None:
        """Make the app and its kernel; both go with the stack."""
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "plugins").mkdir()
        names = [f"{self.name}_{number:02}" for number in range(len(self.bodies))]
        for before, name, body in zip([None, *names], names, self.bodies, strict=False):
            package = folder / "plugins" / name
            package.mkdir()
            code = _CODE.format(name=name, after=[before] if before else [], body=body)
            (package / "__init__.py").write_text(code, "utf-8")
        toml = '[database]\nurl = "sqlite:///crm.db"\n[plugins]\npath = "plugins"\ndeadline_ms = 5000\n'
        (folder / "crm.toml").write_text(toml, "utf-8")
        self.kernel = await Kernel.open(load_settings(folder, {"CRM_SECRET": "of no use but to measure something"}))
        stack.push_async_callback(self.kernel.close)
        await evolve(self.kernel.database, self.kernel.registry.entities)

    async def create(self, rows: int) -> None:
        """One batch of new contacts."""
        changes: list[Any] = [Change.create("contact", last_name=str(number)) for number in range(rows)]
        await self.kernel.writer.write(changes, self.kernel.system("cli"))

    async def between(self, rows: int) -> float:
        """µs of this thread's time between the first and the last hook of one batch."""
        await self.create(rows)
        looks = [one for one in self.kernel.plugins.hooked("before_write") if one.plugin.startswith(self.name)]
        first, last = (looks[place].call.__globals__["marks"][-1] for place in (0, -1))
        return (last - first) * 1e6

    async def creates(self) -> float:
        """µs of processor time of a single create, all threads."""
        begun = process_time()
        for _ in range(CREATES):
            await self.create(1)
        return (process_time() - begun) / CREATES * 1e6


async def per_record() -> tuple[float, float]:
    """µs by record of a hook that does nothing, and of one that reads `after` of all."""
    apps = [Bench("empty", [LOOK, LOOK]), Bench("nothing", [LOOK, NOTHING, LOOK]), Bench("reads", [LOOK, READS, LOOK])]
    async with AsyncExitStack() as stack:
        for app in apps:
            await app.open(stack)
        rounds = [[await app.between(ROWS) for app in apps] for _ in range(ROUNDS)]
    nothing, reads = (statistics.median(one[place] - one[0] for one in rounds) / ROWS for place in (1, 2))
    return nothing, reads


async def create_with_twenty() -> tuple[float, float, float]:
    """µs of a single create without plugins and with 20; % more by pairs that take turns."""
    apps = [Bench("none", []), Bench("twenty", [NOTHING] * 20)]
    async with AsyncExitStack() as stack:
        for app in apps:
            await app.open(stack)
            await app.creates()
        pairs: list[tuple[float, float]] = []
        for number in range(PAIRS):
            turn = apps if number % 2 else apps[::-1]
            found = {app.name: await app.creates() for app in turn}
            pairs.append((found["none"], found["twenty"]))
    bare, twenty = (statistics.median(times) for times in zip(*pairs, strict=True))
    return bare, twenty, (statistics.median(more / less for less, more in pairs) - 1) * 100


async def main() -> None:
    """Measure, print, write."""
    facts = machine(["sqlite"])
    nothing, reads = await per_record()
    bare, twenty, more = await create_with_twenty()
    rows = {
        "no-op, µs a record of 1,000": (nothing, 0.1),
        "reads after of all, µs a record of 1,000": (reads, 2.0),
        "20 plugins with a no-op, % more of a create": (more, 10.0),
    }
    for name, (found, reach) in rows.items():
        print(f"{name:46} {found:8.3f}  reach {reach:g}{'' if found <= reach else '  MISSED'}")
    print(f"a create: {bare:.0f} µs, with 20 plugins {twenty:.0f} µs")
    figures = {name: {"found": round(found, 4), "reach": reach} for name, (found, reach) in rows.items()}
    told = {"machine": facts, **figures, "create_us": [round(bare), round(twenty)]}
    RESULTS.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    asyncio.run(main())
