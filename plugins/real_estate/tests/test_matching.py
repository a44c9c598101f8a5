"""Buyer requirements against listings: must-haves, the price's tolerance, weighted wishes, reasons."""

from decimal import Decimal
from typing import Any

import pytest
from crm_real_estate.matching import STRETCH, best, match
from hypothesis import given
from hypothesis import strategies as st

MEMBERS = [
    "property_types", "property_sub_types", "min_price", "max_price", "min_bedrooms", "cities", "districts",
    "min_living_area", "wishes",
]  # fmt: skip


def euros(amount: float) -> dict[str, Any]:
    return {"amount": Decimal(str(amount)), "currency": "EUR"}


def requirement(**values: Any) -> dict[str, Any]:
    return {**dict.fromkeys(MEMBERS), "price_tolerance": 0, **values}


def listing(**values: Any) -> dict[str, Any]:
    flat = {
        "property_type": "Residential",
        "property_sub_type": "Apartment",
        "list_price": euros(100_000),
        "city": "Rīga",
        "city_region": "Āgenskalns",
        "bedrooms_total": 2,
        "living_area": 60.0,
        "living_area_units": "Square Meters",
        "garage_yn": None,
        "view": None,
        "year_built": None,
    }
    return {**flat, **values}


MUSTS = {
    "nothing asked": ({}, {}, True),
    "type": ({"property_types": ["Residential", "Land"]}, {}, True),
    "other type": ({"property_types": ["Land"]}, {}, False),
    "type unknown": ({"property_types": ["Land"]}, {"property_type": None}, False),
    "sub-type": ({"property_sub_types": ["Apartment"]}, {}, True),
    "district in another case": ({"districts": ["āgenskalns"]}, {}, True),
    "other district": ({"districts": ["Teika"]}, {}, False),
    "city": ({"cities": ["Jūrmala"]}, {}, False),
    "in range": ({"min_price": euros(90_000), "max_price": euros(100_000)}, {}, True),
    "too dear": ({"max_price": euros(99_999.99)}, {}, False),
    "too cheap": ({"min_price": euros(100_000.01)}, {}, False),
    "within tolerance": ({"max_price": euros(95_000), "price_tolerance": 10}, {}, True),
    "at the edge of the tolerance": ({"max_price": euros(80_000), "price_tolerance": 25}, {}, True),
    "beyond tolerance": ({"max_price": euros(80_000), "price_tolerance": 24}, {}, False),
    "below, within tolerance": ({"min_price": euros(105_000), "price_tolerance": 5}, {}, True),
    "no price": ({"max_price": euros(95_000)}, {"list_price": None}, False),
    "other currency": ({"max_price": euros(200_000)}, {"list_price": {"amount": Decimal(1), "currency": "USD"}}, False),
    "bedrooms": ({"min_bedrooms": 2}, {}, True),
    "too few bedrooms": ({"min_bedrooms": 3}, {}, False),
    "bedrooms unknown": ({"min_bedrooms": 1}, {"bedrooms_total": None}, False),
    "area": ({"min_living_area": 60}, {}, True),
    "area in feet": ({"min_living_area": 60}, {"living_area": 640.0, "living_area_units": "Square Feet"}, False),
    "area unknown": ({"min_living_area": 60}, {"living_area": None}, False),
}


@pytest.mark.parametrize("name", MUSTS)
def test_must_haves(name: str) -> None:
    wanted, offered, fits = MUSTS[name]
    found = match(requirement(**wanted), listing(**offered))
    assert found.fits is fits
    assert found.score == 0 if not fits else found.score > 0
    assert bool(found.reasons) is bool(wanted)
    assert all(reason.held for reason in found.reasons) is fits


WISHES = {
    "equal": ({"equals": True}, "garage_yn", True, True),
    "not equal": ({"equals": True}, "garage_yn", False, False),
    "unknown": ({"equals": True}, "garage_yn", None, False),
    "in the list": ({"equals": "Water"}, "view", ["City", "Water"], True),
    "not in the list": ({"equals": "Water"}, "view", ["City"], False),
    "at least": ({"at_least": 2000}, "year_built", 2000, True),
    "less": ({"at_least": 2000}, "year_built", 1999, False),
    "between": ({"at_least": 1900, "at_most": 1940}, "year_built", 1910, True),
    "beyond": ({"at_least": 1900, "at_most": 1940}, "year_built", 1941, False),
    "a number of a list": ({"at_least": 1}, "view", ["City"], False),
    "a number of a yes": ({"at_least": 1}, "garage_yn", True, False),
    "no condition": ({}, "year_built", 1941, False),
}


@pytest.mark.parametrize("name", WISHES)
def test_wishes(name: str) -> None:
    condition, field, value, met = WISHES[name]
    found = match(requirement(wishes=[{"field": field, **condition}]), listing(**{field: value}))
    assert found.fits
    assert found.score == (100 if met else 0)
    (reason,) = found.reasons
    assert (reason.rule, reason.held, reason.weight) == (f"wish:{field}", met, 1)


def test_score_is_the_share_of_weights_less_the_stretch_of_the_price() -> None:
    wishes = [
        {"field": "garage_yn", "equals": True, "weight": 3},
        {"field": "year_built", "at_least": 2000, "weight": 1},
    ]
    wanted = requirement(max_price=euros(96_000), price_tolerance=10, wishes=wishes)
    found = match(wanted, listing(garage_yn=True, year_built=1970))
    # 3 of 4, and the price stretches the tolerance by 4,000 of 9,600.
    assert found.score == round(75 - STRETCH * 4_000 / 9_600)
    assert [reason.detail for reason in found.reasons] == [
        "price EUR 100000 above 96000 (tolerance 10 %)",
        "garage yn True, wished True",
        "year built 1970, wished at least 2000",
    ]


def test_the_best_come_first() -> None:
    wanted = requirement(max_price=euros(100_000), wishes=[{"field": "garage_yn", "equals": True}])
    offered = [
        listing(),
        listing(garage_yn=True),
        listing(list_price=euros(200_000)),
        listing(garage_yn=True, city="Ogre"),
    ]
    assert [record for record, _ in best(wanted, offered, 2)] == [offered[1], offered[3]]


PRICES = st.integers(1, 10_000_000).map(euros)


PRICE_RULES = st.tuples(PRICES, st.none() | PRICES, st.none() | PRICES, st.integers(0, 50))


@given(PRICE_RULES, st.booleans(), st.tuples(st.integers(1, 10), st.integers(1, 10)))
def test_score_stays_in_range(rules: tuple[Any, Any, Any, int], garage: bool, weights: tuple[int, int]) -> None:
    """0..100 always, 0 where it does not fit, and a met wish never lowers it."""
    price, low, high, tolerance = rules
    wishes = [
        {"field": "garage_yn", "equals": True, "weight": weights[0]},
        {"field": "view", "equals": "Water", "weight": weights[1]},
    ]
    wanted = requirement(min_price=low, max_price=high, price_tolerance=tolerance, wishes=wishes)
    found = match(wanted, listing(list_price=price, garage_yn=garage))
    better = match(wanted, listing(list_price=price, garage_yn=garage, view=["Water"]))
    assert 0 <= found.score <= better.score <= 100
    assert found.fits or found.score == 0
    inside = (low is None or price["amount"] >= low["amount"]) and (high is None or price["amount"] <= high["amount"])
    assert found.fits or not inside
