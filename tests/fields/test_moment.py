from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_kernel.fields.base import Faulty, ValueContext
from crm_kernel.fields.moment import Date, Moment, moment_text, read_moment

RIGA = ValueContext(timezone="Europe/Riga")


@pytest.mark.contract("documents.md#moment-offset")
@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z"),
        ("2026-03-01t10:00:00z", "2026-03-01T10:00:00Z"),
        (" 2026-03-01T10:00:00+02:00 ", "2026-03-01T08:00:00Z"),
        ("2026-03-01T10:00:00-05:30", "2026-03-01T15:30:00Z"),
        ("2026-03-01T10:00:00.500Z", "2026-03-01T10:00:00.5Z"),
        ("2026-03-01T10:00:00.000Z", "2026-03-01T10:00:00Z"),
        ("2026-03-01T10:00:00.1234569Z", "2026-03-01T10:00:00.123456Z"),
        ("2026-03-01T10:00:00-00:00", "2026-03-01T10:00:00Z"),
        ("", None),
        (datetime(2026, 3, 1, 10, tzinfo=timezone(timedelta(hours=2))), "2026-03-01T08:00:00Z"),
        (5, 5),
    ],
)
def test_moments_are_answered_in_utc(sent: Any, stored: Any) -> None:
    assert Moment().canonical(sent, RIGA) == stored


@pytest.mark.contract("documents.md#moment-offset")
@pytest.mark.parametrize(
    "sent",
    [
        "2026-03-01T10:00:00",
        "2026-03-01",
        "2026-03-01 10:00:00Z",
        "2026-03-01T10:00Z",
        "2026-13-01T10:00:00Z",
        "2026-02-30T10:00:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T10:00:60Z",
        "2026-03-01T10:00:00+24:00",
        "2026-03-01T10:00:00+0200",
        "2026-03-01T10:00:00.Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2026-03-01T10:00:00Ż",
        "２026-03-01T10:00:00Z",
        "now",
        datetime(2026, 3, 1),
    ],
)
def test_what_is_no_rfc_3339_with_offset_is_refused(sent: Any) -> None:
    with pytest.raises(Faulty) as caught:
        Moment().canonical(sent, RIGA)
    assert caught.value.faults[0].code == "format"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01 10:00", "2026-03-01T08:00:00Z"),
        ("2026-07-01T10:00:30.5", "2026-07-01T07:00:30.5Z"),
        ("2026-07-01", "2026-06-30T21:00:00Z"),
        ("2026-10-25 03:30", "2026-10-25T00:30:00Z"),
        ("2026-07-01T10:00:00-05:00", "2026-07-01T15:00:00Z"),
    ],
)
def test_a_cell_without_offset_is_in_the_apps_zone(text: str, moment: str) -> None:
    assert Moment().canonical(Moment().parse(text, RIGA), RIGA) == moment


def test_a_cell_may_lie_west_of_greenwich() -> None:
    there = ValueContext(timezone="America/St_Johns")
    assert Moment().parse("2026-01-01 00:00", there) == "2026-01-01T00:00:00-03:30"


@pytest.mark.parametrize("text", ["1.3.2026", "2026-02-30", "2026-02-30 10:00"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert Moment().parse(text, RIGA) == text


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_the_stored_order_is_the_order_of_time(one: datetime, other: datetime) -> None:
    stored = [moment_text(moment).removesuffix("Z") for moment in (one, other)]
    assert (stored[0] < stored[1]) == (one < other)


@given(st.datetimes(timezones=st.just(UTC)))
def test_text_is_read_as_the_same_moment(moment: datetime) -> None:
    assert read_moment(moment_text(moment)) == moment


@pytest.mark.contract("documents.md#date-format")
@pytest.mark.parametrize("sent", ["2026-03-01", " 2026-03-01 ", date(2026, 3, 1)])
def test_dates(sent: Any) -> None:
    assert Date().canonical(sent, RIGA) == "2026-03-01"


@pytest.mark.contract("documents.md#date-format")
@pytest.mark.parametrize(
    "sent", ["20260301", "2026-3-1", "2026-02-30", "01.03.2026", "2026-W01-1", "2026-03-01T00:00:00Z", "0000-01-01"]
)
def test_other_forms_of_dates_are_refused(sent: str) -> None:
    with pytest.raises(Faulty) as caught:
        Date().canonical(sent, RIGA)
    assert caught.value.faults[0].code == "format"


def test_what_is_no_text_is_left_to_json_schema() -> None:
    assert Date().canonical(5, RIGA) == 5
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    assert Date().canonical(moment, RIGA) is moment
