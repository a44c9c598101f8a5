"""The real `crm`, as a process of its own on an app of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

CRM = Path(sys.executable).with_name("crm")
ROOT = Path(__file__).resolve().parents[3]


class Ran(NamedTuple):
    """What a process left behind."""

    status: int
    out: str
    err: str

    @property
    def sentences(self) -> list[str]:
        """What it said on stderr; never a traceback."""
        assert "Traceback" not in self.out + self.err
        return self.err.splitlines()


def environment(**extra: str) -> dict[str, str]:
    """The environment of a process: nothing of an app of whoever runs the tests, and unmeasured, which is faster."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CRM_", "COVERAGE_"))}
    return kept | extra


Crm = Callable[..., Ran]


@pytest.fixture
def crm(tmp_path: Path) -> Crm:
    """Runs one command line in the folder of the test. Shadows the fixture of the test kit."""

    def command(*arguments: Any, **extra: str) -> Ran:
        line = [CRM, *map(str, arguments)]
        done = subprocess.run(
            line,
            cwd=tmp_path,
            env=environment(**extra),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return command


LEAD = {
    "kind": "entity",
    "name": "lead",
    "title": "{name}",
    "schema": {
        "properties": {
            "name": {"type": "string"},
            "code": {"type": "string", "x-crm": {"index": True}},
            "score": {"type": "integer", "minimum": 0},
            "due": {"type": "string", "format": "date"},
        },
        "required": ["name"],
    },
}


@pytest.fixture
def app(crm: Crm, tmp_path: Path) -> Path:
    """An app with one entity, applied."""
    folder = tmp_path / "app"
    assert crm("new", folder).status == 0
    (folder / "documents" / "entities" / "lead.json").write_text(json.dumps(LEAD), "utf-8")
    assert crm("apply", "--app", folder).status == 0
    return folder
