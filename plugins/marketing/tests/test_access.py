"""Who may do what: consent is only ever added, segments reach nobody whom their sender may not read."""

from __future__ import annotations

from typing import Any

import pytest

from crm_kernel import Change, Error


@pytest.fixture
async def marketer(department: Any) -> Any:
    return await department.crm.user("mara", "marketer")


async def refused(writing: Any) -> str:
    with pytest.raises(Error) as error:
        await writing
    return error.value.code


@pytest.mark.parametrize("role", ["admin", "marketing_manager", "marketer"])
async def test_consent_is_only_ever_added(department: Any, role: str) -> None:
    """register_restrictions takes the rest away, from administrators too."""
    caller = await department.crm.user("somebody", role)
    person = await department.contact("Anna", owner=caller.id)
    (consent,) = await department.crm.find("consent")
    crm = department.crm.acting(caller)
    later = {"contact": person["id"], "status": "withdrawn"}
    await crm.write([Change.create("consent", later)])
    for change in (
        Change.update("consent", consent["id"], status="denied"),
        Change.delete("consent", consent["id"]),
        Change.purge("consent", consent["id"]),
    ):
        assert await refused(crm.write([change])) == "forbidden"
    latest = await department.crm.find("consent", "latest = true")
    assert [one["status"] for one in latest] == ["withdrawn"]


async def test_who_complained_stays_on_the_list(department: Any) -> None:
    manager = department.crm.acting(await department.crm.user("max", "marketing_manager"))
    complaint = await department.create("suppression", address="a@b.lv", reason="complaint")
    manual = await department.create("suppression", address="c@d.lv", reason="manual")
    assert await refused(manager.write([Change.delete("suppression", complaint["id"])])) == "forbidden"
    await manager.write([Change.delete("suppression", manual["id"])])
    with pytest.raises(Error) as error:
        await department.create("suppression", address=" A@B.lv", reason="manual")
    assert [fault.code for fault in error.value.faults] == ["unique"]


async def test_a_filter_over_what_one_may_not_read_does_not_resolve(department: Any, marketer: Any) -> None:
    await department.crm.put(
        {"kind": "fields", "name": "contact-secret", "entity": "contact", "schema": {"properties": {"code": {
            "type": "string", "x-crm": {"sensitive": True}}}}}
    )  # fmt: skip
    segment = Change.create("segment", name="By code", filter="code = 'x'")
    with pytest.raises(Error) as error:
        await department.crm.acting(marketer).write([segment])
    assert [(f.pointer, f.code) for f in error.value.faults] == [("/filter", "unknown_field")]
    await department.crm.write([segment])


async def test_a_campaign_reaches_whom_its_sender_may_read(department: Any, marketer: Any) -> None:
    """Also through a segment that somebody else wrote."""
    await department.contact("Anna", owner=marketer.id)
    await department.contact("Berta")
    segment = await department.create("segment", name="All", filter="name is not null")
    crm = department.crm.acting(marketer)
    (campaign,) = await crm.write([Change.create("campaign", name="Mine", segment=segment["id"])])
    for name, value in (("launched_by", None), ("recipients_at", "2026-01-01T00:00:00Z")):
        change = Change.update("campaign", campaign["id"], {name: value or segment["created_by"] or marketer.id})
        assert await refused(crm.write([change])) == "invalid"
    await crm.move("campaign", campaign["id"], "sending")
    await department.crm.deliver()
    assert set(await department.members(campaign)) == {"Anna"}
    assert (await department.crm.get("campaign", campaign["id"]))["launched_by"] == marketer.id


async def test_members_are_made_by_sending_only(department: Any, marketer: Any) -> None:
    person = await department.contact("Anna", owner=marketer.id)
    campaign = await department.campaign(owner=marketer.id)
    member = Change.create("campaign_member", campaign=campaign["id"], contact=person["id"])
    assert await refused(department.crm.acting(marketer).write([member])) == "forbidden"


async def test_every_role_sees_its_reports(department: Any, marketer: Any) -> None:
    await department.contact("Anna", owner=marketer.id)
    manager = await department.crm.user("max", "marketing_manager")
    for caller in (marketer, manager):
        for name in ("leads-by-source", "leads-by-month", "campaign-response", "campaign-members",
                     "consent-state", "first-touch-credit", "last-touch-credit"):  # fmt: skip
            await department.crm.kernel.reports.run(name, {}, caller)


async def test_nobody_agrees_tomorrow(department: Any) -> None:
    with pytest.raises(Error) as error:
        await department.said(await department.contact("Anna"), "granted", 1)
    assert [(f.pointer, f.code) for f in error.value.faults] == [("/at", "marketing.future")]
