"""Who is whom: the laws of comparing companies and people, without a database."""

from __future__ import annotations

import pytest
from crm_sales import domain
from crm_sales.domain import Party
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.sampled_from([None, "", "Ābele", "SIA Ābele", "sia abele", "«SIA» Abele!", "Bērzs", "—"])
NUMBERS = st.sampled_from([None, "", "LV1", "lv 1", "LV-2", "--"])
COMPANIES = st.builds(Party, id=st.uuids().map(str), name=NAMES, vat=NUMBERS)
PEOPLE = st.builds(
    Party,
    id=st.uuids().map(str),
    name=NAMES,
    email=st.sampled_from([None, "a@x.lv", "A@x.lv", "b@x.lv"]),
    phone=st.sampled_from([None, "+37126123456", "+37126123457"]),
    within=st.sampled_from([None, "c1", "c2"]),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("SIA «Ābele»", "sia abele"), ("  Straße & Söhne  ", "strasse sohne"), ("İ", "i"), ("—", ""), ("Шоқан", "шоқан")],
)
def test_names_are_compared_folded(text: str, expected: str) -> None:
    assert domain.folded(text) == expected
    assert domain.folded(domain.folded(text)) == expected


def test_vat_numbers_are_compared_as_letters_and_digits() -> None:
    assert {domain.vat(text) for text in ("LV 4000-300", "lv4000300", "ＬＶ４０００３００")} == {"LV4000300"}


@given(wanted=COMPANIES, known=st.lists(COMPANIES, max_size=6))
def test_the_company_found_is_the_same_one(wanted: Party, known: list[Party]) -> None:
    found = domain.same_company(wanted, known)
    mine, name = domain.vat(wanted.vat or ""), domain.folded(wanted.name or "")
    numbers = [c for c in known if mine and domain.vat(c.vat or "") == mine]
    if found is None:
        assert not numbers
        assert not any(name and domain.folded(c.name or "") == name and not (mine and c.vat) for c in known)
    else:
        theirs = domain.vat(found.vat or "")
        assert theirs == mine or not (theirs and mine)
        assert found in numbers if numbers else domain.folded(found.name or "") == name


@given(parties=st.lists(COMPANIES, max_size=8))
def test_no_two_companies_that_were_created_are_known_by_the_same(parties: list[Party]) -> None:
    """One after another each finds its company or creates it: then no number stands twice, and no name without one."""
    created: list[Party] = []
    for party in parties:
        if (party.name or party.vat) and domain.same_company(party, created) is None:
            created.append(party)
    numbers = [domain.vat(c.vat) for c in created if c.vat and domain.vat(c.vat)]
    assert len(set(numbers)) == len(numbers)
    unnumbered = [domain.folded(c.name) for c in created if not domain.vat(c.vat or "") and domain.folded(c.name or "")]
    assert len(set(unnumbered)) == len(unnumbered)


@given(wanted=PEOPLE, known=st.lists(PEOPLE, max_size=6))
def test_the_person_found_shares_a_key_and_the_surest_wins(wanted: Party, known: list[Party]) -> None:
    found = domain.same_contact(wanted, known)
    keys = domain.keys_of_contact(wanted)
    shared = [key for key in keys if any(key in domain.keys_of_contact(c) for c in known)]
    assert (found is None) == (not shared)
    if found is not None:
        assert shared[0] in domain.keys_of_contact(found)


@given(person=PEOPLE)
def test_whoever_can_be_told_apart_is_found_again(person: Party) -> None:
    assert (domain.same_contact(person, [person]) is not None) == bool(domain.keys_of_contact(person))
