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


@pytest.fixture(params=SHIPPED)
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


def test_a_detached_plugin_leaves_documents_that_its_code_takes_over_again(loaded: tuple[str, Path], crm: Crm) -> None:
    plugin, app = loaded
    before, served = counts(app), crm("document", "list", "--json", app=app).out
    planned = crm("plugin", "uninstall", plugin, "--dry-run", "--with-dependants", "--json", app=app).json
    toml = (app / "crm.toml").read_text("utf-8")
    ran = crm("plugin", "uninstall", plugin, "--yes", "--detach", "--with-dependants", app=app)
    if "There is no field type" in ran.err:  # values of a kind of its own need its code: then nothing is changed
        assert (ran.status, (app / "crm.toml").read_text("utf-8"), counts(app)) == (1, toml, before)
        assert crm("document", "list", "--json", app=app).out == served
        return
    assert ran.status == 0, ran
    assert crm("check", app=app).status == 0
    for item in planned["items"]:
        for entity, count in item["records"].items():
            found = crm("query", entity, "--format", "jsonl", app=app)
            assert (found.status, len(found.lines)) == (0, count), found
    assert crm("plugin", "enable", plugin, app=app).status == 0
    assert crm("check", app=app).status == 0
    assert (crm("document", "list", "--json", app=app).out, counts(app)) == (served, before)


SIMPLE = """
from crm_kernel import Entity, Plugin, hookimpl
plugin = Plugin(name="trips", title="Trips", kernel=">=0.1")
class Trip(Entity, name="trip", title="{place}"):
    place: str
    days: int = 1
@hookimpl
def register_entities(): return [Trip]
"""


def test_a_plugin_without_kinds_of_its_own_is_detached_and_taken_back(folder: Path, crm: Crm) -> None:
    (folder / "plugins" / "trips").mkdir()
    (folder / "plugins" / "trips" / "__init__.py").write_text(SIMPLE, "utf-8")
    assert crm("apply", app=folder).status == 0
    asyncio.run(fill(folder, "trips"))
    before, served = counts(folder), crm("document", "list", "--json", app=folder).out
    assert crm("plugin", "uninstall", "trips", "--yes", "--detach", app=folder).status == 0
    assert crm("check", app=folder).status == 0
    assert len(crm("query", "trip", "--format", "jsonl", app=folder).lines) == 1
    assert crm("plugin", "enable", "trips", app=folder).status == 0
    assert (crm("check", app=folder).status, counts(folder)) == (0, before)
    assert crm("document", "list", "--json", app=folder).out == served


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
