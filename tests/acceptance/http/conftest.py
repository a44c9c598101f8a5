"""A served app that is spoken to over HTTP only; every answer is held to what the system promises of all of them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any, Literal, NamedTuple
from uuid import uuid4

import httpx
import pytest
from jsonschema import Draft202012Validator

from crm_kernel.cli.main import run
from crm_kernel.errors import CATALOGUE
from crm_kernel.testing.kit import NewDatabase
from tests.acceptance.http.world import DOCUMENTS, PEOPLE, TOKENS
from tests.looking import Looker
from tests.oracles import Oracles

OUTGOING = Path(__file__).resolve().parents[2] / "outgoing"
"""Where the module is by which a server notes its connections."""

Kind = Literal["good", "bad", "unauthenticated", "denied"]


class Case(NamedTuple):
    """One request to one route, and what must come back. `path` may name records: `{contact}`, `{hidden}` …"""

    route: str
    kind: Kind
    status: int
    who: str | None = "bob"
    path: str | None = None
    body: Any = None
    code: str | None = None
    has: Mapping[str, Any] = {}
    headers: Mapping[str, str] = {}

    @property
    def name(self) -> str:
        """What the test is called."""
        return f"{self.route} {self.kind} {self.status} {self.code or ''}".strip()


def cases(*all_of_them: Case) -> pytest.MarkDecorator:
    """Runs a test for each case."""
    return pytest.mark.parametrize("case", all_of_them, ids=[c.name for c in all_of_them])


class World:
    """The served app, its people by their tokens, and records made for the test that asks for them."""

    def __init__(
        self, url: str, folder: Path, database: Looker, process: subprocess.Popen[str], tokens: Mapping[str, str]
    ) -> None:
        self.folder = folder
        self.tokens = tokens
        self.process = process
        self.database = database
        self.oracles = Oracles(folder, database, process)
        self.client = httpx.Client(base_url=url, timeout=30)
        self.numbers = count(1)

    def send(self, who: str | None, method: str, path: str, **sent: Any) -> httpx.Response:
        """The answer to what `who` sends (None: nobody), held to the oracles that hold for every request."""
        headers = {
            **({} if who is None else {"Authorization": f"Bearer {self.tokens[who]}"}),
            **sent.pop("headers", {}),
        }
        before = self.oracles.before()
        answer = self.client.request(method, path, headers=headers, **sent)
        self.oracles.after(before, who, answer)
        assert answer.headers["X-Request-Id"]
        if answer.status_code >= 400:
            self._is_problem(answer, method)
        return answer

    @staticmethod
    def _is_problem(answer: httpx.Response, method: str) -> None:
        assert answer.headers["Content-Type"] == "application/problem+json"
        if method == "HEAD":
            return
        problem = answer.json()
        assert {"type", "title", "status", "code", "detail", "hint", "errors"} <= set(problem), problem
        assert problem["status"] == answer.status_code
        assert problem["code"] in CATALOGUE
        assert answer.status_code in (CATALOGUE[problem["code"]].status, 405)
        for fault in problem["errors"]:
            assert {"pointer", "code", "detail"} <= set(fault), fault

    def get(self, who: str, path: str, **params: Any) -> Any:
        """What a good GET answers."""
        answer = self.send(who, "GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def new(self, entity: str, who: str = "bob", **values: Any) -> dict[str, Any]:
        """A new record, as `who` sees it."""
        answer = self.send(who, "POST", f"/api/records/{entity}", json=values)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def contact(self, who: str = "bob", **values: Any) -> dict[str, Any]:
        """A new contact."""
        return self.new("contact", who, **{"first_name": f"Ilze {next(self.numbers)}", **values})

    def lease(self, **values: Any) -> dict[str, Any]:
        """A new lease."""
        return self.new("lease", "bob", **{"number": f"L-{next(self.numbers)}", **values})

    def deleted(self) -> dict[str, Any]:
        """A new contact that is deleted."""
        contact = self.contact()
        assert self.send("bob", "DELETE", f"/api/records/contact/{contact['id']}").status_code == 204
        return contact

    def run(self, case: Case) -> httpx.Response:
        """Send a case and hold its answer to what it says, and to what `/openapi.json` says of the route."""
        method, _, template = case.route.partition(" ")
        made: dict[str, Callable[[], str]] = {
            "contact": lambda: self.contact()["id"],
            "hidden": lambda: self.contact("ann")["id"],
            "open": lambda: self.contact("ann", language="lv")["id"],
            "deleted": lambda: self.deleted()["id"],
            "lease": lambda: self.lease(rent=5)["id"],
            "never": lambda: str(uuid4()),
        }
        path = case.path or template
        for name, make in made.items():
            if f"{{{name}}}" in path:
                path = path.replace(f"{{{name}}}", make())
        sent = case.body if isinstance(case.body, dict) and set(case.body) & {"files", "json"} else {"json": case.body}
        answer = self.send(case.who, method, path, headers=dict(case.headers), **sent)
        assert answer.status_code == case.status, answer.text
        if case.code is not None:
            assert answer.json()["code"] == case.code
        if case.has:
            assert {name: answer.json().get(name) for name in case.has} == case.has
        self._as_described(answer, method, template, path)
        return answer

    @cached_property
    def description(self) -> dict[str, Any]:
        """`/openapi.json` as an administrator sees it."""
        return self.send("ann", "GET", "/openapi.json").json(parse_float=Decimal)

    def _as_described(self, answer: httpx.Response, method: str, template: str, path: str) -> None:
        steps = path.partition("?")[0].split("/")
        entity = steps[3] if template.startswith("/api/records/{entity}") else ""
        item = self.description["paths"].get(template.replace("{entity}", entity))
        if item is None or method.lower() not in item:
            return  # an entity that is not there
        described = item[method.lower()]["responses"]
        assert str(answer.status_code) in described, f"{method} {template} may not answer {answer.status_code}"
        content = described[str(answer.status_code)].get("content", {})
        if answer.headers.get("Content-Type") == "application/json":
            schema = {**content["application/json"]["schema"], "components": self.description["components"]}
            Draft202012Validator(schema).validate(answer.json(parse_float=Decimal))  # 4.35 is a multiple of 0.01


def crm(folder: Path, *arguments: str) -> str:
    """What a command line printed."""
    out = io.TextIOWrapper(io.BytesIO(), "utf-8")
    with contextlib.redirect_stdout(out):
        assert run([*arguments, "--app", str(folder)]) == 0, arguments
    out.seek(0)
    return out.read().strip()


def app_folder(folder: Path, url: str) -> dict[str, str]:
    """An app with documents, people and tokens on the database of a URL; the tokens by name."""
    app = '[app]\nname = "World"\ntimezone = "Europe/Riga"\nregion = "LV"\n[imports]\nmax_megabytes = 8\n'
    toml = f'{app}[database]\nurl = "{url}"\n'
    (folder / "crm.toml").write_text(toml, "utf-8")
    for document in DOCUMENTS:
        file = folder / "documents" / document["kind"] / f"{document['name']}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(document), "utf-8")
    crm(folder, "apply", "--yes")
    for login, roles in PEOPLE.items():
        crm(folder, "user", "add", login, *(part for role in roles for part in ("--role", role)))
    return {name: crm(folder, "token", "create", *options, "--name", name) for name, options in TOKENS.items()}


@contextlib.contextmanager
def served(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address and the process of `crm serve` on an app; whoever stops it does so inside."""
    command = [str(Path(sys.executable).with_name("crm")), "serve", "--app", str(folder), "--port", "0"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CRM_")}
    environment |= {"PYTHONPATH": str(OUTGOING), "CRM_TEST_OUTGOING": str(folder / "outgoing.log")}
    log = folder / "server.log"
    with (
        log.open("w") as err,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=err, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            yield process.stdout.readline().removeprefix("listening on ").strip(), process
        finally:
            if process.poll() is None:
                process.kill()
    assert "Traceback" not in log.read_text()


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, kept_database: NewDatabase) -> Iterator[World]:
    """The served app; `crm serve` is a process of its own."""
    folder = tmp_path_factory.mktemp("world")
    place = kept_database(folder)
    tokens = app_folder(folder, place)
    with served(folder) as (url, process):
        world = World(url, folder, Looker(place), process, tokens)
        yield world
        world.client.close()
        world.database.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0, (folder / "server.log").read_text()
