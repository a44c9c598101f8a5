"""The examples of the pages work: each page's marked blocks are put into an app of its own, and its commands run.

Marks stand in the line before a fenced block: `<!-- app: path -->` writes the block to that path of the app,
`<!-- check: crm.toml -->` replaces a file for this block only and asks `crm check`, `<!-- shell -->` runs its `crm`
lines there.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
MARKED = re.compile(r"^<!-- (app|check|shell)(?:: (\S+))? -->\n```\w*\n(.*?)^```$", re.M | re.S)
CRM = Path(sys.executable).with_name("crm")


class Block(NamedTuple):
    """A marked block: what to do with it, the path it is for, its text."""

    kind: str
    path: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [Block(*found) for found in MARKED.findall(page.read_text("utf-8"))]


PAGES = [page for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))] if blocks(page)]


class App:
    """An app folder of a page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("CRM_")}

    def crm(self, line: str) -> None:
        """Runs one command line of a page; it must succeed."""
        words = shlex.split(line)
        assert words[0] == "crm", line
        run = subprocess.run(
            [CRM, *words[1:]],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, f"{line}\n{run.stdout}{run.stderr}"

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_examples_of_a_page_work(page: Path, tmp_path: Path) -> None:
    app = App(tmp_path / "app")
    app.folder.mkdir()
    if not any("crm new ." in block.text for block in blocks(page)):
        app.crm("crm new .")
        app.write("crm.toml", "[plugins]\npath = 'plugins'\n\n[documents]\npath = 'documents'\n")
    for block in blocks(page):
        if block.kind == "shell":
            for line in block.text.splitlines():
                app.crm(line)
        else:
            before = (app.folder / "crm.toml").read_text("utf-8")
            app.write(block.path, block.text)
            app.crm("crm check")
            if block.kind == "check":
                app.write("crm.toml", before)
    app.crm("crm apply --yes")


def test_the_readme_plugin_has_forty_lines() -> None:
    (plugin,) = [block for block in blocks(ROOT / "README.md") if block.path.endswith(".py")]
    assert len(plugin.text.splitlines()) <= 40
