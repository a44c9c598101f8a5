"""Plugins of an app come and go by the command line; their records stay."""

from __future__ import annotations

import asyncio
import os
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from crm_kernel import Error
from crm_kernel.kernel import Kernel
from crm_kernel.settings import load_settings
from crm_kernel.testing import TestCrm
from crm_kernel.testing.kit import NewDatabase
from tests.cli.conftest import SQLITE, Crm, _put_url, looker

ROOT = Path(__file__).parents[2]
SHIPPED = sorted(folder.name for folder in (ROOT / "plugins").iterdir() if (folder / "pyproject.toml").exists())
COLUMNS = {
    "sqlite": "SELECT name FROM pragma_table_info(?)",
    "postgresql": "SELECT CAST(column_name AS text) FROM information_schema.columns WHERE table_name = ?",
}
TOML = '[database]\nurl = "sqlite:///data/crm.db"\n[plugins]\nenabled = ["{}"]  # what this office runs\n'


def home(plugin: str, folder: Path) -> Path:
    """The example that has a plugin, else an app with nothing but it."""
    for file in sorted(ROOT.glob("examples/*/crm.toml")):
        if plugin in tomllib.loads(file.read_text("utf-8")).get("plugins", {}).get("enabled", []):
            left_out = shutil.ignore_patterns("data", "__pycache__", "crm.lock")
            return Path(shutil.copytree(file.parent, folder / "app", ignore=left_out))
    (folder / "app").mkdir()
    (folder / "app" / "crm.toml").write_text(TOML.format(plugin), "utf-8")
    return folder / "app"


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.needs(name)) for name in SHIPPED])
def loaded(request: pytest.FixtureRequest, tmp_path: Path, new_database: NewDatabase, crm: Crm) -> tuple[str, Path]:
    """A shipped plugin, and an app with records of it."""
    plugin = str(request.param)
    app = home(plugin, tmp_path)
    url = new_database(app)
    _put_url(app, SQLITE if url.startswith("sqlite") else url)
    ran = crm("apply", "--yes", app=app)
    assert ran.status == 0, ran
    asyncio.run(fill(app, plugin))
    assert crm("check", app=app).status == 0
    return plugin, app


async def fill(app: Path, plugin: str) -> None:
    """Records of every entity of a plugin of which its rules take made up ones."""
    kernel = await Kernel.open(load_settings(app, os.environ), strict=True)
    try:
        crm = TestCrm(kernel)
        made = 0
        for declared in kernel.plugins.documents():
            if (declared.plugin, declared.kind) == (plugin, "entity"):
                try:
                    await crm.make(declared.name)
                    made += 1
                except Error:
                    continue  # it wants a story; others are enough
        assert made
    finally:
        await kernel.close()


def counts(app: Path) -> dict[str, Any]:
    """The number of rows and the newest of each table of entities."""
    look = looker(app)
    tables = [name for name in look.tables() if name.startswith("e_")]
    found = {name: look(f"SELECT count(*), max(updated_at) FROM {name}")[0] for name in tables}
    look.close()
    return found


def columns(app: Path, entity: str) -> set[str]:
    """The columns of an entity's table."""
    look = looker(app)
    found = look(COLUMNS[look.engine], (f"e_{entity}",))
    look.close()
    return {row[0] for row in found}


def state(crm: Crm, app: Path, plugin: str) -> str:
    ran = crm("plugins", "--json", app=app)
    return next(f"{p['state']}: {p['reason']}" for p in ran.json["items"] if p["name"] == plugin)


def test_a_disabled_plugin_is_gone_and_all_it_had_comes_back(loaded: tuple[str, Path], crm: Crm) -> None:
    plugin, app = loaded
    before = counts(app)
    served = crm("document", "list", "--json", app=app).out
    ran = crm("plugin", "disable", plugin, "--with-dependants", app=app)
    assert ran.status == 0, ran
    assert state(crm, app, plugin) == "disabled: not enabled in crm.toml"
    checked = crm("check", app=app)
    assert checked.status == 0, checked
    assert crm("apply", app=app).status == 0
    assert counts(app) == before
    assert crm("plugin", "enable", plugin, app=app).status == 0
    assert state(crm, app, plugin) == "active: None"
    assert crm("check", app=app).status == 0
    assert (crm("document", "list", "--json", app=app).out, counts(app)) == (served, before)


