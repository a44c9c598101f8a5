"""What an editor knows while a plugin is written: types of entity fields in changes and records, misspelt names."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SNIPPET = '''
"""A plugin as its author writes it."""

from datetime import datetime
from typing import Annotated, Literal

from typing_extensions import reveal_type

from crm_kernel import Batch, Change, Crm, Entity, Money, Plugin, Ref, field, hookimpl
from crm_kernel.base import Contact
from crm_kernel.testing import TestCrm

plugin = Plugin(name="viewings", title="Viewings", kernel=">=0.1,<1")


class Viewing(Entity, name="viewing", title="{starts_at}"):
    """When somebody looks at a listing."""

    visitor: Ref[Contact]
    listing: Ref[Literal["listing"]] | None = None
    starts_at: datetime
    price: Money | None = None
    seats: Annotated[int, field(ge=1)] = 1


@hookimpl
def register_entities() -> list[type[Entity]]:
    return [Viewing]


@hookimpl
async def check_write(batch: Batch) -> None:
    for change in batch.of(Viewing):
        reveal_type(change)
        reveal_type(change.after.starts_at)
        reveal_type(change.after.visitor)
        reveal_type(change.after.listing)
        reveal_type(change.after.price)
        reveal_type(change.after.seats)
        reveal_type(change.after.owner)
        reveal_type(change.before)
        change.after.start_at
        change.amend(seats=2)
    for other in await batch.find(Viewing, "seats > 1"):
        reveal_type(other.seats)
    batch.add(Change.create(Viewing, visitor="", starts_at=datetime.now()))
    batch.add(Change.create("activity", type="note"))
    batch.of(Viewing)[0].refused


async def handle(crm: Crm) -> None:
    reveal_type(await crm.find(Viewing, "seats > 1"))
    reveal_type(await crm.get(Viewing, "1"))
    reveal_type(await crm.write([Change.create(Viewing, seats=1)]))
    reveal_type(await crm.write([Change.create("activity", type="note")]))
    reveal_type(await crm.move(Viewing, "1", "done"))
    (await crm.get(Viewing, "1")).seat
    Viewing(visitor="", starts_at=datetime.now(), seat=2)


async def test(crm: TestCrm) -> None:
    reveal_type(await crm.make(Viewing))
    reveal_type(crm.as_user(role="agent").login)
'''
"""Each `reveal_type` and each fault is looked for at its line."""

REVEALED = {
    "change": "Change[Viewing]",
    "change.after.starts_at": "datetime",
    "change.after.visitor": "str",
    "change.after.listing": "str | None",
    "change.after.price": "Money | None",
    "change.after.seats": "int",
    "change.after.owner": "str | None",
    "change.before": "Viewing | None",
    "other.seats": "int",
    'await crm.find(Viewing, "seats > 1")': "list[Viewing]",
    'await crm.get(Viewing, "1")': "Viewing",
    "await crm.write([Change.create(Viewing, seats=1)])": "list[Viewing]",
    'await crm.write([Change.create("activity", type="note")])': "list[Any]",
    'await crm.move(Viewing, "1", "done")': "Viewing",
    "await crm.make(Viewing)": "Viewing",
    'crm.as_user(role="agent").login': "str",
}
MISSPELT = {
    "change.after.start_at": "start_at",
    "batch.of(Viewing)[0].refused": "refused",
    '(await crm.get(Viewing, "1")).seat': "seat",
    "Viewing(visitor=": "seat",
}
"""What stands at the beginning of a line, and the name that its fault tells."""


def looked_at(folder: Path, text: str) -> list[dict[str, Any]]:
    """What basedpyright says of a module, in the mode `strict`."""
    (folder / "snippet.py").write_text(text, "utf-8")
    config = {"typeCheckingMode": "strict", "reportUnusedExpression": False, "pythonVersion": "3.11"}
    (folder / "pyrightconfig.json").write_text(json.dumps(config), "utf-8")
    checker = str(Path(sys.executable).with_name("basedpyright"))
    command = [checker, "--outputjson", "--pythonpath", sys.executable, "-p", str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    return json.loads(run.stdout)["generalDiagnostics"]


@pytest.mark.contract("hooks.md#batch-typed")
def test_an_editor_knows_fields_and_names(tmp_path: Path) -> None:
    lines = SNIPPET.splitlines()
    told = [(lines[d["range"]["start"]["line"]].strip(), d) for d in looked_at(tmp_path, SNIPPET)]
    types = {
        found[1]: kind[1]
        for line, d in told
        if d["severity"] == "information"
        if (found := re.fullmatch(r"reveal_type\((.*)\)", line)) and (kind := re.search(r' is "(.*)"', d["message"]))
    }
    assert types == REVEALED
    faults = [(line, d["message"]) for line, d in told if d["severity"] == "error"]
    for begins, name in MISSPELT.items():
        assert any(line.startswith(begins) and f'"{name}"' in message for line, message in faults), begins
    assert len({line for line, _ in faults}) == len(MISSPELT), faults
