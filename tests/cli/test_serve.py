"""`crm serve` up to the server: what is applied, what is told, what stops it. The server itself: tests/acceptance."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crm_kernel.cli import serve as module
from crm_kernel.kernel import Kernel
from crm_kernel.settings import Settings
from tests.cli.conftest import Crm


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Instead of serving: prepare, note what would be answered, and end."""
    seen: list[dict[str, Any]] = []

    def serve(settings: Settings, listener: socket.socket, *, ready: Callable[[str], None], **options: Any) -> None:
        async def once() -> None:
            kernel = await Kernel.open(settings, strict=options["strict"])
            try:
                await options["prepare"](kernel)
                seen.append({**options, "entities": set(kernel.registry.entities), "pending": kernel.pending})
            finally:
                await kernel.close()

        with listener:
            asyncio.run(once())
            ready("http://here")

    monkeypatch.setattr(module, "serve", serve)
    monkeypatch.setattr(module, "log_as_server", lambda: None)
    return seen


LINE = ["serve", "--port", "0"]


@pytest.mark.contract("cli.md#serve", "documents.md#serve-applies-safe")
def test_a_new_app_is_served_at_once_with_its_documents(crm: Crm, tmp_path: Path, served: list[Any]) -> None:
    app = tmp_path / "app"
    crm("new", app)
    lease = {"kind": "entity", "name": "lease", "title": "{n}", "schema": {"properties": {"n": {"type": "string"}}}}
    (app / "documents" / "lease.json").write_text(json.dumps(lease), "utf-8")
    ran = crm(*LINE, "--workers", "3", app=app)
    assert (ran.status, ran.out) == (0, "listening on http://here\n")
    assert "lease" in served[0]["entities"]
    assert served[0]["workers"] == 3


@pytest.mark.contract("documents.md#serve-pending")
def test_what_has_an_impact_waits_and_is_told(
    crm: Crm, folder: Path, served: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "documents" / "entities" / "lead.json").unlink()
    (folder / "documents" / "bad.json").write_text("{", "utf-8")
    assert crm(*LINE, app=folder).status == 0
    assert "lead" in served[0]["entities"]
    assert [(d["kind"], d["name"], d["change"]) for d in served[0]["pending"]] == [
        ("entity", "lead", "remove"),
        ("file", "documents/bad.json", "broken"),
    ]
    assert "entity lead is not applied (remove)." in caplog.text
    assert "documents/bad.json, line 1" in caplog.text


@pytest.mark.contract("hooks.md#strict-stops")
def test_strict_stops_for_what_would_be_left_out(crm: Crm, folder: Path, served: list[Any]) -> None:
    (folder / "documents" / "bad.json").write_text("{", "utf-8")
    ran = crm(*LINE, "--strict", app=folder)
    assert (ran.status, "documents/bad.json, line 1" in ran.err, served) == (1, True, [])
    (folder / "documents" / "bad.json").unlink()
    assert crm(*LINE, "--strict", app=folder).status == 0
    package = folder / "plugins" / "broken"
    package.mkdir()
    (package / "__init__.py").write_text("import nothing_of_this_name\n", "utf-8")
    assert crm(*LINE, app=folder).status == 0
    ran = crm(*LINE, "--strict", app=folder)
    assert (ran.status, "The plugin 'broken' is failed" in ran.err) == (1, True)


@pytest.mark.contract("documents.md#toml-lock")
def test_locked_stops_for_what_was_not_applied(crm: Crm, folder: Path, served: list[Any]) -> None:
    assert crm(*LINE, "--locked", app=folder).status == 0
    (folder / "documents" / "view.json").write_text(
        json.dumps({"kind": "view", "name": "v", "entity": "lead", "label": "V", "columns": ["name"]}), "utf-8"
    )
    ran = crm(*LINE, "--locked", app=folder)
    assert (ran.status, "crm.lock: document view/v is not in it." in ran.err, len(served)) == (1, True, 1)


@pytest.mark.contract("cli.md#serve-port")
def test_a_taken_port_is_one_sentence(crm: Crm, folder: Path, served: list[Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = crm("serve", "--port", taken.getsockname()[1], app=folder)
    assert (ran.status, "it is taken by another program" in ran.err, served) == (1, True, [])
    assert len(ran.err.splitlines()) == 1
