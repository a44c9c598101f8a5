"""Campaigns: the segment is evaluated when sending begins, nobody is in twice, nobody who must not be written to."""

from __future__ import annotations

from typing import Any

import crm_marketing
import pytest
from crm_marketing import recipients

from crm_kernel import Error


def codes(error: pytest.ExceptionInfo[Error]) -> list[tuple[str, str]]:
    return [(fault.pointer, fault.code) for fault in error.value.faults]


async def test_members_are_those_of_the_segment_when_sending_begins(department: Any) -> None:
    for name in ("Anna", "Berta", "Carl"):
        await department.contact(name)
    campaign = await department.campaign("name starts with 'a' or name = 'Dora'")
    await department.contact("Dora")
    assert await department.send(campaign) == {"Anna": ("pending", None), "Dora": ("pending", None)}
    campaign = await department.crm.get("campaign", campaign["id"])
    assert campaign["recipients_at"] is not None
    await department.contact("Alma")  # who comes later is in the next one
    await department.move("campaign", campaign, "paused")
    assert set(await department.send(campaign)) == {"Anna", "Dora"}


async def test_a_filter_that_does_not_resolve_is_refused_with_the_parsers_sentence(department: Any) -> None:
    for text, code, sentence in (
        ("naem = 'Anna'", "unknown_field", "did you mean 'name'?"),
        ("name = ", "bad_filter", ""),
        ("name = @param.who", "bad_filter", ""),
        ("birthday = 'soon'", "bad_filter", ""),
    ):
        with pytest.raises(Error) as error:
            await department.create("segment", name="Bad", filter=text)
        assert codes(error) == [("/filter", code)]
        assert sentence in error.value.faults[0].detail
    with pytest.raises(Error) as error:
        await department.create("segment", name="Bad")
    assert codes(error) == [("/filter", "required")]
    good = await department.create("segment", name="Good", filter="name is not null")
    with pytest.raises(Error) as error:
        await department.update("segment", good, filter="namee is null")
    assert codes(error) == [("/filter", "unknown_field")]


async def test_those_who_must_not_be_written_to_are_members_with_the_reason(department: Any) -> None:
    contact, said = department.contact, department.said
    await contact("Anna")
    await contact("Berta", consent=None)
    await said(await contact("Carl"), "withdrawn", -0.5)
    await contact("Dora", do_not_contact=True)
    await contact("Emil", email=None)
    await contact("Fritz")
    await department.create("suppression", address=" Fritz@Example.com", reason="complaint")
    await said(await contact("Gerda"), "granted", expires_at="2026-03-01T00:00:00Z", channel="email")
    await said(await contact("Hans"), "withdrawn", -0.5, channel="phone")
    await said(await contact("Ida"), "withdrawn", -0.5, purpose="newsletter")
    objected = await contact("Jan", consent="objected")
    await said(objected, "granted", -0.5, basis="legitimate_interests")
    assert await department.send(await department.campaign()) == {
        "Anna": ("pending", None),
        "Berta": ("suppressed", "no_consent"),
        "Carl": ("suppressed", "withdrawn"),
        "Dora": ("suppressed", "do_not_contact"),
        "Emil": ("suppressed", "no_address"),
        "Fritz": ("suppressed", "suppression_list: complaint"),
        "Gerda": ("suppressed", "expired"),  # of two of one moment the stricter holds
        "Hans": ("pending", None),
        "Ida": ("pending", None),
        "Jan": ("suppressed", "objected"),
    }


async def test_a_static_segment_is_its_list(department: Any) -> None:
    anna, _ = await department.contact("Anna"), await department.contact("Berta")
    segment = await department.create("segment", name="List", kind="static")
    await department.create("segment_member", segment=segment["id"], contact=anna["id"])
    with pytest.raises(Error) as error:
        await department.create("segment_member", segment=segment["id"], contact=anna["id"])
    assert codes(error) == [("/pair", "unique")]
    with pytest.raises(Error) as error:
        await department.update("segment", segment, filter="name is not null")
    assert [pointer for pointer, _ in codes(error)] == ["/filter"]
    campaign = await department.create("campaign", name="To the list", segment=segment["id"])
    assert await department.send(campaign) == {"Anna": ("pending", None)}


