"""The description of this installation: valid, current, and no more than the caller may see."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from crm_kernel.api.openapi import MAX_KEPT, Descriptions
from crm_kernel.callers import Caller

MORE = {
    "kind": "fields",
    "name": "contact-more",
    "entity": "contact",
    "schema": {"properties": {"car": {"type": "string"}}},
}


async def description(office: Any, who: str) -> dict[str, Any]:
    return (await office(who, "GET", "/openapi.json")).json()


def operations(document: dict[str, Any]) -> set[str]:
    return {
        operation["operationId"]
        for item in document["paths"].values()
        for method, operation in item.items()
        if not method.startswith("x-")
    }


@pytest.mark.contract("http-api.md#openapi")
@pytest.mark.parametrize("who", ["ann", "bob", "cid", "dan", "reader", "scoped"])
async def test_it_is_valid_for_everybody(office: Any, who: str) -> None:
    document = await description(office, who)
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


async def test_it_shows_what_the_caller_may_do(office: Any) -> None:
    ann, bob, cid = [operations(await description(office, who)) for who in ("ann", "bob", "cid")]
    assert {"create_lease", "move_lease", "moves_lease", "batch_lease", "put_document", "list_plugins"} <= ann
    assert {"list_contact", "update_contact", "delete_contact", "restore_contact", "history_contact"} <= bob
    assert not {"put_document", "list_plugins", "move_contact", "moves_contact", "create_user"} & bob
    assert {"create_contact", "batch_contact", "list_contact", "get_lease", "moves_lease"} <= cid
    assert not {"update_contact", "delete_contact", "create_lease", "move_lease"} & cid
    assert not {"create_lease", "batch_lease", "move_lease"} & operations(await description(office, "reader"))
    assert "list_contact" not in operations(await description(office, "scoped"))


async def test_it_shows_the_fields_the_caller_knows(office: Any) -> None:
    ann, cid = [(await description(office, who))["components"]["schemas"] for who in ("ann", "cid")]
    assert ann["contact"]["properties"]["budget"]["minimum"] == 0
    assert "readOnly" in ann["contact"]["properties"]["created_at"]
    assert "created_at" not in ann["contact.patch"]["properties"]
    assert "created_at" in ann["contact.record"]["properties"]
    assert "budget" not in str(cid)
    assert "national_id" not in str(cid)


async def test_references_inside_a_custom_field_lead_somewhere(office: Any) -> None:
    document = await description(office, "ann")
    contact = document["components"]["schemas"]["contact"]
    target = contact["properties"]["scores"]["items"]["$ref"]
    value: Any = document
    for step in target.removeprefix("#/").split("/"):
        value = value[step]
    assert value == {"type": "integer", "minimum": 0}


async def test_it_is_current(office: Any) -> None:
    assert "car" not in (await description(office, "ann"))["components"]["schemas"]["contact"]["properties"]
    assert (await office("ann", "PUT", "/api/documents/fields/contact-more", json=MORE)).status_code == 200
    assert "car" in (await description(office, "ann"))["components"]["schemas"]["contact"]["properties"]


async def test_it_is_kept_for_each_set_of_rights(office: Any) -> None:
    kept = Descriptions()
    admin = Caller(roles=frozenset({"admin"}))
    first = kept.of(office.kernel, admin)
    assert kept.of(office.kernel, admin) is first
    assert kept.of(office.kernel, Caller(roles=frozenset({"admin"}), read_only=True)) != first
    for number in range(MAX_KEPT):
        kept.of(office.kernel, Caller(locale=f"l{number}"))
    assert kept.of(office.kernel, admin) is not first


async def test_titles_are_in_the_callers_language(office: Any) -> None:
    described = Descriptions().of(office.kernel, Caller(roles=frozenset({"admin"}), locale="lv"))
    assert "Budžets" in described.decode()


async def test_a_session_needs_its_csrf_token_to_change_something(office: Any) -> None:
    document = await description(office, "ann")
    token, session, beside = {"token": []}, {"session": []}, {"session": [], "csrf": []}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if not method.startswith("x-") and operation.get("security") != []:
                needed = operation.get("security", document["security"])
                assert needed == [token, session if method == "get" else beside], (method, path)
