"""One kernel with an entity for each group of cases, spoken to through every channel there is."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import pytest_asyncio

from crm_kernel import Change
from crm_kernel.api.app import create_app
from crm_kernel.kernel import Kernel
from crm_kernel.operations.imports import Imports
from crm_kernel.storage.evolution import evolve
from crm_kernel.testing.kit import NewDatabase
from tests.conformance.cases_keywords import KEYWORDS
from tests.conformance.cases_values import VALUES
from tests.conformance.cells import row_of
from tests.conformance.table import Group
from tests.conftest import PluginApp

GROUPS = [*VALUES, *KEYWORDS]
ASKING = {
    "kind": "entity",
    "name": "asking",
    "schema": {"properties": {"entity": {"type": "string"}, "values": {"type": "string"}}},
}
PLUGIN = """
import json

@hookimpl
async def before_write(batch):
    for change in batch.of("asking"):
        batch.add(Change.create(change.after["entity"], json.loads(change.after["values"])))
"""

Told = dict[tuple[str, int], tuple[str, ...]]
"""The faults of each row, by group and number, each as "pointer code"."""


def told(errors: Any) -> tuple[str, ...]:
    """The faults of an answer, in their order."""
    return tuple(f"{error['pointer']} {error['code']}" for error in errors)


def entity(group: Group) -> list[dict[str, Any]]:
    """An entity without any rule, with two stages."""
    stages = [{"name": "new", "type": "open"}, {"name": "next", "type": "open"}]
    return [
        {"kind": "entity", "name": group.name, "schema": {"properties": {"seed": {"type": "integer"}}}},
        {"kind": "pipeline", "name": group.name, "entity": group.name, "stages": stages},
    ]


def fields(group: Group) -> dict[str, Any]:
    """The document under test. What is stored before it stays, valid or not."""
    return {
        "kind": "fields",
        "name": group.name,
        "entity": group.name,
        "schema": group.schema,
        "on_invalid": "keep",
    }


class Stored(NamedTuple):
    """What a kernel begins with: its folder, database, a token, and two records for each case, by group and number."""

    url: str
    token: str
    records: dict[tuple[str, int], tuple[str, str]]


class Channels:
    """All ways by which a record's values reach the write door."""

    def __init__(self, kernel: Kernel, stored: Stored, folder: Path) -> None:
        self.kernel = kernel
        self._records = stored.records
        self._file = folder / "in.csv"
        headers = {"Authorization": f"Bearer {stored.token}", "Content-Type": "application/json"}
        transport = httpx.ASGITransport(app=create_app(kernel))
        self._http = httpx.AsyncClient(transport=transport, base_url="http://crm", headers=headers)

    async def _send(self, method: str, path: str, body: Any) -> tuple[str, ...]:
        answer = await self._http.request(method, f"/api/records/{path}", content=json.dumps(body))
        assert answer.status_code in (200, 201, 422), (path, body, answer.text)
        return told(answer.json().get("errors", ())) if answer.status_code == 422 else ()

    async def create(self) -> Told:
        """POST, one by one."""
        return {
            (g.name, n): await self._send("POST", g.name, row.record) for g in GROUPS for n, row in enumerate(g.rows)
        }

    async def patch(self) -> Told:
        """PATCH of a record that has nothing yet."""
        return {
            (g.name, n): await self._send("PATCH", f"{g.name}/{self._records[g.name, n][0]}", row.record)
            for g in GROUPS
            for n, row in enumerate(g.rows)
        }

    async def move(self) -> Told:
        """A move to the next stage, with values."""
        return {
            (g.name, n): await self._send(
                "POST", f"{g.name}/{self._records[g.name, n][1]}/move", {"to": "next", "values": dict(row.record)}
            )
            for g in GROUPS
            for n, row in enumerate(g.rows)
        }

    async def batch(self) -> Told:
        """The batch route, the records of a group at once."""
        found: Told = {}
        for group in GROUPS:
            changes = [{"create": {"values": row.record}} for row in group.rows]
            body = json.dumps({"atomic": False, "changes": changes})
            answer = (await self._http.post(f"/api/records/{group.name}/batch", content=body)).json()
            found |= {(group.name, n): told(result.get("errors", ())) for n, result in enumerate(answer["results"])}
        return found

    async def plugin(self) -> Told:
        """A plugin's `batch.add`."""
        found: Told = {}
        for group in GROUPS:
            for n, row in enumerate(group.rows):
                body = {"entity": group.name, "values": json.dumps(row.record)}
                found[group.name, n] = await self._send("POST", "asking", body)
        return found

    async def import_(self) -> Told:
        """A CSV file for each group, of the records that cells can carry."""
        found: Told = {}
        for group in GROUPS:
            model = self.kernel.registry.entities[group.name]
            header = [name for name in model.fields if name in group.schema["properties"]]
            rows = {n: row_of(row.record, header, model) for n, row in enumerate(group.rows)}
            carried = {n: cells for n, cells in rows.items() if cells is not None}
            text = io.StringIO()
            csv.writer(text).writerows([["seed", *header], *([str(n), *cells] for n, cells in carried.items())])
            self._file.write_text(text.getvalue(), "utf-8")
            job = await Imports(self.kernel).run(group.name, self._file, None, caller=self.kernel.system("import"))
            errors: dict[int, list[Any]] = {n: [] for n in range(1, len(carried) + 1)}
            for error in job["errors"]:
                errors[error["row"]].append(error)
            found |= {(group.name, n): told(errors[row]) for row, n in enumerate(carried, start=1)}
        return found


@pytest.fixture(scope="session")
def plugin_app(tmp_path_factory: pytest.TempPathFactory, kept_database: NewDatabase) -> PluginApp:
    """An app with a plugin that adds whatever it is asked for."""
    app = PluginApp(tmp_path_factory.mktemp("conformance"), kept_database)
    app.plugin("adder", PLUGIN)
    app.toml = '[app]\ncurrency = "EUR"\nregion = "LV"\n'
    app.environ["CRM_SECRET"] = "a secret for tests only, of forty characters"
    return app


async def build(app: PluginApp) -> Stored:
    """Entities, two records for each case, then the documents under test."""
    kernel = await Kernel.open(app.settings(), strict=True)
    await evolve(kernel.database, kernel.registry.entities)
    await kernel.dispatcher.adopt()
    system = kernel.system("apply")
    await kernel.documents.put_all([ASKING, *(body for group in GROUPS for body in entity(group))], system)
    keys = [(group.name, n) for group in GROUPS for n in range(len(group.rows))]
    made = await kernel.writer.write([Change.create(name, {"seed": n}) for name, n in keys for _ in range(2)], system)
    ids = [str(outcome.id) for outcome in made]
    await kernel.documents.put_all([fields(group) for group in GROUPS], system)
    await kernel.identity.add_user("ann", roles=["admin"])
    _, token = await kernel.identity.create_token("ann", "test")
    await kernel.close()
    return Stored("", token, {key: (ids[2 * n], ids[2 * n + 1]) for n, key in enumerate(keys)})


@pytest.fixture(scope="session")
def stored(plugin_app: PluginApp) -> Stored:
    """What was built, once for all channels."""
    return asyncio.run(build(plugin_app))


@pytest_asyncio.fixture
async def channels(plugin_app: PluginApp, stored: Stored, tmp_path: Path) -> AsyncIterator[Channels]:
    """The channels of the kernel. No channel writes to what another one looks at."""
    kernel = await Kernel.open(plugin_app.settings(), strict=True)
    yield Channels(kernel, stored, tmp_path)
    await kernel.close()
