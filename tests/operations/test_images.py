"""The images of an event, put together from today's record and its history."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from crm_kernel import Change
from tests.operations.conftest import MakeCrm
from tests.operations.item_shop import LISTENING, NOW, create, item_shop, told, update

UNASKED = {"rotting": None}
"""Computed when somebody asks, for the present: an image has none."""


def euros(amount: str) -> dict[str, Any]:
    return {"amount": Decimal(amount), "currency": "EUR"}


@pytest.mark.contract("hooks.md#listener-after-commit")
async def test_each_event_has_the_images_of_its_moment_however_late_it_is_told(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(LISTENING)
    crm.clock.set(NOW)
    user = await crm.user("ilze", "admin")
    id = await create(crm, name="A", price=2, cost=euros("250000"))
    ilze = crm.acting(user)
    stored = [dict(await crm.get("item", id))]
    for change in (
        Change.update("item", id, price=2.5, cost=euros("99.95")),
        Change.move("item", id, "out", values={"name": "B"}),
        Change.update("item", id, price=None, cost=None),
        Change.move("item", id, "in"),
    ):
        crm.clock.advance(timedelta(minutes=1))
        await ilze.write([change])
        stored.append(dict(await crm.get("item", id)))
    await crm.deliver()
    seen = {(event.type, event.after["version"]): event for event in told(crm)}
    assert list(seen) == [
        ("record.created", 1),
        ("record.updated", 2),
        ("record.updated", 3),
        ("record.updated", 4),
        ("record.moved", 3),
        ("record.moved", 5),
    ]
    for (kind, version), event in seen.items():
        assert event.after == stored[version - 1] | UNASKED
        assert event.before == (None if kind == "record.created" else stored[version - 2] | UNASKED)
    second = seen["record.updated", 2]
    assert [type(r["price"]) for r in (second.before, second.after)] == [float, float]
    assert [type(r["cost"]["amount"]) for r in (second.before, second.after)] == [Decimal, Decimal]
    assert (second.before["updated_by"], second.after["updated_by"]) == (None, user.id)
    assert seen["record.moved", 5].before["stage_since"] == "2026-03-01T10:02:00Z"


async def test_deleted_and_restored(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(LISTENING)
    crm.clock.set(NOW)
    id = await create(crm, name="A")
    for change in (
        Change.delete("item", id),
        Change.restore("item", id),
        Change.delete("item", id),
        Change.restore("item", id),
    ):
        crm.clock.advance(timedelta(minutes=1))
        await crm.write([change])
    await crm.deliver()
    seen = sorted((e.at, e.before and e.before["deleted_at"], e.after["deleted_at"]) for e in told(crm))
    first, second = "2026-03-01T10:01:00Z", "2026-03-01T10:03:00Z"
    assert [images for _, *images in seen] == [
        [None, None],
        [None, first],
        [first, None],
        [None, second],
        [second, None],
    ]


async def test_sensitive_values_are_null_in_both(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(LISTENING)
    id = await create(crm, name="A", secret="one")
    await update(crm, id, secret="two")
    await crm.deliver()
    created, updated = told(crm)
    assert created.after["secret"] is None
    assert (updated.before["secret"], updated.after["secret"], updated.changed) == (None, None, ("secret",))


async def test_of_a_purged_record_there_are_none_even_where_its_id_lives_on(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(LISTENING)
    crm.clock.set(NOW)
    id = await create(crm, name="gone")
    await update(crm, id, name="purged")
    await crm.write([Change.purge("item", id)])
    crm.clock.advance(timedelta(minutes=1))
    await create(crm, id=id, name="another")
    await crm.deliver()
    seen = [(e.type, e.before and e.before["name"], e.after and e.after["name"]) for e in told(crm)]
    assert seen == [
        ("record.created", None, None),
        ("record.created", None, "another"),
        ("record.updated", None, None),
    ]


async def test_a_condition_holds_on_no_purged_record(with_plugin: MakeCrm) -> None:
    crm = await with_plugin(
        item_shop("""
    @hookimpl
    def register_listeners():
        return [Listener(event="record.created", entity="item", where="price is null", handle=note)]
    """)
    )
    id = await create(crm, name="gone")
    await create(crm, name="here")
    await crm.write([Change.purge("item", id)])
    await crm.deliver()
    assert [event.after["name"] for event in told(crm)] == ["here"]


async def test_without_history_there_is_only_the_record_of_today(with_plugin: MakeCrm) -> None:
    code = LISTENING.replace('title="{name}"', 'title="{name}", history=False')
    crm = await with_plugin(code)
    id = await create(crm, name="A")
    await update(crm, id, name="B")
    await update(crm, id, name="C")
    await crm.deliver()
    assert [(e.before, e.after["name"], e.after["version"]) for e in told(crm)] == [(None, "C", 3)] * 3
