"""A refusal tells what is wrong, but not in which field where that is hidden from who is refused, nor what it holds."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from crm_kernel import Change, Error
from crm_kernel.callers import Caller
from crm_kernel.testing import TestCrm

FIELDS: dict[str, Any] = {
    "shown": {"type": "string"},
    "masked": {"type": "integer"},
    "denied": {"type": "string"},
    "serial": {"type": "string", "x-crm": {"unique": True}},
    "place": {"type": "object", "properties": {"city": {"type": "string"}, "zip": {"type": "string"}}},
}
LIMITS: dict[str, Any] = {
    **FIELDS,
    "masked": {"type": "integer", "maximum": 9},
    "denied": {"type": "string", "maxLength": 3},
    "place": {**FIELDS["place"], "properties": {"city": {"type": "string"}, "zip": {"type": "string", "maxLength": 4}}},
}
SECRETS = ("denied", "masked", "serial", "zip", "Denied", "Masked", "Serial", "a secret", "4711", "12345")


def thing(fields: dict[str, Any], **rules: Any) -> dict[str, Any]:
    return {"kind": "entity", "name": "thing", "schema": {"properties": fields, **rules}, "on_invalid": "keep"}


def clerk() -> dict[str, Any]:
    grants = [
        {"entity": "thing", "actions": ["read", "create", "update", "delete"], "where": "owner = @me"},
        {"entity": "thing", "actions": ["read", "update"], "where": "owner != @me", "fields": {"deny": ["masked"]}},
    ]
    grants[0]["fields"] = {"deny": ["denied", "serial"], "read": ["shown", "owner", "masked"]}
    grants[1]["fields"] = {"deny": ["denied", "serial", "masked"], "read": ["shown", "owner"]}
    return {"kind": "role", "name": "clerk", "grants": grants}


class Shop:
    def __init__(self, crm: TestCrm, caller: Caller, mine: str, other: str) -> None:
        self.crm, self.caller, self.mine, self.other = crm, caller, mine, other

    async def refused(self, change: Change[Any]) -> Error:
        with pytest.raises(Error) as caught:
            await self.crm.kernel.writer.write([change], self.caller)
        return caught.value


@pytest_asyncio.fixture
async def shop(crm: TestCrm) -> Shop:
    """Records that became invalid in fields that are hidden from a clerk, on all records or on some."""
    await crm.put(thing(FIELDS))
    await crm.put(clerk())
    caller = await crm.user("clerk", "clerk")
    values = {"shown": "x", "denied": "a secret", "masked": 4711, "place": {"city": "Riga", "zip": "12345"}}
    mine, other = await crm.write([Change.create("thing", {**values, "owner": owner}) for owner in (caller.id, None)])
    await crm.write([Change.update("thing", other["id"], {"owner": (await crm.user("other")).id})])
    await crm.put(thing(LIMITS))
    return Shop(crm, caller, mine["id"], other["id"])


def faults(error: Error) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in error.faults]


async def test_what_is_stored_invalid_is_named_to_whom_may_read_it(shop: Shop) -> None:
    mine = await shop.refused(Change.update("thing", shop.mine, {"shown": "y"}))
    assert (mine.code, faults(mine)) == ("invalid", [("", "hidden_field"), ("/masked", "maximum")])
    other = await shop.refused(Change.update("thing", shop.other, {"shown": "y"}))
    assert faults(other) == [("", "hidden_field")]  # three of them, told once
    told = str(other.render())
    assert not any(secret in told for secret in SECRETS), told


async def test_of_an_object_that_he_may_only_write_what_he_sends_is_named(shop: Shop) -> None:
    error = await shop.refused(Change.update("thing", shop.other, {"place": {"city": 5}}))
    assert faults(error) == [("", "hidden_field"), ("/place/city", "type")]
    assert not any(secret in str(error.render()) for secret in SECRETS)


async def test_a_rule_of_a_new_record_does_not_name_a_hidden_field(shop: Shop) -> None:
    await shop.crm.put(thing(FIELDS, required=["denied"]))
    error = await shop.refused(Change.create("thing", {"shown": "x"}))
    assert faults(error) == [("", "hidden_field")]
    assert not any(secret in str(error.render()) for secret in SECRETS)


async def test_restoring_into_a_taken_value_names_no_hidden_field(shop: Shop) -> None:
    await shop.crm.put(thing(FIELDS))
    await shop.crm.write([Change.update("thing", shop.mine, {"serial": "4711"})])
    await shop.crm.write([Change.delete("thing", shop.mine)])
    await shop.crm.write([Change.create("thing", {"serial": "4711"})])
    error = await shop.refused(Change.restore("thing", shop.mine))
    assert (error.code, faults(error)) == ("unique", [("", "unique")])
    assert not any(secret in str(error.render()) for secret in SECRETS)
