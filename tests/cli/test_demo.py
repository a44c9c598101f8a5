"""`crm demo` up to the server, with a small example. The real one: tests/acceptance/cli."""

from __future__ import annotations

import asyncio
import shlex
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crm_kernel.cli import demo as module
from crm_kernel.kernel import Kernel
from crm_kernel.settings import Settings
from tests.cli.conftest import Crm, Ran

SAMPLE = """
async def load(crm):
    await crm.write([{"create": {"values": {"name": "Anna"}}}], entity="contact")
"""
PIPED = """
from crm_kernel import Entity, Plugin, hookimpl
plugin = Plugin(name="shop", title="Shop", kernel=">=0.1")
class Order(Entity, name="order", title="{number}"):
    number: str
@hookimpl
def register_entities(): return [Order]
@hookimpl
def register_pipelines():
    stages = [{"name": "new one", "type": "open"}, {"name": "done", "type": "won"}]
    return [{"kind": "pipeline", "name": "order", "entity": "order", "label": "Order", "stages": stages}]
@hookimpl
def register_reports():
    count = [{"count": "*", "as": "n"}]
    return [{"kind": "report", "name": "orders", "label": "Orders", "entity": "order", "measures": count}]
"""
ORDERS = """
from .words import NUMBERS
async def load(crm):
    crm.clock.set(crm.now())
    await crm.write([{"create": {"values": {"number": n}}} for n in NUMBERS], entity="order")
    crm.clock.release()
"""


@pytest.fixture
def examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of examples: one without anything, one with a sample file, one with a plugin and a sample package."""
    root = tmp_path / "examples"
    for name in ("bare", "small", "shop"):
        (root / name / "data").mkdir(parents=True)
        (root / name / "data" / "crm.db").write_text("never copied", "utf-8")
        (root / name / "crm.toml").write_text('[plugins]\npath = "plugins"\n', "utf-8")
        (root / name / "plugins").mkdir()
    (root / "small" / "sample.py").write_text(SAMPLE, "utf-8")
    (root / "shop" / "plugins" / "shop").mkdir()
    (root / "shop" / "plugins" / "shop" / "__init__.py").write_text(PIPED, "utf-8")
    (root / "shop" / "sample").mkdir()
    (root / "shop" / "sample" / "__init__.py").write_text(ORDERS, "utf-8")
    (root / "shop" / "sample" / "words.py").write_text("NUMBERS = ['A1', 'A2']\n", "utf-8")
    monkeypatch.setattr(module, "FOLDERS", (root,))
    return root


@pytest.fixture
def demo(crm: Crm, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Runs `crm demo …`; instead of serving, the printed commands are run by `meanwhile`."""

    def run(*line: Any, meanwhile: Callable[[Kernel], Any] | None = None) -> Ran:
        def serve(settings: Settings, listener: socket.socket, *, ready: Callable[[str], None], **options: Any) -> None:
            async def once() -> None:
                kernel = await Kernel.open(settings, strict=True)
                try:
                    await options["prepare"](kernel)
                    if meanwhile is not None:
                        await meanwhile(kernel)
                finally:
                    await kernel.close()

            with listener:
                asyncio.run(once())
                ready("http://here")

        monkeypatch.setattr(module, "serve", serve)
        monkeypatch.setattr(module, "log_as_server", lambda: None)
        return crm("demo", *line)

    return run


def commands(ran: Ran) -> list[list[str]]:
    """The commands to try, as words."""
    return [shlex.split(line) for line in ran.out.partition("Try:\n")[2].splitlines() if line.strip()]


@pytest.mark.contract("cli.md#demo", "cli.md#demo-keep")
def test_an_example_with_its_sample_a_log_in_and_commands_that_work(
    crm: Crm, demo: Callable[..., Ran], examples: Path, tmp_path: Path
) -> None:
    app = tmp_path / "kept"
    ran = demo("shop", "--keep", app)
    assert ran.status == 0
    assert ran.out.startswith("listening on http://here\n")
    assert "URL      http://here\n" in ran.out
    assert "log-in   admin / " in ran.out
    assert "token    crm_" in ran.out
    query, report, plugins, records, openapi = commands(ran)
    assert (query[1:3], query[-1], report[1:3]) == (["query", "order"], "stage = 'new one'", ["report", "orders"])
    assert "A1" in crm(*query[1:]).out
    assert crm(*report[1:]).out.split() == ["N", "2"]
    assert crm(*plugins[1:]).status == 0
    assert records[-1] == "http://here/api/records/order?limit=2"
    assert openapi[-1] == "http://here/openapi.json"
    assert (app / "data" / "crm.db").read_bytes()[:6] == b"SQLite"
    again = demo("shop", "--keep", app)
    assert (again.status, "is not empty" in again.err) == (1, True)
    assert examples.exists()


def test_a_sample_may_be_one_file_and_the_folder_goes_away(
    demo: Callable[..., Ran], examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    async def look(kernel: Kernel) -> None:
        contacts = await kernel.crm().find("contact")
        seen.extend([kernel.settings.folder, contacts[0]["name"], kernel.settings.folder.exists()])

    monkeypatch.setattr(module.shutil, "which", lambda _: "/usr/bin/crm")
    ran = demo("small", meanwhile=look)
    assert (ran.status, seen[1:]) == (0, ["Anna", True])
    assert not seen[0].exists()
    query, users, *_ = commands(ran)
    assert query[:3] == ["crm", "query", "contact"]
    assert users[:3] == ["crm", "user", "list"]
    assert examples.exists()


def test_an_example_without_a_sample_is_served_too(demo: Callable[..., Ran], examples: Path) -> None:
    assert demo("bare").status == 0
    assert examples.exists()


def test_an_example_that_is_not_there_is_a_wrong_command_line(crm: Crm, examples: Path) -> None:
    ran = crm("demo", "nix")
    assert (ran.status, "There is no example 'nix'; there are bare, shop, small." in ran.err) == (2, True)
    assert examples.exists()


def test_the_examples_of_the_source_tree_are_found() -> None:
    assert module.find_example("riga_homes").name == "riga_homes"
