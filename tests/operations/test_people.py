"""Users, teams and passwords."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher

from crm_kernel.operations.identity import Identity
from crm_kernel.storage import secrets as stored_secrets
from crm_kernel.testing import TestCrm
from tests.operations.conftest import refusal


@pytest.fixture
def identity(crm: TestCrm) -> Identity:
    return crm.kernel.identity


@pytest.mark.contract("cli.md#user-add", "base.md#user")
async def test_a_user_is_a_record_with_roles_and_team(crm: TestCrm, identity: Identity) -> None:
    team = await identity.add_team("Sales")
    user = await identity.add_user(
        "ilze", name="Ilze Ozola", email="Ilze@Example.ORG", roles=["admin", "clerk"], team="Sales"
    )
    record = await crm.get("user", user["id"])
    assert (record["name"], record["email"], record["team"]) == ("Ilze Ozola", "Ilze@example.org", team["id"])
    assert record["roles"] == ["admin", "clerk"]
    assert record["active"] is True


async def test_a_user_without_a_name_is_called_like_his_login(identity: Identity) -> None:
    assert (await identity.add_user("ilze"))["name"] == "ilze"


@pytest.mark.contract("base.md#user-secrets")
async def test_a_password_is_kept_as_an_argon2id_hash_only(crm: TestCrm, identity: Identity) -> None:
    user = await identity.add_user("ilze", password="correct horse")
    stored = await stored_secrets.get(crm.kernel.database, user["id"], stored_secrets.PASSWORD)
    assert stored is not None
    assert stored.startswith("$argon2id$")
    assert PasswordHasher().verify(stored, "correct horse")
    await identity.set_password("ilze", "battery staple")
    changed = await stored_secrets.get(crm.kernel.database, user["id"], stored_secrets.PASSWORD)
    assert changed is not None
    assert PasswordHasher().verify(changed, "battery staple")
    assert not {"password", "secret", "hash"} & set((await crm.get("user", user["id"])).keys())


async def test_an_empty_password_is_refused_and_no_user_is_made(crm: TestCrm, identity: Identity) -> None:
    assert (await refusal(identity.add_user("ilze", password=""))).faults == [("/password", "minLength")]
    assert await crm.count("user") == 0


async def test_unknown_roles_and_teams_are_named(identity: Identity) -> None:
    refused = await refusal(identity.add_user("ilze", roles=["admin", "clark"]))
    assert refused.faults == [("/roles/1", "role")]
    assert "did you mean 'clerk'" in refused.error.detail
    assert "there are admin, boss, clerk" in (await refusal(identity.add_user("ilze", roles=["x"]))).error.detail
    assert (await refusal(identity.add_user("ilze", team="Sales"))).code == "not_found"
    assert (await refusal(identity.add_team("A", parent="B"))).code == "not_found"
    assert (await refusal(identity.add_team("A", lead="nobody"))).code == "not_found"
    assert (await refusal(identity.set_password("\0", "x"))).code == "not_found"


async def test_a_login_is_taken_once(identity: Identity) -> None:
    await identity.add_user("ilze")
    assert (await refusal(identity.add_user("ilze"))).faults == [("/login", "unique")]


@pytest.mark.contract("base.md#team", "cli.md#team-add")
async def test_a_team_has_a_parent_and_a_lead(identity: Identity) -> None:
    lead = await identity.add_user("ilze")
    above = await identity.add_team("Office", lead="ilze")
    below = await identity.add_team("Sales", parent=above["id"])
    assert (above["lead"], below["parent"]) == (lead["id"], above["id"])
