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
from crm_kernel.operations.export import export
from crm_kernel.operations.imports import Imports
from crm_kernel.operations.list_query import ListQuery
from crm_kernel.operations.search import search
from crm_kernel.operations.timeline import timeline
from crm_kernel.storage.ports import Tx
from crm_kernel.testing import TestCrm
from tests.access.app import NOW

FIELDS: dict[str, Any] = {
    "shown": {"type": "string", "x-crm": {"search": True}},
    "denied": {"type": "string", "x-crm": {"unique": True, "search": True}},
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
        {"kind": "entity", "name": "spy", "title": "{shown} {denied} {ally.denied}", "schema": {"properties": FIELDS}},
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

    async def exported(self, form: str, **query: Any) -> str:
        parts = await export(self.kernel.reader, "spy", self.caller, ListQuery(**query), form=form)
        return b"".join([part async for part in parts]).decode()

    async def searched(self, q: str) -> Any:
        return await search(self.kernel.reader, q, self.caller)

    async def report(self, **document: Any) -> Any:
        body = {"entity": "spy", "measures": [{"count": "*", "as": "n"}], **document}
        return await self.kernel.reports.run(body, {}, self.caller)

    async def written(self, change: Change[Any]) -> Any:
        return await self.kernel.writer.write([change], self.caller)

    async def tried(self, change: Change[Any]) -> Any:
        outcomes = await self.kernel.writer.write([change], self.caller, dry_run=True)
        return [outcome.outcome for outcome in outcomes]

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
    "export filter": lambda asked, name: asked.exported("csv", filter=f"{name} = 'x'"),
    "export sort": lambda asked, name: asked.exported("jsonl", sort=f"-{name}"),
    "export fields": lambda asked, name: asked.exported("csv", fields=("shown", name)),
    "export fields at a path": lambda asked, name: asked.exported("jsonl", fields=(f"ally.{name}",)),
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
    "list": lambda asked: asked.listed(),
    "q": lambda asked: asked.listed(q="shown"),
    "search": lambda asked: asked.searched("shown"),
    "export as csv": lambda asked: asked.exported("csv"),
    "export as jsonl": lambda asked: asked.exported("jsonl", q="show"),
}
"""Ways that tell which fields there are, or what they hold."""
VALUES: dict[str, Callable[[Asked], Awaitable[Any]]] = {
    **{name: way for name, way in LISTED.items() if name != "written"},
    "count": lambda asked: asked.listed(count="exact", sort="-shown", fields=("shown",)),
    "q of a denied value": lambda asked: asked.listed(q="denied"),
    "search of a denied value": lambda asked: asked.searched("denied"),
    "export of a denied value": lambda asked: asked.exported("csv", q="denied"),
    "report": lambda asked: asked.report(group_by=["shown"]),
    "timeline": lambda asked: timeline(asked.kernel.reader, "spy", asked.record, asked.caller, limit=9, cursor=None),
    "upsert": lambda asked: asked.tried(Change.upsert("spy", ("shown",), {"shown": "shown"})),
    "unchanged": lambda asked: asked.tried(Change.update("spy", asked.record, {"shown": "shown"})),
}
"""Questions about what is stored."""


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


def _text(told: Any) -> str:
    return told if isinstance(told, str) else told.decode() if isinstance(told, bytes) else encode(told).decode()


@pytest.mark.contract("security.md#noninterference")
@pytest.mark.parametrize("way", VALUES)
async def test_other_denied_values_change_not_one_byte(crm: TestCrm, tmp_path: Path, way: str) -> None:
    crm.kernel.clock.set(NOW)
    asked = await asked_by_a_clerk(crm, tmp_path)
    told = _text(await VALUES[way](asked))
    kernel = crm.kernel
    model = kernel.registry.entities["spy"]
    [stored] = await kernel.store.records.load(kernel.database, model, [asked.record])
    other = {**stored, "version": stored["version"] + 1, "denied": "other", "sensitive": "other", "boss": None}

    async def past_all_doors(tx: Tx) -> None:
        await kernel.store.records.update(tx, model, [(other, ["denied", "sensitive", "boss"])])

    await kernel.database.write(past_all_doors)
    assert _text(await VALUES[way](asked)) == told


@pytest.mark.parametrize("way", LISTED)
async def test_what_is_listed_does_not_name_it(crm: TestCrm, tmp_path: Path, way: str) -> None:
    asked = await asked_by_a_clerk(crm, tmp_path)
    told = await LISTED[way](asked)
    text = _text(told)
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