def test_what_was_uninstalled_is_back_when_it_is_installed_again(loaded: tuple[str, Path], crm: Crm) -> None:
    plugin, app = loaded
    before, toml = counts(app), (app / "crm.toml").read_text("utf-8")
    ran = crm("plugin", "uninstall", plugin, "--dry-run", "--with-dependants", "--json", app=app)
    assert ran.status == 0, ran
    [plan] = [item for item in ran.json["items"] if item["plugin"] == plugin]
    assert {f"e_{name}": count for name, count in plan["records"].items()} == {
        table: row[0] for table, row in before.items() if table.removeprefix("e_") in plan["records"]
    }
    assert sum(plan["records"].values()) > 0
    assert (app / "crm.toml").read_text("utf-8") == toml
    refused = crm("plugin", "uninstall", plugin, "--with-dependants", app=app)
    assert (refused.status, "--yes" in refused.err) == (1, True)
    assert crm("plugin", "uninstall", plugin, "--yes", "--with-dependants", app=app).status == 0
    assert crm("check", app=app).status == 0
    assert crm("plugin", "enable", plugin, app=app).status == 0
    again = crm("apply", app=app)
    assert again.status == 0, again
    assert (crm("check", app=app).status, counts(app)) == (0, before)


@pytest.mark.contract("cli.md#purge-uninstalled")
def test_purge_removes_what_an_uninstalled_plugin_has_left_and_nothing_of_a_disabled_one(
    loaded: tuple[str, Path], crm: Crm
) -> None:
    plugin, app = loaded
    assert crm("plugin", "disable", plugin, "--with-dependants", app=app).status == 0
    assert crm("purge", "--yes", app=app).out == "Nothing to purge.\n"
    assert crm("plugin", "enable", plugin, app=app).status == 0
    planned = crm("plugin", "uninstall", plugin, "--yes", "--with-dependants", "--json", app=app).json["items"]
    before = counts(app)
    own = {entity for plan in planned for entity in plan["records"]}
    kept = {item["what"] for plan in planned for item in plan["kept"]} & own
    for document in crm("document", "list", "--json", app=app).lines:
        if document["kind"] == "fields" and document["origin"] != "plugin":
            body = crm("document", "get", "fields", document["name"], app=app).json
            kept |= {body["entity"]} & own  # fields of the app's own are in its table
    dry = crm("purge", "--dry-run", "--json", app=app).json
    assert {item["entity"] for item in dry["items"] if item["field"] is None} == own - kept
    assert {item["entity"] for item in dry["kept"]} == kept
    fields = {(item["entity"], item["field"]) for item in dry["items"] if item["field"] is not None}
    assert fields == {
        (entity, name)
        for plan in planned
        for entity, names in plan["fields"].items()
        for name in names
        if entity not in own and name in columns(app, entity)
    }
    assert {item["why"] for item in dry["items"]} == {"uninstalled"}
    told = crm("purge", "--dry-run", app=app).out
    assert f"the plugin {plugin} was uninstalled" in told
    refused = crm("purge", app=app)
    assert (refused.status, "--yes" in refused.err, counts(app)) == (1, True, before)
    done = crm("purge", "--yes", "--json", app=app)
    assert (done.status, done.err) == (0, ""), done
    assert done.json == {**dry, "purged": True}
    assert counts(app) == {t: n for t, n in before.items() if t.removeprefix("e_") not in own - kept}
    assert not any(name in columns(app, entity) for entity, name in fields)
    assert crm("check", app=app).status == 0
    assert crm("purge", "--yes", app=app).out.endswith("Nothing to purge.\n")
    assert crm("plugin", "enable", plugin, app=app).status == 0
    again = crm("apply", "--yes", app=app)
    assert again.status == 0, again
    assert (crm("check", app=app).status, state(crm, app, plugin)) == (0, "active: None")
    assert all(counts(app)[f"e_{name}"][0] == 0 for name in own - kept)
    asyncio.run(fill(app, plugin))


def test_a_detached_plugin_leaves_documents_that_its_code_takes_over_again(loaded: tuple[str, Path], crm: Crm) -> None:
    plugin, app = loaded
    before, served = counts(app), crm("document", "list", "--json", app=app).out
    planned = crm("plugin", "uninstall", plugin, "--dry-run", "--with-dependants", "--json", app=app).json
    ran = crm("plugin", "uninstall", plugin, "--yes", "--detach", "--with-dependants", app=app)
    assert ran.status == 0, ran
    assert crm("check", app=app).status == 0
    for item in planned["items"]:
        for entity, count in item["records"].items():
            found = crm("query", entity, "--format", "jsonl", app=app)
            assert (found.status, len(found.lines)) == (0, count), found
    assert crm("plugin", "enable", plugin, app=app).status == 0
    assert crm("check", app=app).status == 0
    assert (crm("document", "list", "--json", app=app).out, counts(app)) == (served, before)


