"""The rules of consent, addresses and tracking parameters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from crm_marketing.domain import (
    STRICTNESS,
    Consent,
    address_hash,
    channel_of,
    consent_of,
    of_url,
    suppressed,
    tracking,
)
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def said(status: Any, days: float, **more: Any) -> Consent:
    return Consent(status, NOW + timedelta(days=days), **{"purpose": "news", **more})


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        ([], "no_consent"),
        ([said("granted", -1)], "granted"),
        ([said("granted", 1)], "no_consent"),
        ([said("pending", -1)], "pending"),
        ([said("granted", -2), said("withdrawn", -1)], "withdrawn"),
        ([said("withdrawn", -2), said("granted", -1)], "granted"),
        ([said("granted", -1), said("denied", -1)], "denied"),
        ([said("granted", -2), said("withdrawn", -1, channel="sms")], "granted"),
        ([said("granted", -2), said("withdrawn", -1, channel="email")], "withdrawn"),
        ([said("granted", -2, channel="sms")], "no_consent"),
        ([said("granted", -2, purpose="other")], "no_consent"),
        ([said("granted", -2, expires_at=NOW)], "expired"),
        ([said("granted", -2, expires_at=NOW + timedelta(seconds=1))], "granted"),
        ([said("granted", -2), said("objected", -1, purpose="other", channel="sms")], "objected"),
        ([said("objected", -2), said("granted", -1, basis="legitimate_interests")], "objected"),
        ([said("objected", -2), said("granted", -1, basis="contract", channel="email")], "objected"),
        ([said("objected", -2), said("granted", -1)], "granted"),
        ([said("objected", -2), said("granted", -1), said("withdrawn", -0.5)], "withdrawn"),
        ([said("objected", -2), said("granted", -1), said("objected", -0.5)], "objected"),
        ([said("objected", -1), said("granted", -1)], "objected"),
    ],
)
def test_what_holds(records: list[Consent], reason: str) -> None:
    for given_order in (records, records[::-1]):
        assert consent_of(given_order, "news", "email", NOW) == (reason == "granted", reason)


RECORDS = st.lists(
    st.builds(
        said,
        st.sampled_from(STRICTNESS),
        st.integers(-5, 2),
        purpose=st.sampled_from(["news", "other"]),
        channel=st.sampled_from(["any", "email", "sms"]),
        basis=st.sampled_from(["consent", "contract"]),
    ),
    max_size=8,
)


@given(RECORDS, st.sampled_from(["denied", "withdrawn", "objected"]))
def test_a_newer_no_always_holds(records: list[Consent], no: Any) -> None:
    assert not consent_of([*records, said(no, 0)], "news", "email", NOW).allowed


@given(RECORDS, st.randoms())
def test_the_order_of_records_says_nothing(records: list[Consent], chance: Any) -> None:
    verdict = consent_of(records, "news", "email", NOW)
    chance.shuffle(records)
    assert consent_of(records, "news", "email", NOW) == verdict


def test_the_suppression_list_beats_everything() -> None:
    contact = {"id": "1", "email": "A@b.lv", "phone": None, "do_not_contact": True}
    listed = {address_hash("a@B.lv "): "erased"}
    allowed = consent_of([said("granted", -1)], "news", "email", NOW)
    assert suppressed("email", contact, listed, allowed) == "suppression_list: erased"
    assert suppressed("email", contact, {}, allowed) == "do_not_contact"
    assert suppressed("email", {**contact, "do_not_contact": False}, {}, allowed) is None
    assert suppressed("sms", {**contact, "do_not_contact": False}, {}, allowed) == "no_address"
    assert suppressed("post", {**contact, "do_not_contact": False}, {}, allowed) is None


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("utm_source", " Google%20Ads ", "google ads"),
        ("utm_medium", "CPC", "cpc"),
        ("utm_campaign", "Spring%20Sale", "Spring Sale"),
        ("utm_term", "%20", None),
        ("utm_content", "x" * 300, "x" * 200),
        ("utm_id", "100%", "100%"),
        ("gclid", "%E2%82%AC%00", "€"),
    ],
)
def test_parameters_as_they_are_kept(name: str, value: str, kept: str | None) -> None:
    assert tracking(name, value) == kept


def test_parameters_of_a_url() -> None:
    url = "https://a.lv/p?utm_source=News+Letter&x=1&utm_source=b&utm_campaign=May%26June&gclid=Q#utm_term=no"
    assert of_url(url) == {"utm_source": "news letter", "utm_campaign": "May&June", "gclid": "Q"}
    assert of_url("https://a.lv/") == {}


@pytest.mark.parametrize(
    ("touch", "channel"),
    [
        ({"utm_medium": "email", "gclid": "1"}, "email"),
        ({"gclid": "1"}, "paid_search"),
        ({"fbclid": "1"}, "paid_social"),
        ({"referrer": "https://b.lv"}, "referral"),
        ({"utm_source": "partner"}, "partner"),
        ({}, "direct"),
    ],
)
def test_the_channel_that_nobody_named(touch: dict[str, str | None], channel: str) -> None:
    assert channel_of(touch) == channel
