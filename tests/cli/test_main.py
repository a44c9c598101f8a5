"""Options that stand anywhere, exit statuses, sentences instead of tracebacks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import pytest

from crm_kernel.cli import main as module
from crm_kernel.cli.lazy import MODULES
from tests.cli.conftest import Crm


@pytest.mark.contract("cli.md#app-option")
def test_the_app_is_given_before_or_after_the_command_or_by_variable_or_is_the_folder(
    crm: Crm, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for line in (
        ["--app", folder, "team", "list"],
        ["team", "--app", folder, "list"],
        ["team", "list", "--app", folder],
        [f"--app={folder}", "team", "list"],
        ["--app", "/nowhere", "team", "list", "--app", folder],
    ):
        assert crm(*line).status == 0, line
    assert crm("team", "list", app=folder).status == 0
    assert crm("team", "list").status == 2
    monkeypatch.chdir(folder)
    assert crm("team", "list").status == 0


def test_every_command_explains_itself(crm: Crm) -> None:
    overview = crm("--help")
    assert overview.status == 0
    for name in MODULES:
        assert f"  {name} " in overview.out
        assert crm(name, "--help").status == 0
    assert crm("--version").out.startswith("crm, version ")


@pytest.mark.contract("cli.md#exit-2")
@pytest.mark.parametrize(
    "line",
    [
        [],
        ["nix"],
        ["query"],
        ["query", "lead", "--nix"],
        ["query", "lead", "--limit", "0"],
        ["query", "lead", "--format", "xml"],
        ["query", "lead", "--filter", "nam = 'x'"],
        ["query", "lead", "--filter", "name = "],
        ["query", "lead", "--sort", "labels"],
        ["query", "lead", "--fields", "name,"],
        ["token", "create", "me", "--name", "x", "--expires", "soon"],
        ["import", "lead", "nowhere.csv"],
        ["import", "lead", "nowhere.csv", "--map", "nowhere.toml"],
        ["serve", "--port", "70000"],
        ["demo", "nix"],
        ["report", "x", "--param", "novalue"],
    ],
)
def test_a_wrong_command_line_is_exit_2(crm: Crm, folder: Path, line: list[str]) -> None:
    ran = crm(*line, app=folder)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err


@pytest.mark.contract("cli.md#exit-1")
@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (["query", "nix"], "There is no entity 'nix' for you."),
        (["user", "disable", "nobody"], "There is no user 'nobody'. Hint: `crm user list` lists them."),
        (["token", "revoke", "x"], "There is no token 'x' to revoke."),
        (["user", "add", "x", "--role", "admni"], "There is no role 'admni'; did you mean 'admin'?"),
        (["new", "."], ". has a crm.toml already."),
        (["query", "lead", "--as", "nobody"], "There is no user 'nobody'."),
    ],
)
def test_whatever_else_fails_is_exit_1_with_a_sentence(
    crm: Crm, folder: Path, monkeypatch: pytest.MonkeyPatch, line: list[str], sentence: str
) -> None:
    monkeypatch.chdir(folder)
    ran = crm(*line)
    assert (ran.status, ran.out) == (1, "")
    assert sentence in ran.err
    assert ran.err.startswith("crm: ")


@pytest.mark.contract("cli.md#json")
def test_with_json_a_refusal_is_the_problem_of_the_api(crm: Crm, folder: Path) -> None:
    ran = crm("user", "add", "x", "--role", "nix", "--json", app=folder)
    assert ran.status == 1
    assert (ran.json["code"], ran.json["status"], ran.json["errors"][0]["pointer"]) == ("invalid", 422, "/roles/0")


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def command(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(module.crm, "main", command)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (KeyboardInterrupt(), "Stopped."),
        (click.Abort(), "Stopped."),
        (OSError(30, "Read-only file system", "/app/crm.lock"), "/app/crm.lock: Read-only file system."),
        (OSError(5, "Input/output error"), "The system: Input/output error."),
        (RuntimeError("odd\x1b[31m"), "Unexpected fault: RuntimeError: odd\\x1b[31m. Hint: CRM_LOG=debug shows where."),
    ],
)
def test_nothing_ends_in_a_traceback(
    crm: Crm, monkeypatch: pytest.MonkeyPatch, error: BaseException, sentence: str
) -> None:
    failing(monkeypatch, error)
    ran = crm()
    assert (ran.status, ran.err) == (1, f"crm: {sentence}\n")


@pytest.mark.parametrize("debug", [True, False])
def test_main_leaves_with_the_status(monkeypatch: pytest.MonkeyPatch, debug: bool) -> None:
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(module.logging, "basicConfig", lambda **options: seen.append(options))
    monkeypatch.setattr(sys, "argv", ["crm", "nix"])
    monkeypatch.setenv("CRM_LOG", "debug" if debug else "")
    with pytest.raises(SystemExit) as left:
        module.main()
    assert left.value.code == 2
    assert seen[0]["level"] == (10 if debug else 30)