TYPED = """
from typing import Annotated
from crm_kernel import Entity, FieldType, Plugin, field, hookimpl
plugin = Plugin(name="trips", title="Trips", kernel=">=0.1")
class Code(FieldType):
    name = "place_code"
    schema = {"pattern": "^[A-Z]{3}$"}
    def canonical(self, value, context): return value.upper()
class Trip(Entity, name="trip", title="{place}"):
    place: Annotated[str, field(type="place_code")]
    days: int = 1
@hookimpl
def register_field_types(): return [Code]
@hookimpl
def register_entities(): return [Trip]
"""


@pytest.mark.contract("cli.md#detach")
def test_a_plugin_with_kinds_of_its_own_is_detached_and_taken_back(folder: Path, crm: Crm) -> None:
    (folder / "plugins" / "trips").mkdir()
    (folder / "plugins" / "trips" / "__init__.py").write_text(TYPED, "utf-8")
    assert crm("apply", app=folder).status == 0

    def trips(*places: str) -> Any:
        file = folder / "trips.csv"
        file.write_text("place\n" + "".join(f"{place}\n" for place in places), "utf-8")
        told = crm("import", "trip", file, "--json", app=folder).json
        return told["counts"]["created"], told["counts"]["refused"]

    assert trips("rix", "riga") == (1, 1)
    before, served = counts(folder), crm("document", "list", "--json", app=folder).out
    assert crm("plugin", "uninstall", "trips", "--yes", "--detach", app=folder).status == 0
    assert crm("check", app=folder).status == 0
    assert [trip["place"] for trip in crm("query", "trip", "--format", "jsonl", app=folder).lines] == ["RIX"]
    assert crm("plugin", "enable", "trips", app=folder).status == 0
    assert (crm("check", app=folder).status, counts(folder)) == (0, before)
    assert crm("document", "list", "--json", app=folder).out == served
    assert crm("plugin", "uninstall", "trips", "--yes", "--detach", app=folder).status == 0
    assert trips("TLL", "tll", "riga") == (1, 2)  # as the type says by JSON Schema, which does not make capitals
    assert crm("purge", "--yes", app=folder).out == "Nothing to purge.\n"  # documents declare it
    assert crm("plugin", "enable", "trips", app=folder).status == 0
    assert trips("vno", "riga") == (1, 1)
    found = crm("query", "trip", "--format", "jsonl", app=folder).lines
    assert sorted(trip["place"] for trip in found) == ["RIX", "TLL", "VNO"]


PLUGIN = """
from crm_kernel import Entity, Plugin, hookimpl
plugin = Plugin(name="{name}", title="{name}", kernel=">=0.1", requires={requires})
@hookimpl
async def on_uninstall(plan):
    plan.refuse("an invoice is open")
    plan.keep("invoice", "The law wants them for ten years.")
"""


def test_rules_of_leaving(folder: Path, crm: Crm) -> None:
    for name, requires in (("bills", []), ("dunning", ["bills"])):
        (folder / "plugins" / name).mkdir()
        (folder / "plugins" / name / "__init__.py").write_text(PLUGIN.format(name=name, requires=requires), "utf-8")
    before = (folder / "crm.toml").read_text("utf-8")
    refused = crm("plugin", "disable", "bills", app=folder)
    assert (refused.status, "is required by dunning" in refused.err) == (1, True)
    refused = crm("plugin", "uninstall", "dunning", "--yes", app=folder)
    assert (refused.status, "dunning: an invoice is open" in refused.err) == (1, True)
    assert "invoice must be kept: The law wants them for ten years." in refused.out
    for name, word in (("base", "is the kernel's"), ("bils", "did you mean 'bills'")):
        refused = crm("plugin", "disable", name, app=folder)
        assert (refused.status, word in refused.err) == (1, True)
    assert (folder / "crm.toml").read_text("utf-8") == before
    assert crm("plugin", "disable", "bills", "--with-dependants", app=folder).status == 0
    assert tomllib.loads((folder / "crm.toml").read_text("utf-8"))["plugins"]["disabled"] == ["dunning", "bills"]
    assert crm("plugin", "enable", "bills", app=folder).status == 0
    after = (folder / "crm.toml").read_text("utf-8")
    assert tomllib.loads(after)["plugins"]["disabled"] == ["dunning"]
    assert "# a folder of plugins of your own" in after
