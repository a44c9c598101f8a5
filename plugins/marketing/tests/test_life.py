"""Contacts that are merged, and the plugin that is taken out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import crm_marketing
from crm_marketing.domain import address_hash

from crm_kernel import Change, UninstallPlan


async def test_before_merge_keeps_one_membership_and_the_newest_consent(department: Any) -> None:
    anna, double = await department.contact("Anna"), await department.contact("Ann")
    campaign = await department.campaign()
    await department.send(campaign)
    members = {m["contact"]: m for m in await department.crm.find("campaign_member")}
    await department.move("campaign_member", members[double["id"]], "sent")
    segment = await department.create("segment", name="List", kind="static")
    for person in (anna, double):
        await department.create("segment_member", segment=segment["id"], contact=person["id"])
    await department.said(double, "withdrawn", -0.5, channel="sms")
    await department.said(double, "denied", -1)  # of the moment at which the other one agreed
    await department.create("touchpoint", contact=double["id"], at="2026-03-01T00:00:00Z", channel="email")
    await department.create("conversion", contact=anna["id"], at="2026-03-01T09:00:00Z")
    await department.update("contact", double, do_not_contact=True)
    await department.crm.write([Change.merge("contact", anna["id"], [double["id"]])])
    assert await department.members(campaign) == {"Anna": ("sent", None)}
    assert await department.crm.count("segment_member") == 1
    latest = await department.crm.find("consent", "latest = true")
    assert {(one["channel"], one["status"]) for one in latest} == {("any", "denied"), ("sms", "withdrawn")}
    assert await department.crm.count("consent", "contact = @param.id", id=anna["id"]) == 4
    (conversion,) = await department.crm.find("conversion")
    assert conversion["first_channel"] == "email"
    assert (await department.crm.get("contact", anna["id"]))["do_not_contact"] is True


async def test_on_uninstall_refuses_while_something_is_sent_and_says_what_is_kept(department: Any) -> None:
    plan = UninstallPlan("marketing", department.crm.kernel.crm("marketing"))
    await crm_marketing.on_uninstall(plan)
    assert (plan.refusals, [one["what"] for one in plan.kept]) == ([], ["consent", "suppression"])
    later = (department.crm.now() + timedelta(days=1)).isoformat()
    await department.move("campaign", await department.campaign(starts_at=later), "scheduled")
    await crm_marketing.on_uninstall(plan)
    assert plan.refusals == ["1 campaigns are scheduled or being sent; finish or cancel them first."]


async def test_register_exporters_gives_the_list_as_hashes(department: Any) -> None:
    await department.create("suppression", address="A@b.lv", reason="manual")
    (exporter,) = crm_marketing.register_exporters()

    async def records() -> Any:
        for record in await department.crm.find("suppression"):
            yield record
        yield {"reason": "manual"}  # of whom the caller may not read it

    assert [line async for line in exporter.write(records())] == [f"{address_hash('a@b.lv')}\n".encode()]
