"""What `crm check` asks, what the log says at the start and the end, and what the plugin brings beside its entities."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import crm_real_estate
import pytest
from crm_real_estate import health


async def test_a_listing_on_the_market_needs_an_agent_who_is_there(office: Any) -> None:
    agent = await office.agent()
    listing = await office.listing(list_agent=agent["id"])
    await office.listing("Hold", list_agent=agent["id"])
    assert await health.agents_can_sign_in(office.crm) == []
    await office.update("user", agent, active=False)
    (sentence,) = await health.agents_can_sign_in(office.crm)
    assert listing["listing_id"] in sentence
    assert "Hint:" in sentence


async def test_the_log_says_how_the_office_works_and_what_is_to_come(
    office: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The hooks on_start and on_stop."""
    await office.book(await office.listing(), 30)
    crm = office.crm.kernel.crm("real_estate")
    with caplog.at_level(logging.INFO):
        await crm_real_estate.on_start(crm)
        await crm_real_estate.on_stop(crm)
    assert "viewings take" in caplog.text
    assert "1 viewings are to come" in caplog.text


async def test_what_a_person_is_to_the_office(office: Any) -> None:
    """A field on a contact by register_extensions."""
    person = await office.create("contact", name="Anna", contact_type=["Buyer", "Seller"])
    found = await office.crm.find("contact", "contact_type contains 'Seller'")
    assert [one["id"] for one in found] == [person["id"]]


def test_documents_and_views_come_with_the_plugin() -> None:
    """register_documents gives a folder of files, register_views documents, register_checks questions."""
    (folder,) = crm_real_estate.register_documents()
    assert [file.name for file in Path(folder).glob("*.json")] == ["offers-by-stage.json"]
    assert {view["name"] for view in crm_real_estate.register_views()} == {
        "listings-under-contract",
        "viewings-to-confirm",
    }
    assert [check.name for check in crm_real_estate.register_checks()] == ["agents"]
