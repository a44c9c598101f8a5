"""A change of stage is a move whatever way it comes: same rules, same refusal, same history."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from crm_kernel import Change, Error
from crm_kernel.errors import Fault
from crm_kernel.testing import TestCrm
from tests.operations.conftest import BOSS, ORDER, PIPELINE, MakeCrm, contacts
from tests.operations.importing import Importing

PLUGIN = """
    from crm_kernel import Change, hookimpl

    @hookimpl
    async def before_write(batch):
        for change in batch.changes:
            if change.entity == "contact" and change.old is None and change.new["name"].startswith("moves "):
                batch.add(Change.update("job", change.new["name"].split()[1], {"stage": "planned"}))
"""
REFUSED = {("/due", "required"), ("/stage", "guard")}


class World(NamedTuple):
    """A kernel, and how files are imported into it."""

    crm: TestCrm
    importing: Importing


async def by_move(world: World, job: Any) -> None:
    await world.crm.move("job", job["id"], "planned")


async def by_update(world: World, job: Any) -> None:
    await world.crm.write([Change.update("job", job["id"], {"stage": "planned"})])


async def by_upsert(world: World, job: Any) -> None:
    await world.crm.write([Change.upsert("job", ("number",), {"number": job["number"], "stage": "planned"})])


async def by_batch(world: World, job: Any) -> None:
    await world.crm.write([{"move": {"id": job["id"], "to": "planned"}}], entity="job")


async def by_import(world: World, job: Any) -> None:
    done = await world.importing.run(f"number,stage\n{job['number']},planned\n", on_duplicate="update")
    if done["errors"]:
        raise Error("move_refused", faults=[_fault(e) for e in done["errors"]])


async def by_plugin(world: World, job: Any) -> None:
    await world.crm.write([Change.create("contact", {"name": f"moves {job['id']}"})])


def _fault(error: dict[str, Any]) -> Fault:
    return Fault(pointer=error["pointer"], code=error["code"], detail=error["detail"])


WAYS = [by_move, by_update, by_upsert, by_batch, by_import, by_plugin]


@pytest.mark.contract("documents.md#stage-change-is-move", "documents.md#move-refused-all")
async def test_every_way_is_refused_and_allowed_alike(with_plugin: MakeCrm, tmp_path: Path) -> None:
    crm = await with_plugin(PLUGIN)
    for document in (ORDER, BOSS, PIPELINE):
        await crm.put(document)
    world = World(crm, Importing(crm, tmp_path))
    (customer,) = await contacts(crm, {"do_not_contact": False})
    ways: list[Callable[[World, Any], Awaitable[None]]] = list(WAYS)
    for way in ways:
        (job,) = await crm.write([Change.create("job", {"number": f"N{way.__name__}"})])
        with pytest.raises(Error) as refused:
            await way(world, job)
        assert refused.value.code == "move_refused", way
        assert {(f.pointer, f.code) for f in refused.value.faults} == REFUSED, way
        assert (await crm.get("job", job["id"]))["stage"] == "new"
        ready = {"customer": customer["id"], "amount": 5, "due": "2026-03-01"}
        await crm.write([Change.update("job", job["id"], ready)])
        await way(world, job)
        assert (await crm.get("job", job["id"]))["stage"] == "planned", way
    history = await crm.kernel.database.read("SELECT from_stage, to_stage FROM crm_stage_history ORDER BY seq")
    assert [tuple(row) for row in history] == [(None, "new"), ("new", "planned")] * len(ways)
