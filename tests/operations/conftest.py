"""A small shop to write to: an entity with a pipeline and roles; and kernels with plugins written inline."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
import pytest_asyncio

from crm_kernel import Change, Error
from crm_kernel.kernel import Kernel
from crm_kernel.storage.evolution import evolve
from crm_kernel.testing import TestCrm
from crm_kernel.testing.kit import NewDatabase, Template
from tests.looking import Looker
from tests.operations.report_shop import Shop

ORDER = {
    "kind": "entity",
    "name": "job",
    "title": "{number}",
    "schema": {
        "properties": {
            "number": {"type": "string", "x-crm": {"unique": True}},
            "amount": {"type": "number", "minimum": 0},
            "price": {"type": "object", "x-crm": {"money": True}},
            "due": {"type": "string", "format": "date"},
            "customer": {"type": "string", "x-crm": {"reference": "contact", "reverse": "jobs"}},
            "parent": {"type": "string", "x-crm": {"reference": "job"}},
            "secret": {"type": "string", "x-crm": {"sensitive": True}},
            "kind_of": {"enum": ["small", "large"]},
            "tags": {"type": "array", "items": {"type": "string"}},
            "place": {"type": "object", "properties": {"city": {"type": "string"}, "zip": {"type": "string"}}},
            "level": {"type": "integer", "default": 3},
            "serial": {"type": "string", "x-crm": {"autonumber": "J-{000}"}},
        },
        "if": {"properties": {"kind_of": {"const": "large"}}, "required": ["kind_of"]},
        "then": {"required": ["amount"]},
    },
}
PIPELINE = {
    "kind": "pipeline",
    "name": "work",
    "entity": "job",
    "label": "Work",
    "stages": [
        {"name": "new", "type": "open"},
        {"name": "planned", "type": "open", "requires": {"required": ["due"]}, "rots_after": "P3D"},
        {"name": "done", "type": "won", "requires": {"required": ["amount"]}},
        {"name": "lost", "type": "lost", "reasons": ["too dear", "no answer"]},
    ],
    "transitions": [
        {"from": ["new"], "to": "planned", "guard": "customer.do_not_contact = false and amount > 0"},
        {"from": ["planned"], "to": "done", "roles": ["boss"]},
        {"from": "*", "to": "lost"},
        {"from": ["lost"], "to": "new"},
    ],
}
CLERK = {
    "kind": "role",
    "name": "clerk",
    "grants": [
        {
            "entity": "job",
            "actions": ["read", "create", "update", "move", "delete"],
            "where": "owner = @me",
            "fields": {"deny": ["price"], "readonly": ["number"]},
        },
        {"entity": "job", "actions": ["read"], "where": "team in @my_teams", "fields": {"read": ["amount", "owner"]}},
        {"entity": "contact", "actions": ["read"], "where": "language = 'lv'"},
    ],
}
BOSS = {
    "kind": "role",
    "name": "boss",
    "grants": [{"entity": "*", "actions": ["read", "create", "update", "move", "delete", "import"]}],
}


@pytest.fixture
def crm_documents() -> Sequence[Mapping[str, Any]]:
    return [ORDER, PIPELINE, CLERK, BOSS]


class Refusal:
    """What a refused operation said: its code and the (pointer, code) of each fault."""

    def __init__(self, error: Error) -> None:
        self.error = error
        self.code = error.code
        self.faults = [(fault.pointer, fault.code) for fault in error.faults]
        self.rows = [(fault.row, fault.pointer, fault.code) for fault in error.faults]


async def refusal(operation: Awaitable[Any]) -> Refusal:
    """The refusal of an operation that must be refused."""
    with pytest.raises(Error) as caught:
        await operation
    return Refusal(caught.value)


async def contacts(crm: TestCrm, *rows: dict[str, Any]) -> list[Any]:
    return await crm.write([Change.create("contact", {"name": f"c{n}", **row}) for n, row in enumerate(rows)])


def fields(**schema: Any) -> dict[str, Any]:
    return {"kind": "fields", "name": "extra", "entity": "contact", "schema": schema}


def named(name: str) -> dict[str, Any]:
    """A `fields` document with one text field."""
    return fields(properties={name: {"type": "string"}})


async def plan_of(operation: Any) -> dict[str, Any]:
    with pytest.raises(Error) as caught:
        await operation
    assert caught.value.code == "plan_refused"
    return caught.value.extra["plan"]


MakeCrm = Callable[[str], Awaitable[TestCrm]]


@pytest_asyncio.fixture
async def with_plugin(app: Any, crm_template: Template, new_database: NewDatabase) -> AsyncIterator[MakeCrm]:
    """Opens a kernel with one plugin `shop` of the given code."""
    opened: list[Kernel] = []

    async def make(code: str, **manifest: Any) -> TestCrm:
        app.plugin("shop", code, **manifest)
        (app.folder / "data").mkdir(exist_ok=True)
        app.url = app.url or new_database(app.folder, await crm_template.database())
        app.environ["CRM_SECRET"] = "a secret for tests only, of forty characters"
        kernel = await Kernel.open(app.settings())
        await evolve(kernel.database, kernel.registry.entities)
        await kernel.dispatcher.adopt()
        opened.append(kernel)
        return TestCrm(kernel)

    yield make
    for kernel in opened:
        await kernel.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, kept_database: NewDatabase) -> Iterator[Shop]:
    """Sales to make reports of."""
    database = Looker(kept_database(tmp_path_factory.mktemp("sales")))
    yield Shop(database)
    database.close()