async def test_nobody_is_a_member_twice_and_what_was_cut_off_goes_on(department: Any) -> None:
    people = [f"p{n:04}" for n in range(950)]  # several pages
    await department.crm.write([{"create": {"values": {"name": name}}} for name in people], entity="contact")
    campaign = await department.campaign(channel="post")
    first = await department.crm.find("contact", limit=1)
    await department.said(first[0], "granted")
    member = {"campaign": campaign["id"], "contact": first[0]["id"], "stage": "sent"}
    await department.create("campaign_member", **member)
    members = await department.send(campaign)
    assert set(members) == set(people)
    assert members[first[0]["name"]] == ("sent", None)
    with pytest.raises(Error) as error:
        await department.create("campaign_member", **{**member, "stage": "converted"})
    assert codes(error) == [("/pair", "unique")]
    # The same again, as after a crash that lost the note that it was done; some are gone meanwhile.
    gone = (await department.crm.find("campaign_member", "stage = 'suppressed'", limit=500))[::2]
    await department.crm.write([{"delete": {"id": one["id"]}} for one in gone], entity="campaign_member")
    await department.update("campaign", campaign, recipients_at=None)
    await recipients.go_on(department.crm.kernel.crm("marketing"))
    assert await department.members(campaign) == members


async def test_the_job_begins_what_is_due(department: Any) -> None:
    await department.contact("Anna")
    due = await department.campaign(name="Due", starts_at="2026-03-02T07:00:00Z")
    later = await department.campaign(name="Later", starts_at="2026-03-02T09:00:00Z")
    for campaign in (due, later):
        await department.move("campaign", campaign, "scheduled")
    (job,) = crm_marketing.register_jobs()
    await job.handle(department.crm.kernel.crm("marketing"))
    assert set(await department.members(due)) == {"Anna"}
    assert await department.members(later) == {}
    assert (await department.crm.get("campaign", later["id"]))["stage"] == "scheduled"


async def test_a_campaign_without_a_moment_is_not_scheduled(department: Any) -> None:
    with pytest.raises(Error) as error:
        await department.move("campaign", await department.campaign(), "scheduled")
    assert codes(error) == [("/starts_at", "required")]


async def one(department: Any, **values: Any) -> tuple[Any, Any, Any]:
    """A campaign to one person, who waits for the message."""
    person = await department.contact("Anna", **values)
    campaign = await department.campaign()
    await department.send(campaign)
    (member,) = await department.crm.find("campaign_member")
    return person, campaign, member


async def test_withdrawal_takes_effect_at_once(department: Any) -> None:
    person, campaign, _ = await one(department)
    await department.said(person, "withdrawn", 0, channel="sms")
    assert await department.members(campaign) == {"Anna": ("pending", None)}
    await department.said(person, "withdrawn", 0, channel="email")
    assert await department.members(campaign) == {"Anna": ("suppressed", "withdrawn")}


async def test_a_listed_address_is_taken_out_at_once(department: Any) -> None:
    _, campaign, _ = await one(department)
    await department.create("suppression", address="Anna@example.com", reason="manual")
    assert await department.members(campaign) == {"Anna": ("suppressed", "suppression_list: manual")}


async def test_each_send_asks_again(department: Any) -> None:
    person, campaign, member = await one(department)
    await department.update("contact", person, do_not_contact=True)
    with pytest.raises(Error) as error:
        await department.move("campaign_member", member, "sent")
    assert codes(error) == [("/contact", "marketing.suppressed")]
    await department.update("contact", person, do_not_contact=False)
    await department.move("campaign_member", member, "sent")
    with pytest.raises(Error) as error:
        await department.move("campaign_member", member, "pending")
    assert codes(error) == [("/stage", "no_transition")]
    assert await department.members(campaign) == {"Anna": ("sent", None)}


@pytest.mark.parametrize(
    ("to", "values", "status", "listed"),
    [
        ("unsubscribed", {}, "withdrawn", []),
        ("complained", {}, "objected", ["complaint"]),
        ("bounced", {"bounce": "hard"}, "granted", ["hard_bounce"]),
        ("bounced", {"bounce": "soft"}, "granted", []),
    ],
)
async def test_answers_hold_for_later_campaigns(
    department: Any, to: str, values: dict[str, Any], status: str, listed: list[str]
) -> None:
    person, _, member = await one(department)
    await department.move("campaign_member", member, "sent")
    await department.move("campaign_member", member, to, **values)
    latest = await department.crm.find("consent", "contact = @param.id", sort="-at", id=person["id"])
    assert latest[0]["status"] == status
    rows = await department.crm.find("suppression", "address = 'anna@example.com'")
    assert [row["reason"] for row in rows] == listed
    other = await department.campaign(name="Next")
    (stage, _) = (await department.send(other))["Anna"]
    assert stage == ("pending" if (to, values.get("bounce")) == ("bounced", "soft") else "suppressed")
