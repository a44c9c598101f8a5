"""`make bench-hooks`: what hooks cost, in processor time of this thread, median of several.

A no-op and one that reads `after` of all, by record of a batch of 1,000; and 20 plugins with a no-op, by single create.
Prints a table and writes `bench/results/hooks.json`.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
from pathlib import Path
from time import process_time
from typing import Any

from crm_kernel import Change
from crm_kernel.kernel import Kernel
from crm_kernel.settings import load_settings
from crm_kernel.storage.evolution import evolve

ROWS = 1000
CREATES = 200
ROUNDS = 9
_HEAD = "from crm_kernel import Plugin, hookimpl\nplugin = Plugin(name={name!r}, title='Bench', kernel='>=0.1')\n"
_HOOK = "@hookimpl\nasync def before_write(batch):\n    {body}\n"
NOTHING = "pass"
READS = "for change in batch.changes: change.after['last_name']"


async def kernel_with(folder: Path, plugins: int, body: str) -> Kernel:
    """An app with so many plugins that have this `before_write`."""
    for number in range(plugins):
        package = folder / "plugins" / f"bench_{number}"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(_HEAD.format(name=package.name) + _HOOK.format(body=body))
    (folder / "plugins").mkdir(exist_ok=True)
    (folder / "crm.toml").write_text(
        '[database]\nurl = "sqlite:///crm.db"\n[plugins]\npath = "plugins"\ndeadline_ms = 5000\n'
    )
    kernel = await Kernel.open(load_settings(folder, {"CRM_SECRET": "of no use but to measure something"}))
    await evolve(kernel.database, kernel.registry.entities)
    return kernel


def per_record(kernel: Kernel) -> float:
    """Median µs that the hooks of one `before_write` over a batch take by record, as the meter saw it."""
    meter = kernel.plugins.hooked("before_write")[-1].meter
    return meter.microseconds(0.5) / ROWS


async def batches(body: str) -> float:
    """µs by record of one plugin's hook in batches of 1,000."""
    with tempfile.TemporaryDirectory() as folder:
        kernel = await kernel_with(Path(folder), 1, body)
        for _ in range(ROUNDS):
            changes: list[Any] = [Change.create("contact", last_name=str(n)) for n in range(ROWS)]
            await kernel.writer.write(changes, kernel.system("cli"))
        found = per_record(kernel)
        await kernel.close()
    return found


async def creates() -> tuple[float, float]:
    """µs of processor time of a single create without and with 20 plugins; both take turns."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        kernels = [await kernel_with(Path(one), 0, NOTHING), await kernel_with(Path(other), 20, NOTHING)]
        spent: list[list[float]] = [[], []]
        for _ in range(ROUNDS):
            for kernel, times in zip(kernels, spent, strict=True):
                before = process_time()
                for number in range(CREATES):
                    change: Any = Change.create("contact", last_name=str(number))
                    await kernel.writer.write([change], kernel.system("cli"))
                times.append((process_time() - before) / CREATES * 1e6)
        for kernel in kernels:
            await kernel.close()
    bare, with_hooks = map(statistics.median, spent)
    return bare, with_hooks


async def main() -> None:
    """Measure, print, write."""
    bare, with_hooks = await creates()
    rows = {
        "no-op, µs a record of 1,000": (await batches(NOTHING), 0.1),
        "reads after of all, µs a record of 1,000": (await batches(READS), 2.0),
        "20 plugins with a no-op, % more of a create": ((with_hooks / bare - 1) * 100, 10.0),
    }
    for name, (found, reach) in rows.items():
        print(f"{name:48} {found:8.3f}  reach {reach:g}{'' if found <= reach else '  MISSED'}")
    print(f"a create: {bare:.0f} µs, with 20 plugins {with_hooks:.0f} µs")
    figures = {name: {"found": round(found, 4), "reach": reach} for name, (found, reach) in rows.items()}
    file = Path(__file__).parent / "results" / "hooks.json"
    file.write_text(json.dumps({**figures, "create_us": [round(bare), round(with_hooks)]}, indent=1) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
