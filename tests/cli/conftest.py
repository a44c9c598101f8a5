"""The command line, run in this process; and an app to run it on."""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from crm_kernel.cli.main import run
from crm_kernel.testing.databases import Databases
from crm_kernel.testing.kit import NewDatabase
from tests.looking import Looker

SECRET = "a secret for tests only, of forty characters"


class Ran(NamedTuple):
    """What a command line left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value it printed."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The JSON values it printed, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


class Terminal(io.StringIO):
    """A standard input at which somebody sits."""

    def isatty(self) -> bool:
        return True


Crm = Callable[..., Ran]


@pytest.fixture
def crm(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Crm:
    """Runs one command line: `crm("user", "list", app=folder, stdin="…")`; `terminal`: somebody sits there.

    Shadows the fixture of the test kit.
    """
    monkeypatch.setenv("CRM_SECRET", SECRET)

    def command(*arguments: Any, app: Path | None = None, stdin: str = "", terminal: bool = False) -> Ran:
        if app is None:
            monkeypatch.delenv("CRM_APP", raising=False)
        else:
            monkeypatch.setenv("CRM_APP", str(app))
        monkeypatch.setattr(sys, "stdin", Terminal(stdin) if terminal else io.StringIO(stdin))
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        return Ran(status, *capsys.readouterr())

    return command


LEAD = {
    "kind": "entity",
    "name": "lead",
    "title": "{name}",
    "schema": {
        "properties": {
            "name": {"type": "string", "maxLength": 50},
            "code": {"type": "string", "x-crm": {"unique": True}},
            "worth": {"type": "object", "x-crm": {"money": True}},
            "score": {"type": "integer", "minimum": 0},
            "labels": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["name"],
    },
}


SQLITE = "sqlite:///data/crm.db"


def _put_url(folder: Path, url: str) -> None:
    file = folder / "crm.toml"
    file.write_text(re.sub('url = ".*"', f'url = "{url}"', file.read_text("utf-8")), "utf-8")


def looker(folder: Path) -> Looker:
    """A look into the database of an app."""
    url = tomllib.loads((folder / "crm.toml").read_text("utf-8"))["database"]["url"]
    return Looker(f"sqlite:///{folder}/data/crm.db" if url == SQLITE else url)


@pytest.fixture(scope="session")
def _applied(
    tmp_path_factory: pytest.TempPathFactory, crm_databases: Databases, kept_database: NewDatabase
) -> tuple[Path, str]:
    """An app whose database is made, with one entity; it is copied for each test. And the URL of its database."""
    folder = tmp_path_factory.mktemp("applied") / "app"
    url = SQLITE if crm_databases.engine == "sqlite" else kept_database(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_SECRET", SECRET)
        assert run(["new", str(folder)]) == 0
        _put_url(folder, url)
        (folder / "documents" / "entities" / "lead.json").write_text(json.dumps(LEAD), "utf-8")
        assert run(["apply", "--app", str(folder)]) == 0
    return folder, url


@pytest.fixture
def folder(_applied: tuple[Path, str], tmp_path: Path, new_database: NewDatabase) -> Path:
    """An app folder with a database, users none."""
    applied, url = _applied
    folder = Path(shutil.copytree(applied, tmp_path / "app"))
    if url != SQLITE:
        _put_url(folder, new_database(folder, url))
    return folder
