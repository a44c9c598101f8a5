"""`crm serve` as a process, started again after a file, the database or both were changed, or a document broke."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import pytest

from crm_kernel.documents import FOLDERS
from tests.acceptance.cli.conftest import LEAD, Crm
from tests.acceptance.cli.test_serve import get, served
from tests.cli.test_restarts import CASES, each, version
from tests.looking import Looker

OWN = {(kind, body["name"]) for kind, body in version("").items()}


class Server(NamedTuple):
    """A server that is up, and what an administrator asks of it."""

    url: str
    token: str

    def documents(self) -> dict[str, dict[str, Any]]:
        """kind -> the document of that kind as the server tells of it."""
        items = get(f"{self.url}/api/documents", self.token)["items"]
        return {item["kind"]: item for item in items if (item["kind"], item["name"]) in OWN}

    def pending(self) -> Mapping[str, str]:
        """kind -> the change that waits for somebody."""
        ready = get(f"{self.url}/health/ready")
        assert ready["status"] == "ready"
        return {item["kind"]: item["change"] for item in ready["pending"]}

    def put(self, body: Mapping[str, Any]) -> None:
        """Edit a document in the database."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        path = f"{self.url}/api/documents/{body['kind']}/{body['name']}"
        with urlopen(Request(path, json.dumps(body).encode(), headers, method="PUT"), timeout=30) as answer:
            assert json.loads(answer.read())["applied"]


class App(NamedTuple):
    """An app folder with a document of each kind, on SQLite: tests/cli/test_restarts.py asks both engines."""

    folder: Path
    token: str
    crm: Crm

    @contextmanager
    def served(self) -> Iterator[Server]:
        """The server, started and in the end stopped."""
        with served("serve", "--port", "0", "--app", self.folder) as lines:
            yield Server(next(lines).removeprefix("listening on ").strip(), self.token)

    def files(self, label: str) -> None:
        """Edit the files."""
        for kind, body in version(label).items():
            file = self.folder / "documents" / FOLDERS[kind] / f"{body['name']}.json"
            file.write_text(json.dumps(body, ensure_ascii=False), "utf-8")

    def planned(self) -> Mapping[str, str]:
        """kind -> the change that `crm plan` tells."""
        told = json.loads(self.crm("plan", "--json", "--app", self.folder).out)
        return {d["kind"]: d["change"] for d in told["documents"]}


@pytest.fixture
def app(crm: Crm, tmp_path: Path) -> App:
    folder = tmp_path / "app"
    assert crm("new", folder).status == 0
    (folder / "documents" / "entities" / "lead.json").write_text(json.dumps(LEAD), "utf-8")
    App(folder, "", crm).files("A")
    assert crm("apply", "--app", folder).status == 0
    assert crm("user", "add", "ilze", "--role", "admin", "--app", folder).status == 0
    return App(folder, crm("token", "create", "ilze", "--name", "x", "--app", folder).out.strip(), crm)


@pytest.mark.contract(
    "documents.md#file-changed-applied",
    "documents.md#file-unchanged-drift",
    "documents.md#both-changed-conflict",
    "documents.md#serve-pending",
)
@pytest.mark.parametrize("name", ["file edited", "database edited", "both edited"])
def test_a_server_that_is_started_again_does_what_files_and_database_say(app: App, name: str) -> None:
    case = CASES[name]
    with app.served() as server:
        assert {kind: d["label"] for kind, d in server.documents().items()} == each("A")
        assert server.pending() == {}
        for body in version(case.database).values() if case.database else ():
            server.put(body)
    if case.file:
        app.files(case.file)
    assert app.planned() == each(case.plan)
    with app.served() as server:
        assert {kind: d["label"] for kind, d in server.documents().items()} == each(case.serves)
        assert server.pending() == each(case.pending)
    assert app.planned() == each(None if case.plan == "change" else case.plan)


@pytest.mark.contract("documents.md#broken-left-out")
def test_a_stored_document_that_broke_is_told_and_left_out(app: App) -> None:
    with app.served() as server:
        assert {d["state"] for d in server.documents().values()} == {"active"}
    look = Looker(f"sqlite:///{app.folder}/data/crm.db")
    look("UPDATE crm_document SET body = replace(body, '\"name\"]', '\"gone\"]') WHERE kind = 'view' AND name = 'all'")
    look.close()
    with app.served() as server:
        assert server.pending() == {}
        states = {kind: d["state"] for kind, d in server.documents().items()}
        assert states == {**dict.fromkeys(states, "active"), "view": "broken"}
        [fault] = server.documents()["view"]["errors"]
        assert (fault["pointer"], fault["code"]) == ("/columns/0", "unknown_field")
        assert get(f"{server.url}/api/records/lead", server.token)["items"] == []
        server.put(version("B")["view"])  # mended while the server is up
        assert {d["state"] for d in server.documents().values()} == {"active"}
    with app.served() as server:
        assert server.documents()["view"]["label"] == "B"
