"""The examples of the pages work: each page's marked blocks are put into an app of its own, and its commands run.

Marks stand in the line before a fenced block: `<!-- app: path -->` writes the block to that path of the app,
`<!-- check: crm.toml -->` replaces a file for this block only and asks `crm check`, `<!-- shell -->` runs its `crm`
lines there.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from crm_kernel.cli.main import run

ROOT = Path(__file__).resolve().parents[2]
MARKED = re.compile(r"^<!-- (app|check|shell)(?:: (\S+))? -->\n```\w*\n(.*?)^```$", re.M | re.S)


class Block(NamedTuple):
    """A marked block: what to do with it, the path it is for, its text."""

    kind: str
    path: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [Block(*found) for found in MARKED.findall(page.read_text("utf-8"))]


PAGES = [page for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))] if blocks(page)]


class App:
    """An app folder of a page; commands run in this process, as starting one takes longer than most of them."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, said: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._said = said
        folder.mkdir()
        patch.chdir(folder)
        for name in [name for name in os.environ if name.startswith("CRM_")]:
            patch.delenv(name)
        patch.setattr(sys, "stdin", io.StringIO())

    def crm(self, line: str) -> None:
        """Runs one command line of a page; it must succeed."""
        words = shlex.split(line)
        assert words[0] == "crm", line
        status = run(words[1:])
        out, err = self._said.readouterr()
        assert status == 0, f"{line}\n{out}{err}"

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


def needed(page: Path) -> list[str]:
    """The installed plugins that an app of the page runs."""
    lists = re.findall(r"^enabled = \[(.*)\]", page.read_text("utf-8"), re.M)
    return re.findall(r'"(\w+)"', " ".join(lists))


@pytest.mark.parametrize(
    "page", [pytest.param(page, id=page.stem, marks=pytest.mark.needs(*needed(page))) for page in PAGES]
)
def test_the_examples_of_a_page_work(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = App(tmp_path / "app", monkeypatch, capsys)
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


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.stem)
def test_no_code_stands_in_a_page_that_no_test_runs(page: Path) -> None:
    text = page.read_text("utf-8")
    marked = re.findall(r"^<!-- \w+.*-->\n```python\n", text, re.M)
    assert len(marked) == len(re.findall(r"^```python\n", text, re.M))


def test_the_readme_plugin_has_forty_lines() -> None:
    (plugin,) = [block for block in blocks(ROOT / "README.md") if block.path.endswith(".py")]
    assert len(plugin.text.splitlines()) <= 40
