"""`crm explain access`: the answer of `POST /api/explain/access`, or the same as a table."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from crm_kernel.api.app import create_app
from crm_kernel.kernel import Kernel
from crm_kernel.settings import load_settings
from tests.cli.conftest import SECRET, Crm, looker

ROLE = {
    "kind": "role",
    "name": "agent",
    "grants": [
        {"entity": "lead", "actions": ["read", "update"], "where": "owner = @me", "fields": {"deny": ["score"]}},
        {"entity": "lead", "actions": ["read"], "where": "name starts with 'open'", "fields": {"read": ["name"]}},
    ],
}


@pytest.fixture
def lead(crm: Crm, folder: Path, tmp_path: Path) -> str:
    """A lead of nobody's, in an app with an agent and an administrator."""
    file = folder / "documents" / "roles" / "agent.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(ROLE), "utf-8")
    assert crm("apply", "--yes", app=folder).status == 0
    rows = tmp_path / "leads.csv"
    rows.write_text("name\nopen house\n", "utf-8")
    assert crm("import", "lead", rows, app=folder).status == 0
    for login, role in (("ilze", "agent"), ("root", "admin")):
        assert crm("user", "add", login, "--role", role, app=folder).status == 0
    database = looker(folder)
    ((id,),) = database("SELECT id FROM e_lead")
    database.close()
    return str(id)


def posted(folder: Path, token: str, question: dict[str, Any]) -> Any:
    """What HTTP answers to the question."""

    async def ask() -> Any:
        kernel = await Kernel.open(load_settings(folder, {"CRM_SECRET": SECRET}))
        try:
            transport = httpx.ASGITransport(app=create_app(kernel))
            async with httpx.AsyncClient(transport=transport, base_url="http://crm") as client:
                headers = {"Authorization": f"Bearer {token}"}
                return (await client.post("/api/explain/access", json=question, headers=headers)).json()
        finally:
            await kernel.close()

    return asyncio.run(ask())


@pytest.mark.parametrize(
    "asked",
    [
        {"action": "read", "user": "ilze"},
        {"action": "update", "user": "ilze", "field": "name"},
        {"action": "read", "roles": ["agent"], "field": "score"},
        {"action": "export", "roles": ["agent", "admin"], "field": "score"},
    ],
    ids=str,
)
@pytest.mark.parametrize("one", [True, False], ids=["of a record", "of the entity"])
def test_json_is_what_http_answers(crm: Crm, folder: Path, lead: str, asked: dict[str, Any], one: bool) -> None:
    token = crm("token", "create", "root", "--name", "t", "--json", app=folder).json["token"]
    options: list[str] = [lead] if one else []
    for name, value in asked.items():
        values, option = ([value], name) if isinstance(value, str) else (value, "role")
        options += [part for each in values for part in (f"--{option}", each)]
    told = crm("explain", "access", "lead", *options, "--json", "--as", "root", app=folder)
    question = {**asked, "entity": "lead", **({"id": lead} if one else {})}
    assert (told.status, told.err) == (0, "")
    assert told.json == posted(folder, token, question)


def test_as_a_table_each_rule_is_a_line(crm: Crm, folder: Path, lead: str) -> None:
    line = ["explain", "access", "lead", lead, "--user", "ilze"]
    told = crm(*line, "--action", "update", app=folder)
    assert (told.status, told.out.splitlines()[0]) == (0, "not allowed: no_grant")
    assert re.search(r"^role agent /grants/0 +grant +yes +no +owner = @me \(\{.*\}\)", told.out, re.M), told.out
    allowed = crm(*line, "--action", "read", "--field", "name", app=folder)
    assert (allowed.status, allowed.out.splitlines()[0]) == (0, "allowed")
    nobody = crm("explain", "access", "lead", "--role", "agent", "--action", "delete", app=folder)
    assert (nobody.status, "not allowed: no_grant" in nobody.out) == (0, True)


def test_roles_that_would_grant_it_are_named(crm: Crm, folder: Path, lead: str) -> None:
    told = crm("explain", "access", "lead", lead, "--role", "nix", "--action", "read", app=folder)
    assert (told.status, "role 'nix'" in told.err or "nix" in told.err) == (1, True)
    crm("user", "add", "janis", app=folder)
    named = crm("explain", "access", "lead", lead, "--user", "janis", "--action", "read", app=folder)
    assert (named.status, "would be granted by role agent /grants/1" in named.out) == (0, True)
    assert "no rule says anything of it" in named.err


def test_who_acts_asks_about_himself_and_others_take_an_administrator(crm: Crm, folder: Path, lead: str) -> None:
    line = ["explain", "access", "lead", lead, "--action", "read", "--json", "--as", "ilze"]
    own = crm(*line, app=folder)
    assert (own.status, own.json["allowed"], own.json["user"]["login"]) == (0, True, "ilze")
    assert crm(*line, "--user", "ilze", app=folder).json == own.json
    refused = crm(*line, "--user", "root", app=folder)
    assert (refused.status, refused.json["code"]) == (1, "forbidden")


def test_a_wrong_command_line_is_2_and_a_wrong_question_1(crm: Crm, folder: Path) -> None:
    assert crm("explain", "access", "lead", app=folder).status == 2
    assert crm("explain", "access", app=folder).status == 2
    for wrong in (["ledd", "--action", "read"], ["lead", "--action", "read", "--field", "scoer"]):
        told = crm("explain", "access", *wrong, app=folder)
        assert (told.status, told.out) == (1, "")
        assert "Traceback" not in told.err
    assert "did you mean 'score'" in told.err
