"""A denied field does not exist for the caller, by whichever way he names it or lists what there is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from crm_kernel import Change, Error
from crm_kernel.api.openapi import describe
from crm_kernel.callers import Caller
from crm_kernel.kernel import Kernel
from crm_kernel.mappings import ColumnMapping, ImportMapping
from crm_kernel.operations.answers import encode
from crm_kernel.operations.imports import Imports
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.testing import TestCrm

FIELDS: dict[str, Any] = {
    "shown": {"type": "string"},
    "denied": {"type": "string", "x-crm": {"unique": True}},
    "sensitive": {"type": "string", "x-crm": {"sensitive": True}},
    "unlisted": {"type": "string"},
    "ally": {"type": "string", "x-crm": {"reference": "spy"}},
    "boss": {"type": "string", "x-crm": {"reference": "spy", "reverse": "agents"}},
}
HIDDEN = ("denied", "sensitive")


@pytest.fixture
def crm_documents() -> Sequence[Mapping[str, Any]]:
    actions = ["read", "create", "update", "export", "import"]
    deny = ["denied", "boss"]
    return [
        {"kind": "entity", "name": "spy", "schema": {"properties": FIELDS}},
        {
            "kind": "role",
            "name": "clerk",
            "grants": [{"entity": "spy", "actions": actions, "fields": {"deny": deny}}],
        },
    ]


class Asked(NamedTuple):
    """A kernel, who asks, a record, and a folder for files."""

    kernel: Kernel
    caller: Caller
    record: str
    folder: Path

    async def listed(self, **query: Any) -> Any:
        return await self.kernel.reader.list_answer("spy", self.caller, ListQuery(**query))

    async def report(self, **document: Any) -> Any:
        body = {"entity": "spy", "measures": [{"count": "*", "as": "n"}], **document}
        return await self.kernel.reports.run(body, {}, self.caller)

    async def written(self, change: Change[Any]) -> Any:
        return await self.kernel.writer.write([change], self.caller)

    async def imported(self, mapping: ImportMapping | None, header: str) -> Any:
        file = self.folder / "in.csv"
        file.write_text(f"{header}\nx\n", "utf-8")
        return await Imports(self.kernel).run("spy", file, mapping, caller=self.caller)


Way = Callable[[Asked, str], Awaitable[Any]]
NAMED: dict[str, Way] = {
    "filter": lambda asked, name: asked.listed(filter=f"{name} = 'x'"),
    "filter at a path": lambda asked, name: asked.listed(filter=f"ally.{name} is null"),
    "filter in any": lambda asked, name: asked.listed(filter=f"any(spy_by_ally, {name} is null)"),
    "sort": lambda asked, name: asked.listed(sort=name),
    "sort at a path": lambda asked, name: asked.listed(sort=f"-ally.{name}"),
    "fields": lambda asked, name: asked.listed(fields=(name,)),
    "fields at a path": lambda asked, name: asked.listed(fields=(f"ally.{name}",)),
    "fields of one": lambda asked, name: asked.kernel.reader.get_answer(
        "spy", asked.record, asked.caller, fields=(name,)
    ),
    "expand": lambda asked, name: asked.listed(expand=(name,)),
    "group_by": lambda asked, name: asked.report(group_by=[name]),
    "measure": lambda asked, name: asked.report(measures=[{"count_distinct": name, "as": "n"}]),
    "report filter": lambda asked, name: asked.report(filter=f"{name} is null"),
    "create": lambda asked, name: asked.written(Change.create("spy", {name: "x"})),
    "update": lambda asked, name: asked.written(Change.update("spy", asked.record, {name: "x"})),
    "update to what is stored": lambda asked, name: asked.written(Change.update("spy", asked.record, {name: name})),
    "upsert": lambda asked, name: asked.written(Change.upsert("spy", (name,), {"shown": "x"})),
    "import header": lambda asked, name: asked.imported(None, name),
    "import column": lambda asked, name: asked.imported(ImportMapping(columns={"a": name}), "a"),
    "import constant": lambda asked, name: asked.imported(ImportMapping(constants={name: "x"}), "shown"),
    "import key": lambda asked, name: asked.imported(ImportMapping(key=[name]), "shown"),
    "import match": lambda asked, name: asked.imported(
        ImportMapping(columns={"a": ColumnMapping(field="ally", match=name)}), "a"
    ),
    "explain": lambda asked, name: asked.kernel.explain.access(
        {"action": "read", "entity": "spy", "field": name}, asked.caller
    ),
    # Where search and export are asked for names, they are one line here each.
}
"""Ways in which a caller names a field: the answer for a hidden one is that for a name that never was."""


async def _history(asked: Asked) -> Any:
    return await asked.kernel.reader.history("spy", asked.record, asked.caller)


async def _schema(asked: Asked) -> Any:
    return asked.kernel.reader.schema("spy", asked.caller)


async def _openapi(asked: Asked) -> Any:
    found = describe(asked.kernel, asked.caller)
    return {name: schema for name, schema in found["components"]["schemas"].items() if name.startswith("spy")}


async def _written(asked: Asked) -> Any:
    outcomes = await asked.written(Change.update("spy", asked.record, {"shown": "new"}))
    return await asked.kernel.reader.written(outcomes, asked.caller)


async def _one(asked: Asked) -> Any:
    return (await asked.kernel.reader.get_answer("spy", asked.record, asked.caller))[0].decode()


async def _expanded(asked: Asked) -> Any:
    return (await asked.listed(expand=("ally",))).decode()


LISTED: dict[str, Callable[[Asked], Awaitable[Any]]] = {
    "get": _one,
    "expand": _expanded,
    "history": _history,
    "schema": _schema,
    "openapi": _openapi,
    "written": _written,
}
"""Ways that tell which fields there are, or what they hold."""


async def asked_by_a_clerk(crm: TestCrm, folder: Path) -> Asked:
    values = {name: name for name in ("shown", "denied", "sensitive")}
    [record] = await crm.write([Change.create("spy", values)])
    await crm.write([Change.update("spy", record["id"], {"ally": record["id"], "boss": record["id"]})])
    return Asked(crm.kernel, await crm.user("clerk", "clerk"), record["id"], folder)


async def refused(way: Way, asked: Asked, name: str) -> Any:
    """The refusal of a way, the name taken out; None where it is answered."""
    try:
        await way(asked, name)
    except Error as error:
        faults = [(f.pointer.replace(name, "…"), f.code) for f in error.faults]
        return error.code, faults, error.detail.replace(name, "…"), [f.detail.replace(name, "…") for f in error.faults]
    return None


@pytest.mark.parametrize("way", NAMED)
async def test_a_hidden_name_is_one_that_never_was(crm: TestCrm, tmp_path: Path, way: str) -> None:
    asked = await asked_by_a_clerk(crm, tmp_path)
    never = await refused(NAMED[way], asked, "zebra")
    assert never is not None
    for name in HIDDEN:
        told = await refused(NAMED[way], asked, name)
        assert told == never, name
        assert not any(hidden in str(told) for hidden in (*HIDDEN, "boss"))


async def test_a_reverse_of_a_hidden_reference_is_unknown(crm: TestCrm, tmp_path: Path) -> None:
    asked = await asked_by_a_clerk(crm, tmp_path)
    for name in ("agents", "zebras"):
        with pytest.raises(Error) as caught:
            await asked.listed(filter=f"any({name}, shown is null)")
        assert caught.value.code == "unknown_field"


@pytest.mark.parametrize("way", LISTED)
async def test_what_is_listed_does_not_name_it(crm: TestCrm, tmp_path: Path, way: str) -> None:
    asked = await asked_by_a_clerk(crm, tmp_path)
    told = await LISTED[way](asked)
    text = told if isinstance(told, str) else encode(told).decode()
    assert "shown" in text
    assert not any(f'"{hidden}' in text for hidden in (*HIDDEN, "boss")), text


async def test_a_sensitive_field_that_is_named_in_a_grant_is_read_but_stands_in_no_history(
    crm: TestCrm, tmp_path: Path
) -> None:
    asked = await asked_by_a_clerk(crm, tmp_path)
    grant = {"entity": "spy", "actions": ["read"], "fields": {"read": ["*", "sensitive"]}}
    await crm.put({"kind": "role", "name": "chief", "grants": [grant]})
    chief = asked._replace(caller=await crm.user("chief", "chief"))
    assert '"sensitive":"sensitive"' in await _one(chief)
    changes = (await _history(chief))["items"][-1]["changes"]
    assert changes["sensitive"] == {"old": None, "new": None}
    assert changes["denied"] == {"old": None, "new": "denied"}
