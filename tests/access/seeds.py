"""Finds a world for each mistake that shows it: `python -m tests.access.seeds` writes them to `seeds.json`.

To be run where worlds or questions are drawn otherwise than before: the tests then find such worlds themselves, slowly.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from crm_kernel.testing.databases import SqliteFiles
from crm_kernel.testing.kit import Template, TestCrm
from tests.access.app import Worlds
from tests.access.check import check
from tests.access.mutations import MUTATIONS, Mutation, applied
from tests.access.mutations_beyond_roles import MUTATIONS_BEYOND_ROLES
from tests.access.mutations_of_ways import MUTATIONS_OF_WAYS

FILE = Path(__file__).with_name("seeds.json")
ALL = (*MUTATIONS, *MUTATIONS_OF_WAYS, *MUTATIONS_BEYOND_ROLES)


def seeds() -> Mapping[str, int]:
    """The seed of a world for each mistake, by what it is."""
    return json.loads(FILE.read_text("utf-8"))


async def shows(worlds: Worlds, mutation: Mutation, seed: int) -> bool:
    """Whether the world of a seed shows a mistake."""
    try:
        with applied(mutation):
            await check(worlds, Random(seed))
    except AssertionError:
        return True
    return False


async def _find() -> None:
    databases = SqliteFiles()
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "app").mkdir()
        (folder / "template").mkdir()
        kernel = await Template(folder / "template", databases.new).open(folder / "app", (), (), databases.new)
        worlds = Worlds(TestCrm(kernel))
        await worlds.prepare()
        found: dict[str, int] = {}
        for mutation in ALL:
            seed = 0
            while not await shows(worlds, mutation, seed):
                seed += 1
            found[mutation.what] = seed
        await kernel.close()
    FILE.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    asyncio.run(_find())
