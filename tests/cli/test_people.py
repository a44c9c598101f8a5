"""`crm user`, `crm team`, `crm token`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest

from tests.cli.conftest import Crm


@pytest.mark.contract("cli.md#user-add", "cli.md#repeated-options", "cli.md#user-list", "cli.md#team-add")
def test_people_and_teams(crm: Crm, folder: Path) -> None:
    assert crm("team", "add", "Office", app=folder).out == "Added the team Office.\n"
    team = crm("team", "add", "Sales", "--parent", "Office", "--json", app=folder).json
    line = ["user", "add", "ilze", "--name", "Ilze Ozola", "--email", "i@x.lv", "--team", "Sales", "--role", "admin"]
    added = crm(*line, "--password-stdin", "--json", app=folder, stdin="a quite long secret\n").json
    assert (added["name"], added["team"], added["roles"]) == ("Ilze Ozola", team["id"], ["admin"])
    assert crm("user", "add", "janis", app=folder).out == "Added janis (no role).\n"
    listed = crm("user", "list", "--json", app=folder).lines
    assert [(user["login"], user["roles"]) for user in listed] == [("ilze", ["admin"]), ("janis", [])]
    table = crm("user", "list", app=folder).out
    assert re.search(r"^ilze +Ilze Ozola +i@x.lv +admin +yes ", table, re.M)
    assert [row["name"] for row in crm("team", "list", "--json", app=folder).lines] == ["Office", "Sales"]
    assert "Office" in crm("team", "list", app=folder).out


@pytest.mark.contract("cli.md#user-disable")
def test_disabling(crm: Crm, folder: Path) -> None:
    crm("user", "add", "ilze", app=folder)
    assert crm("user", "disable", "ilze", app=folder).out == "Disabled ilze.\n"
    assert crm("user", "list", "--json", app=folder).lines[0]["active"] is False


@pytest.mark.contract("cli.md#user-password", "cli.md#no-questions")
def test_passwords_come_from_stdin_or_a_terminal(crm: Crm, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crm("user", "add", "ilze", app=folder)
    said = crm("user", "password", "ilze", "--password-stdin", app=folder, stdin="a newer secret yet\r\n")
    assert (said.status, said.out) == (0, "The password of ilze is set.\n")
    asked = crm("user", "password", "ilze", app=folder)
    assert (asked.status, "--password-stdin" in asked.err) == (2, True)
    empty = crm("user", "password", "ilze", "--password-stdin", app=folder)
    assert (empty.status, "The password is empty." in empty.err) == (1, True)

    def prompt(*_: Any, **options: Any) -> str:
        assert options["hide_input"]
        assert options["confirmation_prompt"]
        return "typed with ten fingers"

    monkeypatch.setattr(click, "prompt", prompt)
    assert crm("user", "password", "ilze", app=folder, terminal=True).status == 0


@pytest.mark.contract("cli.md#token-create", "cli.md#token-list", "cli.md#token-revoke", "cli.md#token-options")
def test_tokens(crm: Crm, folder: Path) -> None:
    crm("user", "add", "ilze", app=folder)
    made = crm("token", "create", "ilze", "--name", "laptop", app=folder)
    assert re.fullmatch(r"crm_[\w-]{43}\n", made.out)
    line = ["token", "create", "ilze", "--name", "narrow", "--read-only", "--entity", "lead", "--entity", "contact"]
    narrow = crm(*line, "--expires", "90d", "--json", app=folder).json
    assert narrow["token"].startswith("crm_")
    assert crm("token", "create", "ilze", "--name", "x", "--expires", "2000-01-01T00:00:00Z", app=folder).status == 2
    assert crm("token", "create", "ilze", "--name", "x", "--entity", "nix", app=folder).status == 2
    listed = crm("token", "list", "ilze", "--json", app=folder)
    assert [(t["name"], t["read_only"], t["entities"]) for t in listed.lines] == [
        ("laptop", False, None),
        ("narrow", True, ["lead", "contact"]),
    ]
    table = crm("token", "list", "ilze", app=folder).out
    for out in (listed.out, table):
        assert "laptop" in out
        assert made.out.strip() not in out
    assert crm("token", "revoke", narrow["id"], app=folder).out == f"Revoked {narrow['id']}.\n"
    assert len(crm("token", "list", "ilze", "--json", app=folder).lines) == 1
    assert crm("token", "list", "nobody", app=folder).status == 1


def test_nothing_to_list_is_said_on_stderr(crm: Crm, folder: Path) -> None:
    for line, sentence in (
        (["user", "list"], "There are no users."),
        (["team", "list"], "There are no teams."),
    ):
        ran = crm(*line, app=folder)
        assert (ran.status, ran.out, ran.err) == (0, "", f"{sentence}\n")


@pytest.mark.contract("cli.md#user-reset")
def test_a_reset_is_printed_alone(crm: Crm, folder: Path) -> None:
    crm("user", "add", "ilze", app=folder)
    said = crm("user", "reset-password", "ilze", app=folder)
    assert re.fullmatch(r"reset_[A-Za-z0-9_-]{43}\n", said.out)
    assert "only now" in said.err
    assert set(crm("user", "reset-password", "ilze", "--json", app=folder).json) == {"login", "reset"}
    assert crm("user", "reset-password", "nobody", app=folder).status == 1
