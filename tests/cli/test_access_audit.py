"""`crm access-audit`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Crm

ROLE = {
    "kind": "role",
    "name": "agent",
    "grants": [
        {"entity": "contact", "actions": ["read"], "fields": {"deny": ["birthday"]}},
        {"entity": "contact", "actions": ["create", "update"], "where": "owner = @me", "fields": {"write": ["name"]}},
    ],
}


@pytest.mark.contract("cli.md#access-audit", "security.md#guest")
def test_a_fresh_app_gives_guests_nothing(crm: Crm, folder: Path) -> None:
    found = {item["role"]: item for item in crm("access-audit", "--json", app=folder).lines}
    nothing = {"entity": None, "actions": [], "where": None, "check": None, "readable": [], "writable": []}
    assert found["(guest)"] == {"role": "(guest)", **nothing}
    assert found["admin"]["actions"] == ["*"]
    signed_in = [item for item in crm("access-audit", "--json", app=folder).lines if item["role"] == "(signed in)"]
    assert [(i["entity"], i["actions"], i["where"], i["readable"], i["writable"]) for i in signed_in] == [
        ("user", ["read"], "active = true", ["id", "version", "name"], []),
        ("team", ["read"], None, ["id", "version", "name"], []),
    ]


@pytest.mark.contract("cli.md#access-audit")
def test_a_role_is_told_grant_by_grant(crm: Crm, folder: Path) -> None:
    file = folder / "documents" / "roles" / "agent.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(ROLE), "utf-8")
    assert crm("apply", "--yes", app=folder).status == 0
    reads, writes = [item for item in crm("access-audit", "--json", app=folder).lines if item["role"] == "agent"]
    assert (reads["actions"], reads["where"], reads["writable"]) == (["read"], None, [])
    assert "birthday" not in reads["readable"]
    assert "email" in reads["readable"]
    assert (writes["actions"], writes["where"], writes["check"]) == (["create", "update"], "owner = @me", "owner = @me")
    assert (writes["readable"], writes["writable"]) == ([], ["name"])
    table = crm("access-audit", app=folder).out
    assert re.search(r"^agent +contact +read +all +as before +all but birthday +none *$", table, re.M)
    assert re.search(r"^agent +contact +create, update +owner = @me +as before +none +name *$", table, re.M)
    assert re.search(r"^\(guest\) +nothing", table, re.M)
