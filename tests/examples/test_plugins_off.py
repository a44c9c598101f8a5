"""Each shipped plugin over its example with all its data: switched off, taken out, and there again."""

from __future__ import annotations

import hashlib
import json
import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from crm_kernel.testing.kit import NewDatabase
from tests.examples.loading import EXAMPLES, copied, load, told
from tests.faults.serving import App
from tests.looking import Looker

SHIPPED = sorted(file.parent.name for file in EXAMPLES.parent.glob("plugins/*/pyproject.toml"))


def homes() -> dict[str, str]:
    """Plugin → the example that shows it."""
    found: dict[str, str] = {}
    for file in sorted(EXAMPLES.glob("*/crm.toml")):
        for plugin in tomllib.loads(file.read_text("utf-8"))["plugins"]["enabled"]:
            found.setdefault(plugin, file.parent.name)
    return found


class Served(NamedTuple):
    """What a server of the app answers: how many records there are of each entity, and its reports."""

    records: dict[str, int]
    reports: list[str]


def served(app: Path, url: str, token: str) -> Served:
    """Start the server and ask it for everything that depends on what is declared."""
    server = App(app, url, {"bob": token})
    server.start()
    try:
        with closing(server.client()) as client:

            def get(path: str) -> Any:
                answer = client.answered("GET", path)
                assert answer.status == 200, (path, answer)
                return answer.body

            entities = [item["name"] for item in get("/api/schema")["items"]]
            records = {name: get(f"/api/records/{name}?limit=2&count=exact")["count"] for name in entities}
            found = [d for d in get("/api/documents")["items"] if d["kind"] == "report"]
            reports = [d["name"] for d in found if d["state"] == "active"]
            for name in reports:
                answer = client.answered("GET", f"/api/reports/{name}")
                asks = answer.status == 422 and {f["code"] for f in answer.body["errors"]} == {"unknown_parameter"}
                assert answer.status == 200 or asks, answer
            paths = get("/openapi.json")["paths"]
            assert all(f"/api/records/{name}" in paths for name in entities if name in records)
            entity = "contact" if records["contact"] else "company"
            [one] = get(f"/api/records/{entity}?limit=1&filter={quote('name is not null')}")["items"]
            found = get(f"/api/search?q={quote(one['name'])}")["items"]
            assert (entity, one["id"]) in {(item["entity"], item["id"]) for item in found}
            assert get("/api/events?limit=5")["items"]
            assert get("/api/plugins")["items"]
        server.stop()
    finally:
        server.give_up()
    return Served(records, reports)


def content(url: str) -> dict[str, str]:
    """A hash of each table of records, and of what is told of them."""
    look = Looker(url)
    told = ["crm_history", "crm_outbox", "crm_document", "crm_stage_history"]
    found = {
        table: hashlib.sha256("\n".join(sorted(map(repr, look(f"SELECT * FROM {table}")))).encode()).hexdigest()
        for table in [*(name for name in look.tables() if name.startswith("e_")), *told]
    }
    look.close()
    return found


def documents(app: Path) -> dict[tuple[str, str], str]:
    """The hash of each document that is in force."""
    found = map(json.loads, told(app, "document", "list", "--json").splitlines())
    return {(d["kind"], d["name"]): d["hash"] for d in found if d["state"] == "active"}


@pytest.mark.contract("hooks.md#comes-and-goes")
@pytest.mark.parametrize("plugin", [pytest.param(name, marks=pytest.mark.needs(name)) for name in SHIPPED])
def test_a_loaded_example_works_without_a_plugin_and_has_all_again(
    plugin: str, tmp_path: Path, new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CRM_APP", raising=False)
    url = new_database(tmp_path)
    app = copied(homes()[plugin], tmp_path, url)
    load(app)
    told(app, "user", "add", "bob", "--role", "admin")
    token = told(app, "token", "create", "bob", "--name", "bob").strip()
    with_it = served(app, url, token)
    stored, declared = content(url), documents(app)

    planned = json.loads(told(app, "plugin", "uninstall", plugin, "--dry-run", "--json"))["items"][-1]
    own = planned["records"]
    assert sum(own.values()) > 0
    assert own.keys() <= with_it.records.keys()
    for way in (["disable"], ["uninstall", "--yes"]):
        told(app, "plugin", way[0], plugin, *way[1:])
        assert told(app, "check") == "No faults.\n"
        without = served(app, url, token)
        needed = {name.partition(" ")[2] for name in planned["documents"]}
        gone = with_it.records.keys() - without.records.keys()
        assert own.keys() <= gone <= own.keys() | needed
        assert without.records == {name: n for name, n in with_it.records.items() if name not in gone}
        told(app, "plugin", "enable", plugin)
        assert told(app, "check") == "No faults.\n"
        told(app, "apply")
        assert content(url) == stored
        assert documents(app) == declared
    assert served(app, url, token) == with_it


def test_every_shipped_plugin_has_an_example() -> None:
    assert sorted(homes()) == SHIPPED
