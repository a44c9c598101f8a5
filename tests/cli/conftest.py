"""The command line, run in this process; and an app to run it on."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from crm_kernel.cli.main import run

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


@pytest.fixture(scope="session")
def _applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app whose database is made, with one entity; it is copied for each test."""
    folder = tmp_path_factory.mktemp("applied") / "app"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_SECRET", SECRET)
        assert run(["new", str(folder)]) == 0
        (folder / "documents" / "entities" / "lead.json").write_text(json.dumps(LEAD), "utf-8")
        assert run(["apply", "--app", str(folder)]) == 0
    return folder


@pytest.fixture
def folder(_applied: Path, tmp_path: Path) -> Path:
    """An app folder with a database, users none."""
    return Path(shutil.copytree(_applied, tmp_path / "app"))
